"""Chunks sealed for one recipient and one place in one transfer.

TLS ends wherever an operator wants it to end; this ends at the key that the recipient's evidence vouches for.
Source: RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from cyberprivacy.vault.transfer.parcel import MAX_CHUNK, BadParcel

OVERHEAD: Final = 48
"""Bytes that sealing adds: the encapsulated key, and the tag."""
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal(payload: bytes, key: bytes, *, transfer: bytes, n: int) -> bytes:
    """A chunk that only the holder of a key opens, and only as this chunk of this transfer.

    Args:
        payload: the chunk.
        key: X25519 public key of the recipient, 32 bytes.
        transfer: id, 16 bytes.
        n: place of the chunk, from 0.

    Raises:
        BadParcel: no key for this ("transfer.key").
    """
    try:
        return _SUITE.encrypt(payload, X25519PublicKey.from_public_bytes(key), _info(transfer, n))
    except ValueError:
        # A key of low order: everybody would know the secret.
        raise BadParcel("not a key to seal to", code="transfer.key", key=key.hex()) from None


def unseal(sealed: bytes, key: X25519PrivateKey, *, transfer: bytes, n: int) -> bytes:
    """The chunk.

    Raises:
        BadParcel: too large, or sealed for another key, transfer or place, or changed ("chunk.seal").
    """
    if not OVERHEAD < len(sealed) <= MAX_CHUNK + OVERHEAD:
        raise BadParcel("not a sealed chunk of this size", code="chunk.seal", size=len(sealed))
    try:
        return _SUITE.decrypt(sealed, key, _info(transfer, n))
    except (InvalidTag, ValueError):
        raise BadParcel("not sealed for this key and place", code="chunk.seal", n=n) from None


def _info(transfer: bytes, n: int) -> bytes:
    return b"udi/1 chunk\0" + transfer + n.to_bytes(4)
