"""Blobs: what is too large for a record, named by its SHA-256, in sealed parts; uploads resume, any range is read.

An upload says digest and size first, then brings parts in their order, each in a transaction of its own: a cut
connection costs one part. The last one is followed by `finish`, which reads all of it again and compares.

Source: docs/spec/udi-1.md, "Blobs".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import owners, sealing
from cyberprivacy.vault.changing import Means, OverQuota
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.sealing import PartPlace
from cyberprivacy.vault.tables import BLOB_PARTS, BLOBS, OWNERS

PART: Final = 256 << 10
"""Bytes of every part but the last."""
MAX_SIZE: Final = 1 << 30
"""Bytes of a blob."""


class NoBlob(Misuse):
    """This owner has no such blob, or not all of it yet."""

    code = "blob.none"
    hint = "Upload it; if that was begun, go on where it stopped."


class BadUpload(Misuse):
    """A part does not go on where the upload stands, or the upload cannot be."""

    code = "blob.offset"
    hint = "Ask how much is there, then send the next part."


@dataclass(frozen=True, slots=True)
class Upload:
    """A blob, whole or under way.

    Attributes:
        digest: SHA-256 of the content, 32 bytes.
        size: bytes in the end.
        received: bytes so far: where the next part begins.
        whole: whether it can be read.
    """

    digest: bytes
    size: int
    received: int
    whole: bool


class Blobs:
    """The blobs of one vault; as in `records`, every call takes part in the caller's transaction."""

    def __init__(self, means: Means) -> None:
        """Seal and count by `means`."""
        self._means = means

    def begin(self, connection: Connection, owner: bytes, digest: bytes, size: int) -> Upload:
        """Begin an upload, or find out where it stands; its room is taken from the quota at once.

        Raises:
            BadUpload: no digest ("blob.name"), too large ("blob.size"), or begun with another size.
            OverQuota: too little room is left.
            NoOwner: nobody of this id.
        """
        if len(digest) != 32:
            raise BadUpload("not a SHA-256", code="blob.name", hint="64 hex digits.")
        if not 0 <= size <= MAX_SIZE:
            raise BadUpload(
                "not the size of a blob", code="blob.size", hint=f"At most {MAX_SIZE} bytes.", size=size
            )
        taken = owners.take(connection, owner)
        row = connection.execute(_ONE, {"owned": owner, "named": digest}).first()
        if row is not None:
            if row.size != size:
                raise BadUpload(
                    "begun with another size", code="blob.size", hint="Compute it anew.", size=row.size
                )
            return _upload(row)
        taken.bytes += size
        if taken.bytes > self._means.quota.bytes:
            raise OverQuota("too many bytes", most=self._means.quota.bytes)
        key = sealing.wrap(self._means.ring.key(taken.holder), self._means.draw(32), draw=self._means.draw)
        begun = {"owner": owner, "digest": digest, "size": size, "received": 0, "key": key}
        connection.execute(insert(BLOBS).values(**begun, created=int(self._means.clock()), completed=None))
        owners.keep(connection, taken)
        return Upload(digest, size, 0, whole=False)

    def append(self, connection: Connection, owner: bytes, digest: bytes, *, offset: int, part: bytes) -> Upload:
        """The next part: of `PART` bytes, or shorter if it is the last.

        Raises:
            NoBlob: not begun.
            BadUpload: not where the upload stands, or not as long as a part is.
        """
        owners.take(connection, owner)
        row = self._row(connection, owner, digest)
        if offset != row.received:
            raise BadUpload("the upload stands elsewhere", received=row.received, offset=offset)
        if len(part) != min(PART, row.size - row.received) or not part:
            raise BadUpload("not as long as a part is", code="blob.part", part=len(part), size=row.size)
        number = row.received // PART
        place = PartPlace(owner, digest, row.size, number)
        sealed = sealing.encrypt(self._key(owner, row), place, part, draw=self._means.draw)
        connection.execute(insert(BLOB_PARTS).values(owner=owner, digest=digest, n=number, sealed=sealed))
        received = row.received + len(part)
        self._set(connection, owner, digest, received=received)
        return Upload(digest, row.size, received, whole=False)

    def finish(self, connection: Connection, owner: bytes, digest: bytes) -> bool:
        """Compare what was uploaded with its digest: whole and readable, or gone (False).

        Raises:
            NoBlob: not begun, or parts are missing.
        """
        owners.take(connection, owner)
        row = self._row(connection, owner, digest)
        if row.received != row.size:
            raise NoBlob("parts are missing", received=row.received, size=row.size)
        hashed = sha256()
        for part in self._parts(connection, owner, row, 0, row.size):
            hashed.update(part)
        if hashed.digest() != digest:
            self.drop(connection, owner, digest)
            return False
        self._set(connection, owner, digest, completed=int(self._means.clock()))
        return True

    def status(self, connection: Connection, owner: bytes, digest: bytes) -> Upload:
        """How much is there; raises NoBlob."""
        return _upload(self._row(connection, owner, digest))

    def read(
        self, connection: Connection, owner: bytes, digest: bytes, *, start: int = 0, stop: int | None = None
    ) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, part by part.

        Raises:
            NoBlob: not there, or not whole.
            BadUpload: not a range of it ("blob.range").
            BadSeal: a part is not what was sealed.
        """
        row = self._row(connection, owner, digest)
        if row.completed is None:
            raise NoBlob("not whole yet", received=row.received, size=row.size)
        end = row.size if stop is None else stop
        if not 0 <= start <= end <= row.size:
            raise BadUpload("not a range of this blob", code="blob.range", start=start, stop=end, size=row.size)
        return self._parts(connection, owner, row, start, end)

    def drop(self, connection: Connection, owner: bytes, digest: bytes) -> None:
        """Delete a blob, or an upload; its key becomes final with the owner's next generation. Raises NoBlob."""
        taken = owners.take(connection, owner)
        row = self._row(connection, owner, digest)
        connection.execute(_GONE, {"owned": owner, "named": digest})
        taken.bytes -= row.size
        taken.dirty = taken.dirty or int(self._means.clock())
        owners.keep(connection, taken)

    def _parts(self, connection: Connection, owner: bytes, row: Any, start: int, stop: int) -> Iterator[bytes]:
        key = self._key(owner, row)
        for number in range(start // PART, -(-stop // PART)):
            where = {"owned": owner, "named": row.digest, "number": number}
            sealed = connection.execute(_PART, where).scalar()
            if sealed is None:
                raise sealing.BadSeal("a part is missing", part=number)
            part = sealing.decrypt(key, PartPlace(owner, row.digest, row.size, number), sealed)
            yield part[max(0, start - number * PART) : stop - number * PART]

    def _key(self, owner: bytes, row: Any) -> AESGCM:
        user = self._means.ring.key(Holder(owner, row.generation))
        return AESGCM(sealing.unwrap(user, row.key))

    def _row(self, connection: Connection, owner: bytes, digest: bytes) -> Any:
        row = connection.execute(_ONE, {"owned": owner, "named": digest}).first()
        if row is None:
            raise NoBlob("no such blob", digest=digest.hex()[:64])
        return row

    def _set(self, connection: Connection, owner: bytes, digest: bytes, **values: int) -> None:
        connection.execute(update(BLOBS).where(BLOBS.c.owner == owner, BLOBS.c.digest == digest).values(values))


def _upload(row: Any) -> Upload:
    return Upload(row.digest, row.size, row.received, whole=row.completed is not None)


_MINE: Final = (BLOBS.c.owner == bindparam("owned"), BLOBS.c.digest == bindparam("named"))
_ONE: Final = select(BLOBS, OWNERS.c.generation).join(OWNERS).where(*_MINE)
_GONE: Final = delete(BLOBS).where(*_MINE)
_PART: Final = select(BLOB_PARTS.c.sealed).where(
    BLOB_PARTS.c.owner == bindparam("owned"),
    BLOB_PARTS.c.digest == bindparam("named"),
    BLOB_PARTS.c.n == bindparam("number"),
)
