"""Documents that an application's attested key signs: canonical JSON, each kind under a tag of its own."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cyberprivacy import canonical
from cyberprivacy.vault.receipt import Signer

MANIFEST: Final = "udi/1 manifest"
RECEIPT: Final = "udi/1 receipt"
COUNTER: Final = "udi/1 receipt countersigned"


def sign(tag: str, said: object, signer: Signer) -> str:
    """The signature in hex."""
    return signer.sign(_message(tag, said)).hex()


def signed(tag: str, said: object, signature: str, key: bytes) -> bool:
    """Whether the holder of an Ed25519 key (32 bytes) signed this."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), _message(tag, said))
    except (InvalidSignature, ValueError):
        return False
    return True


def _message(tag: str, said: object) -> bytes:
    return tag.encode() + b"\0" + canonical.encode(said)
