"""An application as its developer declares it: its name, where people reach it, what it keeps, and where."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cyberprivacy.vault.administered import PARAMETERS
from cyberprivacy.vault.contractwallet import ContractWitness
from cyberprivacy.vault.home import NOWHERE, Home
from cyberprivacy.vault.proven import Prover

NETWORK: Final = "cyberprivacy:dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An application that keeps people's data.

    Attributes:
        name: as in its manifest.
        site: its address, such as "https://shop.example".
        types: folder of the schemas of what it keeps, as in its bundle; see `bundle.typefolder`.
        vault: where that is kept. A folder: a vault inside of this process, made if it is not there. An address,
            such as "https://vault.example": one that runs by itself (`vault serve`) and that applications share.
        database: of a vault inside, `postgresql://…`; "" for SQLite in the folder.
        purposes: for what it may be granted other applications' records, a line each; needs a vault inside.
        sources: addresses of applications whose records people may grant it, by name; needs a vault inside.
        home: its DAO and cluster, and what it can prove; nobody's by default. Needs a vault inside.
        prover: has recipients prove themselves whose policies ask for it; None = those get nothing.
        contracts: says what contract wallets accept (`contractwallet.ChainWitness`); None = they are not enabled.
        network: names the domain of what people sign.
        hosted: whether a node hosts it, which then takes receipts of erasures and transfers into its public
            log, and starts the next release before it ends this one. Needs a vault inside, and `data` in the
            manifest.
        parameters: where its node writes what administrators may ask (see `administered`).
        clock: POSIX seconds.
    """

    name: str
    site: str
    types: Path
    vault: str | Path
    database: str = ""
    purposes: Sequence[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    home: Home = NOWHERE
    prover: Prover | None = None
    contracts: ContractWitness | None = None
    network: str = NETWORK
    hosted: bool = False
    parameters: Path = PARAMETERS
    clock: Callable[[], float] = time.time

    @property
    def shared(self) -> str:
        """Address of the vault that is shared; "" where it is inside."""
        return self.vault if isinstance(self.vault, str) and self.vault.startswith(("http://", "https://")) else ""
