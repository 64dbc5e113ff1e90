"""Signatures of Ethereum accounts: 65 bytes, low s, one spelling; anything else is refused before it is looked at.

A signature that has two spellings lets a replay pass for something new, so nothing here is ever identified by its
signature, and the second spelling is refused all the same. Source: EIP-2 (low s), EIP-191, SEC 1 section 4.1.
"""

from typing import Final

from coincurve import PrivateKey, PublicKey
from eth_utils.crypto import keccak

from cyberprivacy.errors import Untrusted

SIZE: Final = 65
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the group of secp256k1. Source: SEC 2 section 2.4.1."""
_RECOVERY: Final = {27: b"\0", 28: b"\1"}


class BadSignature(Untrusted):
    """A signature is malformed, or does not belong to this message."""

    code = "signature.form"
    hint = "Sign again; nothing was changed."


def personal(message: bytes) -> bytes:
    """The digest that a wallet signs for a text: 32 bytes. Source: EIP-191, version 0x45."""
    return keccak(b"\x19Ethereum Signed Message:\n%d" % len(message) + message)


def recover(digest: bytes, signature: bytes) -> bytes:
    """The address, 20 bytes, of whoever signed a digest of 32 bytes.

    Any well-formed signature recovers to some address: the caller compares.

    Raises:
        BadSignature: not 65 bytes or no such point ("signature.form"), v is not 27 or 28 ("signature.v"),
            r or s out of range ("signature.range"), or s in the upper half ("signature.high-s").
    """
    if len(signature) != SIZE:
        raise BadSignature("a signature has 65 bytes", size=len(signature))
    recovery = _RECOVERY.get(signature[64])
    if recovery is None:
        raise BadSignature("v is neither 27 nor 28", code="signature.v", v=signature[64])
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise BadSignature("r or s is out of range", code="signature.range")
    if s > ORDER // 2:
        raise BadSignature("s is in the upper half", code="signature.high-s")
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + recovery, digest, hasher=None)
    except ValueError as error:
        raise BadSignature("no key made this signature", why=str(error)[:80]) from None
    return keccak(key.format(compressed=False)[1:])[12:]


def sign(secret: bytes, digest: bytes) -> bytes:
    """Sign a digest of 32 bytes; 65 bytes, low s, deterministic. Source: RFC 6979.

    Raises:
        ValueError: not a secret of secp256k1.
    """
    made = PrivateKey(secret).sign_recoverable(digest, hasher=None)
    return made[:64] + bytes([27 + made[64]])


def address_of(secret: bytes) -> bytes:
    """The address, 20 bytes, of a secret of 32 bytes."""
    return keccak(PrivateKey(secret).public_key.format(compressed=False)[1:])[12:]
