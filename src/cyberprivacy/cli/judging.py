"""What somebody who judges evidence asks for, as options: a policy file, a development root, chain endpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.attest import policy as policies
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.statement import MAX_ATTESTATION
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import out
from cyberprivacy.cli.vendors import Vendors
from cyberprivacy.errors import Misuse

DEVELOPMENT: Final = (
    "DEVELOPMENT: evidence under a development root is accepted. "
    "Whoever has that root can pretend to be anything, and be given people's records."
)
WITNESS: Final = 5.0
"""Seconds within which a chain has to say whether a contract wallet has signed: people wait for it."""
_OPTIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "rpc": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--rpc",
                metavar="URL",
                envvar="CYBERPRIVACY_RPC",
                help="Chain by which proofs and contract wallets are judged; several must agree.",
            ),
        ],
        None,
    ),
    "policy": (
        Annotated[
            Path | None, typer.Option(metavar="FILE", help="What is asked of all evidence, as for `verify`.")
        ],
        None,
    ),
    "allow_development": (
        Annotated[
            str,
            typer.Option(metavar="ROOT.pem|sha256:…", help="Accept evidence under this development root, too."),
        ],
        "",
    ),
}


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judges others' evidence and contract wallets, and by what; without chain endpoints nobody.

    Attributes:
        rpc: chain endpoints.
        policy: a file; None = the defaults.
        allow_development: a root that is worth nothing, named by hand.
    """

    rpc: list[str] | None
    policy: Path | None
    allow_development: str

    def contracts(self) -> Any:
        """Who says what contract wallets accept, a `ContractWitness` of the vault; None without a chain."""
        from cyberprivacy.proposal.agreeing import connect
        from cyberprivacy.vault.contractwallet import ChainWitness

        return ChainWitness(connect(self.rpc, timeout=WITNESS)) if self.rpc else None

    def prover(self, vendors: Vendors, *, local: bool, clock: Callable[[], float]) -> Any:
        """Has recipients prove themselves, a `vault.proven.Prover`; None where nobody judges.

        `local`: whether they may be on this machine.

        Raises:
            Misuse: a policy or a root without a chain by which anything could be judged ("vault.rpc").
        """
        from cyberprivacy.attest.onchain import read_facts
        from cyberprivacy.proposal.agreeing import connect
        from cyberprivacy.vault import outward
        from cyberprivacy.vault.nodeproof import NodeProver

        if not self.rpc:
            if self.policy is not None or self.allow_development:
                raise Misuse(
                    "evidence is judged by what a chain says",
                    code="vault.rpc",
                    hint="Name at least one chain endpoint with --rpc.",
                )
            return None
        if self.allow_development:
            out.warning(DEVELOPMENT)
        chain, policy = connect(self.rpc), asked_policy(self.policy, self.allow_development)
        return NodeProver(
            facts=lambda dao, asked: read_facts(chain, dao, asked, policy.factories),
            policy=policy,
            vendors=vendors,
            reach=outward.anywhere if local else outward.public,
            clock=clock,
        )


def with_judging(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Judging`; it takes them as one argument, `judging`."""
    return bundled(command, "judging", _OPTIONS, Judging)


def asked_policy(file: Path | None, development_root: str) -> Policy:
    """The policy in a file, or the default one; with a development root if one is named, see `verify`.

    Raises:
        Misuse: the file, or the root, is none.
    """
    asked = Policy() if file is None else policies.parse(read_file(file))
    return asked.allowing_development(_root(development_root)) if development_root else asked


def _root(named: str) -> bytes:
    """The fingerprint of a root that is given as one, or as a certificate."""
    from cryptography import x509

    from cyberprivacy.attest.certificates import fingerprint

    if named.startswith("sha256:"):
        try:
            digest = bytes.fromhex(named.removeprefix("sha256:"))
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise Misuse("not sha256: and 64 hex digits", code="verify.root", root=named[:100])
        return digest
    try:
        return fingerprint(x509.load_pem_x509_certificate(read_file(Path(named))))
    except ValueError:
        raise Misuse("not a certificate in PEM", code="verify.root", path=named) from None


def read_file(path: Path) -> bytes:
    """A file that somebody named, up to one byte more than an attestation may have; raises Misuse."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_ATTESTATION + 1)
    except OSError as error:
        raise Misuse(
            "the file cannot be read", code="verify.file", path=str(path), reason=error.strerror
        ) from error
