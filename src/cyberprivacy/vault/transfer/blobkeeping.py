"""The blobs of a vault as the two ends of a transfer see them."""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from cyberprivacy.vault.blobs import PART, BadUpload, Blobs, NoBlob, Upload
from cyberprivacy.vault.tables import BLOBS
from cyberprivacy.vault.transfer import blobparts
from cyberprivacy.vault.transfer.blobparts import BlobPart
from cyberprivacy.vault.transfer.parcel import Item
from cyberprivacy.vault.transfer.shelf import Put


class BlobKeeping:
    """Hands parts of blobs out, takes them in, and drops blobs that have gone."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def parts(self, connection: Connection, owner: bytes, named: Collection[bytes]) -> Iterator[Item]:
        """The parts of those of an owner's whole blobs that have one of these digests."""
        whole = select(BLOBS.c.digest, BLOBS.c.size, BLOBS.c.completed).where(
            BLOBS.c.owner == owner, BLOBS.c.completed.is_not(None)
        )
        for row in connection.execute(whole.order_by(BLOBS.c.digest)).all():
            if row.digest in named:
                upload = Upload(row.digest, row.size, row.size, whole=True)
                content = self._blobs.read(connection, owner, row.digest)
                yield from blobparts.parts(upload, content, row.completed)

    def put(self, connection: Connection, owner: bytes, item: Item) -> Put:
        """Take one part in; the last one makes the blob whole, if it is the one of its digest.

        Raises:
            BadParcel: no such part ("chunk.blob").
            BadUpload: an earlier part is missing ("blob.offset"), the owner has begun this blob with another size
                ("blob.size"), or it has another digest ("blob.digest").
            OverQuota: too little room is left.
        """
        part = BlobPart.of(item)
        stands = self._blobs.begin(connection, owner, part.digest, part.size)
        if stands.whole:
            return Put.THERE
        offset = part.n * PART
        if part.content and stands.received < offset + len(part.content):
            self._blobs.append(connection, owner, part.digest, offset=offset, part=part.content)
        elif part.content and not part.last:
            return Put.THERE
        if part.last and not self._blobs.finish(connection, owner, part.digest):
            raise BadUpload("the parts are not those of this digest", code="blob.digest")
        return Put.NEW

    def among(self, connection: Connection, owner: bytes, ids: Collection[bytes]) -> frozenset[bytes]:
        """Digests of the owner's blobs whose first part has one of these ids."""
        rows = connection.execute(select(BLOBS.c.digest).where(BLOBS.c.owner == owner)).scalars()
        return frozenset(digest for digest in rows if blobparts.part_id(digest, 0) in ids)

    def drop(self, connection: Connection, owner: bytes, digests: Collection[bytes]) -> int:
        """Drop blobs; how many."""
        for digest in sorted(digests):
            try:
                self._blobs.drop(connection, owner, digest)
            except NoBlob:
                continue
        return len(digests)
