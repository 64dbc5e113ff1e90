"""The receipt of an erasure: what went, which keys died, until when backups still hold what nobody can read.

It proves that this vault's code ran to its end, signed by its key; not that no copy exists anywhere.

Source: docs/spec/udi-1.md, "Receipts of erasures".
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.erasing import Job

TAG: Final = b"udi/1 erasure\0"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
LIMIT: Final = 1 << 20
"""Bytes of a receipt: an account with thousands of owners fits."""


def leaf(document: bytes) -> bytes:
    """What a ledger keeps of a receipt: 32 bytes; who has not its signature cannot guess them."""
    return sha256(document).digest()


class BadReceipt(Untrusted):
    """Not a receipt of an erasure, or not signed by this key."""

    code = "receipt.signature"
    hint = "Ask for it again; show it to others if it stays so."


class Signer(Protocol):
    """Signs for the vault; in production the key that its evidence names."""

    @property
    def public(self) -> bytes:
        """The Ed25519 key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        ...


class KeySigner:
    """Signs with a key in memory."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> bytes:
        """As the port says."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """As the port says."""
        return self._key.sign(message)


def receipt(
    job: Job, signer: Signer, *, root: str, now: int, backups_until: int, recipients: Sequence[object] = ()
) -> bytes:
    """The signed receipt of a job whose rows are gone; `recipients` as they stand in it, see `orders.shown`."""
    said = {
        "asked": job.asked,
        "at": now,
        "backups": {"until": backups_until},
        "counts": dict(job.counts),
        "epoch": job.epoch,
        "holds": [],
        "id": job.id.hex(),
        "keys": [{"generation": each.generation, "owner": each.owner.hex()} for each in job.dead],
        "recipients": list(recipients),
        "root": root,
        "scope": job.scope.document(),
        "subject": job.subject.hex(),
    }
    signature = signer.sign(TAG + canonical.encode(said)).hex()
    return canonical.encode({"key": signer.public.hex(), "receipt": said, "signature": signature})


def check(document: bytes, key: bytes) -> dict[str, object]:
    """What a receipt says, if this Ed25519 key (32 bytes) signed it.

    Raises:
        BadReceipt: it did not, or the document has another form.
        NotCanonical: not canonical JSON.
    """
    match canonical.decode(document, limit=LIMIT):
        case {"key": str(named), "receipt": dict(said), "signature": str(signature), **other} if (
            not other and _KEY.fullmatch(named) and _SIGNATURE.fullmatch(signature)
        ):
            try:
                made = bytes.fromhex(signature)
                Ed25519PublicKey.from_public_bytes(key).verify(made, TAG + canonical.encode(said))
            except (InvalidSignature, ValueError):
                raise BadReceipt("not signed by this key") from None
            if named != key.hex():
                raise BadReceipt("it names another key than the one that signed it")
            return said
    raise BadReceipt("not a receipt of an erasure", code="receipt.form")
