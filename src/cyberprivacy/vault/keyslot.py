"""One slot of the key file: a user key, wrapped under the key of the present epoch. Pure but for the nonce.

    state 01 (1) || zeros (3) || epoch (4) || owner (32) || generation (4) || nonce (12) ||
    AES-256-GCM of the 32-byte key (48) || zeros (20) || CRC-32 of all that (4)        numbers are big-endian

Additional data of the cipher: `udi1|uk|<owner, hex>|<generation>|<epoch>`. A free slot is all zeros. The checksum
tells a slot that a crash or a disk has torn; the cipher's tag tells one that somebody made up, or moved to another
owner.

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
FREE: Final = bytes(SIZE)
_LIVE: Final = b"\x01\0\0\0"


class Holder(NamedTuple):
    """Whose key it is, and which of that owner's: another generation comes after something was erased."""

    owner: bytes
    generation: int

    def packed(self) -> bytes:
        """36 bytes."""
        return self.owner + self.generation.to_bytes(4, "big")


class ForgedSlot(Untrusted):
    """A slot is whole, but its key was not wrapped for this owner under this root."""

    code = "keystore.forged"
    hint = "Somebody changed the key file, or it belongs to another root."


def wrap(root_key: bytes, epoch: int, holder: Holder, key: bytes, *, nonce: bytes | None = None) -> bytes:
    """The slot of a key of 32 bytes; a nonce is only given to reproduce one."""
    nonce = os.urandom(12) if nonce is None else nonce
    wrapped = AESGCM(root_key).encrypt(nonce, key, _bound(holder, epoch))
    body = _LIVE + epoch.to_bytes(4, "big") + holder.packed() + nonce + wrapped + bytes(20)
    return body + zlib.crc32(body).to_bytes(4, "big")


def whole(slot: bytes) -> bool:
    """Whether a slot that is not free is as it was written."""
    return (
        len(slot) == SIZE
        and slot[:4] == _LIVE
        and not any(slot[104:124])
        and zlib.crc32(slot[:124]).to_bytes(4, "big") == slot[124:]
    )


def header(slot: bytes) -> tuple[int, bytes]:
    """Epoch, and packed holder, of a whole slot."""
    return int.from_bytes(slot[4:8], "big"), slot[8:44]


def unwrap(root_key: bytes, epoch: int, holder: Holder, slot: bytes) -> bytes:
    """The key in a whole slot.

    Raises:
        ForgedSlot: it is not this holder's, or not of this epoch's key.
    """
    if header(slot) != (epoch, holder.packed()):
        raise ForgedSlot("the slot is another's", owner=holder.owner.hex())
    try:
        return AESGCM(root_key).decrypt(slot[44:56], slot[56:104], _bound(holder, epoch))
    except InvalidTag:
        raise ForgedSlot("the key was not wrapped for this owner", owner=holder.owner.hex()) from None


def _bound(holder: Holder, epoch: int) -> bytes:
    return f"udi1|uk|{holder.owner.hex()}|{holder.generation}|{epoch}".encode()
