"""Blobs on their way: parts of them travel in chunks like records, of a type that nobody can declare.

So what holds for records holds for them: they are counted, sealed, taken once, rejected with a reason, receipted.
A blob goes with a record if its digest, in hex, stands in that record. Source: docs/spec/udi-1.md, "Chunks".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cyberprivacy.bundle.datatype import BLOB
from cyberprivacy.vault.blobs import MAX_SIZE, PART, Upload
from cyberprivacy.vault.transfer.parcel import BadParcel, Item

_NAMED: Final = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_HEAD: Final = 32 + 8
"""Bytes before the content: digest, and size of the whole."""


@dataclass(frozen=True, slots=True)
class BlobPart:
    """One part of a blob.

    Attributes:
        digest: SHA-256 of the whole, 32 bytes. size: bytes of the whole.
        n: from 0.
        content: `blobs.PART` bytes, or what is left.
    """

    digest: bytes
    size: int
    n: int
    content: bytes

    def item(self, at: int) -> Item:
        """As it travels; `at` is when the blob came to be, POSIX seconds."""
        body = self.digest + self.size.to_bytes(8) + self.content
        return Item(part_id(self.digest, self.n), BLOB, self.n + 1, at, at, body)

    @classmethod
    def of(cls, item: Item) -> "BlobPart":
        """The part that an item is.

        Raises:
            BadParcel: it contradicts itself ("chunk.blob").
        """
        digest, size, n = item.body[:32], int.from_bytes(item.body[32:_HEAD]), item.rev - 1
        part = cls(digest, size, n, item.body[_HEAD:])
        expected = min(PART, size - n * PART)
        whole = len(item.body) >= _HEAD and size <= MAX_SIZE
        if not whole or len(part.content) != expected or (n and not part.content):
            raise BadParcel("not a part of a blob", code="chunk.blob", id=item.id.hex())
        if item.id != part_id(digest, n):
            raise BadParcel("not the id of this part of a blob", code="chunk.blob", id=item.id.hex())
        return part

    @property
    def last(self) -> bool:
        """Whether the blob ends with it."""
        return (self.n + 1) * PART >= self.size


def part_id(digest: bytes, n: int) -> bytes:
    """The id under which a part travels, 16 bytes."""
    return digest[:12] + n.to_bytes(4)


def named_in(body: bytes) -> frozenset[bytes]:
    """Digests, 32 bytes each, that stand in a record; most are of no blob."""
    return frozenset(bytes.fromhex(each.decode()) for each in _NAMED.findall(body))


def parts(upload: Upload, content: Iterator[bytes], at: int) -> Iterator[Item]:
    """A whole blob as items; `content` comes in parts of `blobs.PART` bytes, and is empty for an empty blob."""
    if not upload.size:
        yield BlobPart(upload.digest, 0, 0, b"").item(at)
    for n, each in enumerate(content):
        yield BlobPart(upload.digest, upload.size, n, each).item(at)
