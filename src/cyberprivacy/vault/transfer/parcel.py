"""A chunk of records: each a line that describes it, then its own bytes as an application once wrote them.

The bytes are not parsed and written again: what an application does not understand must survive the journey.
Source: docs/spec/udi-1.md, "Chunks".
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.bundle.datatype import NAME
from cyberprivacy.errors import Untrusted

MAX_CHUNK: Final = 1 << 20
"""Bytes of a chunk before it is sealed."""
MAX_RECORDS: Final = 1_000
"""Records of a chunk."""
MAX_BODY: Final = MAX_CHUNK - 1_024
"""Bytes of one record; its line is far smaller than what is left."""
_MAX_LINE: Final = 512
_FIELDS: Final = frozenset({"id", "type", "rev", "created", "changed", "size"})


class BadParcel(Untrusted):
    """A chunk is not what the manifest or the specification says."""

    code = "chunk.form"
    hint = "Fetch the chunk again; if it stays so, the other side is at fault."


@dataclass(frozen=True, slots=True)
class Item:
    """One record on its way.

    Attributes:
        id: 16 bytes. data_type: name and version. rev: from 1.
        created: POSIX seconds. changed: POSIX seconds.
        body: JSON as it was written, at most `MAX_BODY` bytes.
    """

    id: bytes
    data_type: str
    rev: int
    created: int
    changed: int
    body: bytes

    def encode(self) -> bytes:
        """Its line and its body, each ended by a line feed.

        Raises:
            BadParcel: the body is too large to travel ("chunk.record-size").
        """
        if len(self.body) > MAX_BODY:
            raise BadParcel("a record is too large", code="chunk.record-size", id=self.id.hex(), limit=MAX_BODY)
        line = {
            "id": self.id.hex(),
            "type": self.data_type,
            "rev": self.rev,
            "created": self.created,
            "changed": self.changed,
            "size": len(self.body),
        }
        return canonical.encode(line) + b"\n" + self.body + b"\n"


@dataclass(frozen=True, slots=True)
class Parcel:
    """The bytes of a chunk, and id and revision of each record in it."""

    payload: bytes
    records: tuple[tuple[bytes, int], ...]

    @property
    def entry(self) -> "Entry":
        """What the manifest says of it."""
        return Entry(len(self.records), len(self.payload), sha256(self.payload).digest())


@dataclass(frozen=True, slots=True)
class Entry:
    """One chunk as the manifest has it: how many records, how many bytes, and their SHA-256 (32 bytes)."""

    count: int
    size: int
    digest: bytes

    def leaf(self, n: int) -> bytes:
        """The entry of the manifest's Merkle tree: 44 bytes."""
        return n.to_bytes(4) + self.count.to_bytes(4) + self.size.to_bytes(4) + self.digest


def pack(items: Iterable[Item]) -> Iterator[Parcel]:
    """Records in chunks, each as full as it may be."""
    pieces: list[bytes] = []
    records: list[tuple[bytes, int]] = []
    size = 0
    for item in items:
        piece = item.encode()
        if pieces and (size + len(piece) > MAX_CHUNK or len(pieces) == MAX_RECORDS):
            yield Parcel(b"".join(pieces), tuple(records))
            pieces, records, size = [], [], 0
        pieces.append(piece)
        records.append((item.id, item.rev))
        size += len(piece)
    if pieces:
        yield Parcel(b"".join(pieces), tuple(records))


def unpack(payload: bytes) -> Sequence[Item]:
    """The records of a chunk, in its order.

    Raises:
        BadParcel: too large, a line or a length is wrong, or a record stands twice.
    """
    if not 0 < len(payload) <= MAX_CHUNK:
        raise BadParcel("not a chunk of this size", size=len(payload), limit=MAX_CHUNK)
    items: list[Item] = []
    at = 0
    while at < len(payload):
        end = payload.find(b"\n", at, at + _MAX_LINE)
        if end < 0 or len(items) == MAX_RECORDS:
            raise BadParcel("a line is too long, or there are too many records", at=at)
        item, at = _item(payload, at, end)
        items.append(item)
    if len({item.id for item in items}) != len(items):
        raise BadParcel("a record stands twice")
    return items


def _item(payload: bytes, at: int, end: int) -> tuple[Item, int]:
    try:
        line = Document(canonical.decode(payload[at:end], limit=_MAX_LINE), "record", _FIELDS)
        size = line.integer("size", most=MAX_BODY)
        head = (line.octets("id", size=16), line.text("type", NAME), line.integer("rev", least=1))
        times = (line.integer("created"), line.integer("changed"))
    except (BadDocument, canonical.NotCanonical) as error:
        raise BadParcel(str(error)) from None
    after = end + 1 + size
    if payload[after : after + 1] != b"\n":
        raise BadParcel("a record ends elsewhere than its line says", at=at)
    return Item(*head, *times, payload[end + 1 : after]), after + 1
