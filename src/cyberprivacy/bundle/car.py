"""CARv1: blocks in a row, each with its CID, in a file or on the wire.

Source: ipld.io/specs/transport/car/carv1.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from cyberprivacy.bundle import varint
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.refusals import BadBundle, BadSource
from cyberprivacy.cid import BadCid, Cid

CID_BYTES: Final = 36
MAX_HEADER: Final = 4096


class Reader(Protocol):
    """A stream of bytes: a file, or an answer that is still arriving."""

    def read(self, size: int, /) -> bytes:
        """Between 1 and `size` bytes, or b"" at the end."""
        ...


def header(root: Cid) -> bytes:
    """The dag-cbor map {"roots": [root], "version": 1}, with its length before it."""
    link = b"\xd8\x2a\x58" + bytes((CID_BYTES + 1,)) + b"\x00" + bytes(root)
    body = b"\xa2\x65roots\x81" + link + b"\x67version\x01"
    return varint.encode(len(body)) + body


def section(cid: Cid, block: bytes) -> bytes:
    """One block with its CID and their length."""
    return varint.encode(CID_BYTES + len(block)) + bytes(cid) + block


def write(root: Cid, blocks: Iterable[tuple[Cid, bytes]]) -> Iterator[bytes]:
    """The parts of a CAR with one root, to be written one after the other."""
    yield header(root)
    for cid, block in blocks:
        yield section(cid, block)


def read(stream: Reader, root: Cid, limits: Limits = DEFAULT) -> Iterator[tuple[Cid, bytes]]:
    """The blocks of a CAR, each checked against its own CID before it is handed on.

    Whether a block belongs to the graph below `root` is for the caller to say.

    Raises:
        BadSource: bundle.car (framing, or not exactly the root that was asked for), bundle.hash (a block that is
            not what its CID names), bundle.size (more than the limits allow; refused before it is read).
    """
    length = _length(stream)
    if length is None or length > MAX_HEADER or varint.encode(length) + _exactly(stream, length) != header(root):
        raise BadSource("not a CARv1 of exactly the root that was asked for", code="bundle.car", root=str(root))
    left = limits.transfer
    while (length := _length(stream)) is not None:
        left -= length
        if length > limits.block + CID_BYTES or left < 0:
            raise BadSource("more bytes than a bundle may have", code="bundle.size", block=length)
        part = _exactly(stream, length)
        try:
            cid = Cid.from_bytes(part[:CID_BYTES])
        except BadCid as error:
            raise BadSource("a block that no bundle may hold", code="bundle.car", cid=error.what) from None
        block = part[CID_BYTES:]
        if not cid.matches(block):
            raise BadSource("bytes are not the block that their CID names", code="bundle.hash", cid=str(cid))
        yield cid, block


def _length(stream: Reader) -> int | None:
    """A varint from the stream; None where the stream ends."""
    read = bytearray()
    while not read or read[-1] & 0x80:
        byte = stream.read(1)
        if not byte:
            if read:
                raise BadSource("cut off inside a length", code="bundle.car")
            return None
        read += byte
        if len(read) > varint.MAX_BYTES:
            break
    try:
        return varint.decode(bytes(read))[0]
    except BadBundle:
        raise BadSource("not a length", code="bundle.car") from None


def _exactly(stream: Reader, size: int) -> bytes:
    parts: list[bytes] = []
    missing = size
    while missing:
        part = stream.read(missing)
        if not part:
            raise BadSource("cut off inside a block", code="bundle.car", missing=missing)
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
