"""An application as grants name it: what it is called, where it is at home, and what it takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cyberprivacy.attest.report import Level
from cyberprivacy.vault.grant import Party
from cyberprivacy.vault.recipient import NOBODY, Declared, ReleasePolicy

KEEPING: Final = "Keep here what you bring"
"""The purpose of a vault that people move to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Whose application something is, and how it can be proven; by default nobody's, and not at all.

    Attributes:
        chain: EIP-155 chain of its DAO. dao: address of that, in the spelling of EIP-55.
        cluster: number of the cluster that it runs in.
        evidence: the lowest level that it offers to prove each time; None = it proves nothing; people read that.
        measurements: the only software that it promises to run on, 32 bytes each; None = what the DAO releases.
    """

    chain: int = 0
    dao: str = NOBODY
    cluster: int = 0
    evidence: Level | None = None
    measurements: frozenset[bytes] | None = None


NOWHERE: Final = Home()


@dataclass(frozen=True, slots=True)
class Own:
    """An application as grants name it.

    Attributes:
        cluster: the number of its cluster as 32 bytes; zero where it is in none.
        policy: what people consent to when it gets something.
        parameters: where its node writes what may be asked about it; None where none does.
    """

    app: str
    cluster: bytes
    policy: ReleasePolicy
    parameters: Path | None = None

    @classmethod
    def of(cls, app: str, home: Home, declared: Declared) -> Self:
        """An application at home somewhere, that takes no more than this."""
        policy = ReleasePolicy(app, home.chain, home.dao, home.evidence, home.measurements, declared)
        return cls(app, home.cluster.to_bytes(32), policy)

    def party(self, account: bytes) -> Party:
        """This application, with a person as it knows them (32 bytes)."""
        return Party(self.app, self.cluster, self.policy.digest, account)
