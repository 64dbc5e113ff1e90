"""The log that remembers receipts, and the proof that one of them is in it.

A vault that stands alone keeps a log of its own and signs its heads with its own key; nobody witnesses it, so it
proves what this vault has once told, and nothing that other people were told. Whoever runs a vault beside a log
that others witness gives it that one. Source: docs/spec/udi-1.md, "Proofs of receipts".
"""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Self

from cyberprivacy.ledger.log import FileLedger, Ledger
from cyberprivacy.ledger.offline import OfflineProof
from cyberprivacy.ledger.proofs import inclusion_proof
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.ledger.trust import SeenHead
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.vaultkey import VaultKey


class ReceiptLog:
    """A journal and its public log. Several threads may use it.

    Attributes:
        ledger: takes entries in.
    """

    def __init__(self, ledger: Ledger, publisher: Publisher) -> None:
        self.ledger, self._publisher = ledger, publisher
        self._lock = Lock()
        self._head: SeenHead | None = None

    @classmethod
    def own(
        cls, ledger: FileLedger, folder: Path, key: VaultKey, site: Site, *, clock: Callable[[], float]
    ) -> Self:
        """A vault's own: its public files lie in `folder`."""
        signer = key.log_signer(name_of(site))
        return cls(ledger, Publisher(ledger, folder, signers=[signer], clock=clock))

    def prove(self, index: int) -> bytes:
        """An entry, and why it is in the log, in the form of C2SP tlog-proof.

        Raises:
            LedgerFull: the disk refuses. LedgerDamaged: the journal does not grow from the last signed head.
            ValueError: there is no such entry.
        """
        with self._lock:
            head = self._head
            if head is None or index >= head.checkpoint.size or self._publisher.due():
                head = self._head = self._publisher.publish()
            reader = LogReader(FolderSource(self._publisher.public), head.checkpoint.head)
            path = inclusion_proof(reader.node, index, head.checkpoint.size)
            (entry,) = reader.entries(index, index + 1)
            return OfflineProof(entry, index, path, head.whole).encode()


def name_of(site: Site) -> str:
    """What the own log of a vault is called."""
    return f"{site.domain}/udi/receipts"


def verifier(site: Site, key: bytes) -> VerifierKey:
    """The key of the own log of a vault with this key (Ed25519, 32 bytes), as `log verify` takes it."""
    return VerifierKey(name_of(site), Kind.LOG, key)
