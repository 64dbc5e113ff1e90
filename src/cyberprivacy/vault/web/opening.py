"""A vault opened from a folder: its database, its keys under their root, and what works in the background."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.bundle.datatype import DataType
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.vault import outward
from cyberprivacy.vault.blobs import Blobs
from cyberprivacy.vault.changing import Means, Quota
from cyberprivacy.vault.contractwallet import ContractWitness
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.erasure import Erasure
from cyberprivacy.vault.exports import Exports
from cyberprivacy.vault.exports import Means as Making
from cyberprivacy.vault.home import Own
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.messenger import Messenger
from cyberprivacy.vault.place import OWNER, BadPlace, Place
from cyberprivacy.vault.proven import Prover
from cyberprivacy.vault.receiptlog import NodeLog, OwnLog, ReceiptLog
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.sweeper import Sweeper
from cyberprivacy.vault.types import Types
from cyberprivacy.vault.vaultkey import VaultKey
from cyberprivacy.vault.web.assembly import DEFAULT, Paces, Vault

FILE: Final = "vault.db"
ROOT: Final = "keys.root"
KEYS: Final = "keys.udi"
KEY: Final = "vault.key"
LEDGER: Final = "receipts.ledger"
LOG: Final = "receipts.log"
EXPORTS: Final = "exports"


@contextmanager
def opened(  # noqa: PLR0913  (each is one part of a vault)
    data: Path,
    database: str,
    place: Place,
    *,
    types: Sequence[DataType] = (),
    own: Own | None = None,
    hosted: bool = False,
    prover: Prover | None = None,
    contracts: ContractWitness | None = None,
    paces: Paces = DEFAULT,
    clock: Callable[[], float] = time.time,
) -> Iterator[Vault]:
    """A vault that keeps everything in a folder, but for its database if that has a URL of its own.

    Args:
        data: the folder; made if it is not there.
        database: `postgresql://…`; "" for SQLite in the folder.
        place: where it is.
        types: that are declared, besides those that were before.
        own: the application that shares under grants.
        hosted: a node takes receipts into its log; else they go into one of the vault's own, in the folder.
        prover: has recipients prove themselves.
        contracts: says what contract wallets accept; None = their keys are not enabled here.
        paces: how fast anybody may ask.
        clock: POSIX seconds.

    Raises:
        BadPlace: the folder cannot be made ("vault.data").
        CyberPrivacyError: the database or the keys cannot be opened, or another process has them.
    """
    _folder(data)
    with ExitStack() as stack:
        ground = _ground(data, database, place, clock, stack)
        ground.declare(types)
        means = Means(ring=ground.ring, types=ground.types, quota=Quota(), clock=clock)
        records, blobs = Records(means), Blobs(means)
        exports, receipts = ground.exports(records, blobs, stack), ground.receipts(stack, hosted=hosted)
        sweeper = ground.sweeper(receipts, exports, stack)
        messenger = Messenger(ground.database, outward.anywhere if place.site.local else outward.public, clock)
        stack.callback(messenger.close)
        vault = Vault(
            database=ground.database,
            place=place,
            judge=Judge(place=place.passkeys(OWNER), contracts=contracts),
            ring=ground.ring,
            keys=ground.ring.store.root.label,
            development=True,
            types=ground.types,
            records=records,
            blobs=blobs,
            exports=exports,
            sweeper=sweeper,
            messenger=messenger,
            key=ground.key,
            paces=paces,
            clock=clock,
            receipts=receipts,
            own=own,
            prover=prover,
        )
        if vault.traffic is not None:
            stack.enter_context(vault.traffic.running())
        yield vault


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything in a vault stands on."""

    data: Path
    place: Place
    database: Database
    ring: KeyRing
    types: Types
    key: VaultKey
    clock: Callable[[], float]

    def declare(self, types: Sequence[DataType]) -> None:
        """Know these types, besides those that were declared before."""
        with self.database.transaction() as connection:
            for each in types:
                self.types.declare(connection, each, now=int(self.clock()))

    def exports(self, records: Records, blobs: Blobs, stack: ExitStack) -> Exports:
        """Archives, made in the background until the stack ends."""
        made = Exports(
            Making(
                database=self.database,
                ring=self.ring,
                records=records,
                blobs=blobs,
                types=self.types,
                folder=self.data / EXPORTS,
                key=self.key,
                said={"network": self.place.network, "site": self.place.site.uri},
                clock=self.clock,
            )
        )
        stack.callback(made.close)
        return made

    def receipts(self, stack: ExitStack, *, hosted: bool) -> ReceiptLog:
        """The log of the node, or the vault's own."""
        if hosted:
            return NodeLog()
        mine = FileLedger(self.data / LEDGER, clock=self.clock)
        stack.callback(mine.close)
        return OwnLog.of(self.database, mine, self.data / LOG, self.key, self.place.site, clock=self.clock)

    def sweeper(self, receipts: ReceiptLog, exports: Exports, stack: ExitStack) -> Sweeper:
        """Erases what was asked for, in the background until the stack ends."""
        erasure = Erasure(self.database, self.ring, self.key, clock=self.clock)
        made = Sweeper(erasure, receipts.write, exports.tidy)
        stack.callback(made.close)
        return made


def _folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadPlace(
            "no folder can be made there", code="vault.data", hint="", path=str(data), why=error.strerror
        ) from None


def _ground(data: Path, database: str, place: Place, clock: Callable[[], float], stack: ExitStack) -> _Ground:
    """The keys and the database, open until the stack ends. Only who has the keys may change the tables."""
    ring = KeyRing(_keys(data, stack))
    kept = Database.open(database or f"sqlite:///{(data / FILE).absolute()}")
    stack.callback(kept.close)
    return _Ground(data, place, kept, ring, Types(), VaultKey.open(data / KEY), clock)


def _keys(data: Path, stack: ExitStack) -> KeyStore:
    """The keys, under their root; made where neither is there yet, never where only one is."""
    root_file, key_file = data / ROOT, data / KEYS
    if not root_file.exists() and not key_file.exists():
        made = DevelopmentRoot.make(root_file)
        KeyStore.make(key_file, made).close()
        made.close()
    root = DevelopmentRoot.open(root_file)
    stack.callback(root.close)
    store = KeyStore.open(key_file, root)
    stack.callback(store.close)
    return store
