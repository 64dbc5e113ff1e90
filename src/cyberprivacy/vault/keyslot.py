"""One slot of the key file, 128 bytes: a user key, wrapped under its segment's. Pure but for the nonce.

    state 01 (1) || zeros (3) || epoch (4) || owner (32) || generation (4) || nonce (12) ||
    AES-256-GCM of the 32-byte key (48) || zeros (20) || CRC-32 of all that (4)        numbers are big-endian

Additional data of the cipher: `udi1|uk|` || epoch || owner || generation. The epoch is that in which the segment
got its key. A free slot is all zeros. One whose key was overwritten is *spent*: state 02, zeros, CRC-32.
The checksum tells a slot that a crash or a disk has torn; the cipher's tag tells one that somebody made up, or
moved to another owner.

Source: docs/spec/udi-1.md, "The key file".
"""

import os
import zlib
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy.errors import Untrusted

SIZE: Final = 128
"""Bytes; a power of two, so that no slot lies across two sectors of a disk."""
NONCE: Final = 12
"""Bytes of a nonce."""
FREE: Final = bytes(SIZE)
_LIVE: Final = b"\x01\0\0\0"
_BOUND: Final = b"udi1|uk|"
_REST: Final = bytes(20)


class Holder(NamedTuple):
    """Whose key it is, and which of that owner's: another generation comes after something was erased."""

    owner: bytes
    generation: int

    def packed(self) -> bytes:
        """36 bytes."""
        return self.owner + self.generation.to_bytes(4, "big")


class TornSlot(Untrusted):
    """A slot is neither free nor as it was written."""

    code = "keystore.torn"
    hint = "Stop; look for the newest copy of the key file, of this very epoch."


class ForgedSlot(Untrusted):
    """A slot is whole, but its key was not wrapped for this holder, under this key."""

    code = "keystore.forged"
    hint = "Somebody changed the key file, or it belongs to another root."


def wrap(under: AESGCM, epoch: int, holder: bytes, key: bytes, *, nonce: bytes | None = None) -> bytes:
    """The slot of a key of 32 bytes; `nonce` is given by who has drawn many at once."""
    nonce, bound = nonce or os.urandom(NONCE), epoch.to_bytes(4, "big") + holder
    return _summed(_LIVE + bound + nonce + under.encrypt(nonce, key, _BOUND + bound) + _REST)


def whole(slot: bytes) -> bool:
    """Whether a slot that is not free holds a key, and is as it was written."""
    return (
        len(slot) == SIZE
        and slot[:4] == _LIVE
        and slot[104:124] == _REST
        and zlib.crc32(slot[:124]).to_bytes(4, "big") == slot[124:]
    )


def header(slot: bytes) -> tuple[int, bytes]:
    """Epoch, and packed holder, of a whole slot."""
    return int.from_bytes(slot[4:8], "big"), slot[8:44]


def unwrap(under: AESGCM, epoch: int, holder: bytes, slot: bytes) -> bytes:
    """The key in a slot.

    Raises:
        TornSlot: the slot is not whole.
        ForgedSlot: the key is another holder's, or not under this key since this epoch.
    """
    if not whole(slot):
        raise TornSlot("a slot is torn", owner=holder[:32].hex())
    bound = epoch.to_bytes(4, "big") + holder
    if slot[4:44] != bound:
        raise ForgedSlot("the slot is another's", owner=holder[:32].hex())
    try:
        return under.decrypt(slot[44:56], slot[56:104], _BOUND + bound)
    except InvalidTag:
        raise ForgedSlot("the key was not wrapped for this owner", owner=holder[:32].hex()) from None


def _summed(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "big")


SPENT: Final = _summed(b"\x02".ljust(SIZE - 4, b"\0"))
"""What overwrites a key. Its place is not used again before the segment is wrapped anew."""
