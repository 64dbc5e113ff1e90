"""One run of an order: from wherever it stands to its end, or to whatever is in the way.

Each step can be taken again, so nothing is remembered but what the steps themselves keep: whoever dies here goes
on at the next chunk. Source: docs/spec/udi-1.md, "Transfer".
"""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection

from cyberprivacy.vault.client.connection import VaultSilent
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.sourcekeys import Pin, SourceKeys
from cyberprivacy.vault.transfer.arrivals import Arrival, Stage
from cyberprivacy.vault.transfer.counterpart import Counterpart
from cyberprivacy.vault.transfer.receiving import Progress, Receiving
from cyberprivacy.vault.transfer.recordkeeping import RecordKeeping
from cyberprivacy.vault.transfer.states import TransferRefused
from cyberprivacy.vault.vaultkey import VaultKey

SLICE: Final = 256
"""Chunks of one run; then others have their turn."""


class Pulling:
    """Brings in what was ordered. `key` signs requests and receipts; this is at `site`; `may` refuses sources."""

    def __init__(
        self,
        sharing: Sharing,
        keeping: RecordKeeping,
        key: VaultKey,
        site: Site,
        may: Callable[[Arrival], None],
    ) -> None:
        self._sharing, self._keeping, self._key, self._site, self._may = sharing, keeping, key, site, may
        self._keys = SourceKeys(sharing.recipients)

    def run(self, arrival: Arrival, goes_on: Callable[[], bool]) -> Stage:
        """Bring in what is missing; RUNNING if it is not all of it yet.

        Args:
            arrival: the order.
            goes_on: asked before each chunk; False ends the run.

        Raises:
            TryLater: the source is out of reach, or not ready; run it again.
            CyberPrivacyError: the source, its documents or the grant are not good.
        """
        if arrival.key is None:
            raise TransferRefused("the transfer has ended", code="transfer.ended")
        self._may(arrival)
        receiving = Receiving(self._sharing.database, self._keeping, arrival.key, self._key)
        self._check(arrival)
        pin = self._keys.pin(arrival.source, arrival.grant.source)
        try:
            return self._pulled(receiving, arrival, arrival.key, goes_on, pin)
        except VaultSilent:  # perhaps as another key answers
            self._keys.forget(arrival.source, arrival.grant.source)
            raise

    def _pulled(
        self,
        receiving: Receiving,
        arrival: Arrival,
        key: X25519PrivateKey,
        goes_on: Callable[[], bool],
        pin: Pin | None,
    ) -> Stage:
        with Counterpart(arrival, self._key, self._sharing.own, self._sharing.clock, pin=pin) as source:
            progress = self._begun(receiving, arrival)
            if progress is None or progress.cursor < progress.chunks:
                progress = self._open(receiving, arrival, key, source)
            # Of what was read to its end before, the rejected records are tried again.
            again = progress.cursor == progress.chunks
            rest = range(progress.cursor, progress.chunks)
            for n in receiving.rejected_in(arrival.owner, arrival.id) if again else rest[:SLICE]:
                if not goes_on():
                    return Stage.RUNNING
                sealed = source.chunk(n)
                receiving.take(arrival.grant, arrival.id, n, sealed, lambda kept: self._still(kept, arrival))
            return Stage.RUNNING if len(rest) > SLICE else self._end(receiving, arrival, source)

    def _open(
        self, receiving: Receiving, arrival: Arrival, key: X25519PrivateKey, source: Counterpart
    ) -> Progress:
        """Ask for the manifest, and take it if it is good."""
        source.check()
        source.register(self._site)
        signed = source.open(key.public_key().public_bytes_raw())
        receiving.begin(signed, arrival.grant, arrival.holder, now=self._sharing.clock())
        return receiving.progress(arrival.owner, arrival.id)

    def _end(self, receiving: Receiving, arrival: Arrival, source: Counterpart) -> Stage:
        """Both sign what has arrived."""
        mine = receiving.receipt(arrival.owner, arrival.id, now=self._sharing.clock())
        both = receiving.close(arrival.owner, arrival.id, source.receipt(mine), arrival.holder)
        return Stage.INCOMPLETE if both.receipt.rejected else Stage.DONE

    def _begun(self, receiving: Receiving, arrival: Arrival) -> Progress | None:
        try:
            return receiving.progress(arrival.owner, arrival.id)
        except TransferRefused:
            return None

    def _check(self, arrival: Arrival) -> None:
        with self._sharing.database.reading() as connection:
            self._still(connection, arrival)

    def _still(self, connection: Connection, arrival: Arrival) -> None:
        """Refuse unless the grant counts here, too: whoever froze their account here is heard here."""
        self._sharing.goes_on(connection, arrival.owner, arrival.grant.id)
