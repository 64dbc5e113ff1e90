"""Unsigned varints: seven bits a byte, lowest first, in the shortest form only.

Source: github.com/multiformats/unsigned-varint.
"""

from typing import Final

from cyberprivacy.bundle.refusals import BadBundle

MAX_BYTES: Final = 9
"""Values below 2**63."""


def encode(value: int) -> bytes:
    """The shortest form of 0 <= value < 2**63."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(data: bytes | memoryview, at: int = 0) -> tuple[int, int]:
    """The value that starts at offset `at`, and the offset after it.

    Raises:
        BadBundle: "bundle.varint": cut off, longer than 9 bytes, or not the shortest form.
    """
    value = shift = 0
    for index in range(at, min(at + MAX_BYTES, len(data))):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and index > at:
                raise BadBundle("varint is not in its shortest form", code="bundle.varint", offset=at)
            return value, index + 1
        shift += 7
    raise BadBundle("varint is cut off or too long", code="bundle.varint", offset=at)
