"""All transfers of one application: what leaves, what comes, what is due, put together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cyberprivacy.vault.place import Place
from cyberprivacy.vault.receiptlog import ReceiptLog
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.transfer.arrivals import Arrivals
from cyberprivacy.vault.transfer.carrier import Carrier
from cyberprivacy.vault.transfer.departures import Departures
from cyberprivacy.vault.transfer.ordering import Ordering
from cyberprivacy.vault.transfer.pulling import Pulling
from cyberprivacy.vault.transfer.recordkeeping import RecordKeeping
from cyberprivacy.vault.transfer.retention import Retention
from cyberprivacy.vault.vaultkey import VaultKey


@dataclass(frozen=True, slots=True)
class Traffic:
    """The transfers of one application."""

    sharing: Sharing
    departures: Departures
    arrivals: Arrivals
    ordering: Ordering
    carrier: Carrier
    receipts: ReceiptLog

    @classmethod
    def of(
        cls,
        sharing: Sharing,
        keeping: RecordKeeping,
        ring: KeyRing,
        key: VaultKey,
        receipts: ReceiptLog,
        place: Place,
    ) -> "Traffic":
        """Put together.

        Args:
            sharing: the application's grants.
            keeping: its records and blobs.
            ring: owners' keys.
            key: of the vault.
            receipts: remembers their digests.
            place: where this is.
        """
        departures, arrivals = Departures(sharing, keeping, key), Arrivals(sharing.database, ring)
        ordering = Ordering(sharing=sharing, arrivals=arrivals, store=ring.store, place=place)
        retention = Retention(sharing.database, keeping)
        chores: list[Callable[[], object]] = [
            receipts.write,
            departures.tidy,
            lambda: retention.tidy(now=sharing.clock()),
        ]
        pulling = Pulling(sharing, keeping, key, place.site, ordering.check)
        carrier = Carrier(arrivals, pulling, chores, sharing.clock)
        return cls(sharing, departures, arrivals, ordering, carrier, receipts)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Carry and tidy until the end of the block."""
        self.carrier.start()
        try:
            yield
        finally:
            self.carrier.close()
