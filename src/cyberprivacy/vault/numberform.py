"""The form of an encrypted number, as far as it can be judged without any cryptography.

    ciphertext = 0a 01 01 || 12 || length || object         a BFVVector of TenSEAL (protobuf): one slot, one object
    object     = 5e a1 || 10 || 04 || minor || mode || 00 00 || size (8, little-endian) || packed bytes

`length` is the object's, in as few bytes as protobuf needs; `size` is the same; `mode` is 1 (deflate) or 2 (zstd).
In a record it stands as base64url without padding. What this lets through is bounded: one object, whose content
SEAL unpacks while it reads it. Whoever stores it needs nothing else; who adds it up lets `numbercell` read it.

Source: docs/spec/udi-1.md, "Encrypted numbers"; TenSEAL 0.3, tensors.proto; SEAL 4, Serialization::SEALHeader.
"""

import base64
import re
from typing import Final

from cyberprivacy.bundle.datatype import MOST_ENCRYPTED
from cyberprivacy.errors import Untrusted

SCHEME: Final = "bfv-v1"
LARGEST_SUM: Final = MOST_ENCRYPTED
"""How large, of either sign, a sum may be."""
MAX_CIPHERTEXT: Final = 96 << 10
MAX_TEXT: Final = -(-MAX_CIPHERTEXT * 4 // 3)
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]*\Z")
_START: Final = bytes.fromhex("0a010112")
_HEADER: Final = 16
_SEAL: Final = bytes.fromhex("5ea11004")
_MODES: Final = (1, 2)


class BadNumber(Untrusted):
    """A ciphertext, or a sum, that cannot be used."""

    code = "number.form"
    hint = "Encrypt the number again, with the scheme and the bounds that its type declares."


def text(ciphertext: bytes) -> str:
    """A ciphertext as it stands in a record."""
    return base64.urlsafe_b64encode(ciphertext).rstrip(b"=").decode()


def octets(value: object) -> bytes:
    """The ciphertext that stands in a record.

    Raises:
        BadNumber: not base64url in its one spelling, or not the form of a ciphertext.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _TEXT.match(value) or len(value) % 4 == 1:
        raise BadNumber("not a ciphertext in base64url, without padding", most=MAX_TEXT)
    found = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    if text(found) != value:  # bits that stand for nothing
        raise BadNumber("a second spelling of a ciphertext")
    check(found)
    return found


def check(ciphertext: bytes) -> None:
    """Refuse what cannot be one encrypted number.

    Raises:
        BadNumber: another size or form.
    """
    if len(ciphertext) > MAX_CIPHERTEXT:
        raise BadNumber("a ciphertext is too long", size=len(ciphertext), most=MAX_CIPHERTEXT)
    sized = _delimited(ciphertext.removeprefix(_START)) if ciphertext.startswith(_START) else b""
    if len(sized) <= _HEADER or not sized.startswith(_SEAL) or sized[5] not in _MODES or any(sized[6:8]):
        raise BadNumber("not a ciphertext of one number of this scheme", scheme=SCHEME)
    if int.from_bytes(sized[8:_HEADER], "little") != len(sized):
        raise BadNumber("a ciphertext is cut, or something follows it", size=len(sized))


def _delimited(data: bytes) -> bytes:
    """What follows its own length, which is to be all that there is; else nothing."""
    length = 0
    for place, byte in enumerate(data[:3]):  # 3 groups of 7 bits count past the largest ciphertext
        length |= (byte & 127) << 7 * place
        if byte < 128:
            shortest = place == 0 or byte > 0
            return data[place + 1 :] if shortest and length == len(data) - place - 1 else b""
    return b""
