"""The log that remembers receipts, and the proof that one of them is in it.

A vault that stands alone keeps a log of its own and signs its heads with its own key; nobody witnesses it, so it
proves what this vault has once told, and nothing that other people were told. One that a node hosts keeps none:
the node takes digests into its own log, which anybody may follow and others witness.
Source: docs/spec/udi-1.md, "Receipts in a ledger".
"""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol, Self

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger import hosted
from cyberprivacy.ledger.commitment import KINDS
from cyberprivacy.ledger.log import FileLedger, Ledger
from cyberprivacy.ledger.offline import OfflineProof
from cyberprivacy.ledger.proofs import inclusion_proof
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.ledger.trust import SeenHead
from cyberprivacy.vault import commitments
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.vaultkey import VaultKey

Keeper = Literal["vault", "node"]


class ElsewhereProven(Misuse):
    """The log is the node's, and so are its proofs."""

    code = "receipt.log"
    hint = "Prove it with the log of the node: `cyberprivacy log prove SITE --index PLACE --key …`."


class ReceiptLog(Protocol):
    """Remembers digests of receipts. Several threads may use it."""

    @property
    def keeper(self) -> Keeper:
        """Whose log it is."""
        ...

    def write(self) -> int:
        """Take in what waits in the database; how many entries that were.

        Raises:
            TryLater: the database or the ledger cannot now; what was written stays.
        """
        ...

    def prove(self, place: int) -> bytes:
        """An entry, and why it is in the log, in the form of C2SP tlog-proof.

        Raises:
            LedgerFull: the disk refuses. LedgerDamaged: the journal does not grow from the last signed head.
            ElsewhereProven: the log is the node's.
        """
        ...


class OwnLog:
    """A vault's own: a journal and its public files."""

    def __init__(self, database: Database, ledger: Ledger, publisher: Publisher) -> None:
        self._database, self._ledger, self._publisher = database, ledger, publisher
        self._writing, self._proving = Lock(), Lock()
        self._fresh = True
        self._head: SeenHead | None = None

    @classmethod
    def of(
        cls,
        database: Database,
        ledger: FileLedger,
        folder: Path,
        key: VaultKey,
        site: Site,
        *,
        clock: Callable[[], float],
    ) -> Self:
        """Signed by the vault's key; the public files lie in `folder`."""
        signer = key.log_signer(name_of(site))
        return cls(database, ledger, Publisher(ledger, folder, signers=[signer], clock=clock))

    @property
    def keeper(self) -> Keeper:
        """See `ReceiptLog`."""
        return "vault"

    def write(self) -> int:
        """See `ReceiptLog`: each is written once, even if this process dies in the middle."""
        with self._writing:
            with self._database.reading() as connection:
                waiting = commitments.waiting(connection)
            # Whoever died between the ledger and the database has left leaves that are there already.
            known = self._written() if waiting and self._fresh else {}
            self._fresh = False
            for each in waiting:
                place = known.get(each.leaf.hex())
                if place is None:
                    place = self._ledger.append(each.kind, {"leaf": each.leaf.hex()}).index
                with self._database.transaction() as connection:
                    commitments.placed(connection, [(each.leaf, place)])
            return len(waiting)

    def prove(self, place: int) -> bytes:
        """See `ReceiptLog`. Raises ValueError where there is no such entry."""
        with self._proving:
            head = self._head
            if head is None or place >= head.checkpoint.size or self._publisher.due():
                head = self._head = self._publisher.publish()
            reader = LogReader(FolderSource(self._publisher.public), head.checkpoint.head)
            path = inclusion_proof(reader.node, place, head.checkpoint.size)
            (entry,) = reader.entries(place, place + 1)
            return OfflineProof(entry, place, path, head.whole).encode()

    def _written(self) -> dict[str, int]:
        return {str(each.facts["leaf"]): each.index for each in self._ledger.entries() if each.kind in KINDS}


class NodeLog:
    """That of the node which hosts the application: it comes and asks, as nothing leaves a container by itself."""

    @property
    def keeper(self) -> Keeper:
        """See `ReceiptLog`."""
        return "node"

    def write(self) -> int:
        """See `ReceiptLog`: the node does, see `answered`."""
        return 0

    def prove(self, place: int) -> bytes:
        """See `ReceiptLog`: the node's log is public, and proves itself."""
        raise ElsewhereProven("the node that hosts this application has it in its log", place=place)


def answered(database: Database, question: bytes) -> bytes:
    """What to answer the node that hosts this: it says where it has put what it took last, and gets what waits.

    Raises:
        Untrusted: not the question of a node.
        TryLater: the database cannot now.
    """
    places = hosted.read_question(question)
    if places:
        with database.transaction() as connection:
            commitments.placed(connection, places)
    with database.reading() as connection:
        return hosted.answer(commitments.waiting(connection, hosted.MOST))


def name_of(site: Site) -> str:
    """What the own log of a vault is called."""
    return f"{site.domain}/udi/receipts"


def verifier(site: Site, key: bytes) -> VerifierKey:
    """The key of the own log of a vault with this key (Ed25519, 32 bytes), as `log verify` takes it."""
    return VerifierKey(name_of(site), Kind.LOG, key)
