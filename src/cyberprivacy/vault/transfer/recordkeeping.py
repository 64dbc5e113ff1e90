"""The records of a vault, and their blobs, as the two ends of a transfer see them."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, select

from cyberprivacy.bundle.datatype import BLOB
from cyberprivacy.vault import owners
from cyberprivacy.vault.blobs import Blobs
from cyberprivacy.vault.change import BadChange, Create, Delete
from cyberprivacy.vault.records import PAGE, Records
from cyberprivacy.vault.tables import RECORDS
from cyberprivacy.vault.transfer.blobkeeping import BlobKeeping
from cyberprivacy.vault.transfer.blobparts import named_in
from cyberprivacy.vault.transfer.parcel import Item
from cyberprivacy.vault.transfer.shelf import Put
from cyberprivacy.vault.transfer.snapshot import Snapshot


class RecordKeeping:
    """A `Source`, a `Shelf`, an `Eraser` and a `Remover` in one."""

    def __init__(self, records: Records, blobs: Blobs) -> None:
        """Keep to the records and blobs of one vault."""
        self._records, self._blobs = records, BlobKeeping(blobs)

    def snapshot(self, connection: Connection, owner: bytes, types: frozenset[str]) -> Snapshot:
        """See `Source.snapshot`."""
        found = (
            Item(record.id, record.type, record.rev, record.created, record.changed, record.body)
            for kind in sorted(types)
            for record in self._records.all(connection, owner, kind=kind)
        )
        return Snapshot(owners.look(connection, owner).seq, found)

    def blobs(self, connection: Connection, owner: bytes, named: Collection[bytes]) -> Iterator[Item]:
        """See `Source.blobs`."""
        return self._blobs.parts(connection, owner, named)

    def put(self, connection: Connection, owner: bytes, items: Sequence[Item]) -> Sequence[Put]:
        """See `Shelf.put`. A record begins anew here: revision 1, and the time at which it came.

        Raises:
            BadChange: another record has this id ("record.exists").
            BadParcel, BadUpload, NoBlob: a part of a blob does not go on where the blob stands here.
        """
        records = iter(self._put(connection, owner, [item for item in items if item.data_type != BLOB]))
        return [
            self._blobs.put(connection, owner, item) if item.data_type == BLOB else next(records) for item in items
        ]

    def _put(self, connection: Connection, owner: bytes, items: Sequence[Item]) -> Sequence[Put]:
        there = self._revisions(connection, owner, [item.id for item in items])
        for item in items:
            if item.id in there:
                mine = self._records.read(connection, owner, item.id)
                if (mine.type, mine.body) != (item.data_type, item.body):
                    raise BadChange("another record of this id is there", code="record.exists")
        new = [Create(item.data_type, item.body, item.id) for item in items if item.id not in there]
        if new:
            self._records.change(connection, owner, new)
        return [Put.THERE if item.id in there else Put.NEW for item in items]

    def erase(self, connection: Connection, owner: bytes, records: Sequence[tuple[bytes, int]]) -> Sequence[bytes]:
        """See `Eraser.erase`."""
        there: dict[bytes, int] = {}
        for start in range(0, len(records), PAGE):
            part = records[start : start + PAGE]
            found = self._revisions(connection, owner, [record for record, _ in part])
            gone = [Delete(record, rev) for record, rev in part if found.get(record) == rev]
            if gone:
                self._records.change(connection, owner, gone)
            there.update(found)
        if sent := self._blobs.among(connection, owner, {record for record, _ in records}):
            self._blobs.drop(connection, owner, sent - self._named(connection, owner))
        return [record for record, rev in records if there.get(record, rev) != rev]

    def remove(self, connection: Connection, owner: bytes, records: Sequence[bytes]) -> int:
        """See `Remover.remove`."""
        gone = 0
        for start in range(0, len(records), PAGE):
            found = self._revisions(connection, owner, records[start : start + PAGE])
            if found:
                self._records.change(connection, owner, [Delete(record, rev) for record, rev in found.items()])
            gone += len(found)
        return gone + self._blobs.drop(connection, owner, self._blobs.among(connection, owner, {*records}))

    def _named(self, connection: Connection, owner: bytes) -> frozenset[bytes]:
        """Digests that stand in records which are still there."""
        return frozenset().union(*(named_in(each.body) for each in self._records.all(connection, owner)))

    def _revisions(self, connection: Connection, owner: bytes, records: Sequence[bytes]) -> dict[bytes, int]:
        """Those that are there."""
        rows = connection.execute(
            select(RECORDS.c.id, RECORDS.c.rev).where(RECORDS.c.owner == owner, RECORDS.c.id.in_(records))
        )
        return {row.id: row.rev for row in rows}
