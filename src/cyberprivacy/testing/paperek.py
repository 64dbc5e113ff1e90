"""An endorsement key on paper: opens credentials in pure Python, where no TPM engine is at hand.

It shares no code with what makes credentials: the derivations are written out here by hand, from the same pages.
"""

import hmac
import struct
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cyberprivacy.attest.credential import Credential
from cyberprivacy.attest.tpm2 import Public

ATTRIBUTES: int = 0x000300B2


@dataclass(frozen=True, kw_only=True)
class PaperEndorsement:
    """An endorsement key with AES-128 and SHA-256, whose attributes can be bent."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )
    attributes: int = ATTRIBUTES

    @property
    def public(self) -> Public:
        """Its public area, without a policy."""
        head = struct.pack(">HIH", 0x000B, self.attributes, 0) + struct.pack(">HHHH", 0x0006, 128, 0x0043, 0x0010)
        if isinstance(self.key, rsa.RSAPrivateKey):
            size = self.key.key_size // 8
            modulus = self.key.public_key().public_numbers().n.to_bytes(size, "big")
            return Public.parse(b"\x00\x01" + head + struct.pack(">HIH", 8 * size, 0, size) + modulus)
        point = self.key.public_key().public_numbers()
        x, y = (struct.pack(">H", 32) + number.to_bytes(32, "big") for number in (point.x, point.y))
        return Public.parse(b"\x00\x23" + head + struct.pack(">HH", 0x0003, 0x0010) + x + y)

    def open(self, credential: Credential, name: bytes) -> bytes | None:
        """The secret, as a TPM that holds the key of this name would give it back; None when it would refuse."""
        try:
            seed = self._seed(credential.seed)
        except ValueError:
            return None
        size = int.from_bytes(credential.identity[:2], "big")
        integrity, encrypted = credential.identity[2 : 2 + size], credential.identity[2 + size :]
        if not hmac.compare_digest(
            integrity, hmac.digest(_kdfa(seed, b"INTEGRITY", b"", 32), encrypted + name, "sha256")
        ):
            return None
        return self._decrypted(_kdfa(seed, b"STORAGE", name, 16), encrypted)

    def _seed(self, protected: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            digest = hashes.SHA256()
            return self.key.decrypt(protected, padding.OAEP(padding.MGF1(digest), digest, b"IDENTITY\0"))
        x, y = protected[2:34], protected[36:68]
        theirs = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        ).public_key()
        own = self.key.public_key().public_numbers().x.to_bytes(32, "big")
        shared = self.key.exchange(ec.ECDH(), theirs)
        return sha256(struct.pack(">I", 1) + shared + b"IDENTITY\0" + x + own).digest()

    @staticmethod
    def _decrypted(key: bytes, encrypted: bytes) -> bytes:
        """AES in CFB mode, block by block."""
        engine = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  one block at a time is how CFB is built
        plain, last = b"", bytes(16)
        for at in range(0, len(encrypted), 16):
            block = encrypted[at : at + 16]
            plain += bytes(a ^ b for a, b in zip(block, engine.update(last), strict=False))
            last = block.ljust(16, b"\0")
        return plain[2 : 2 + int.from_bytes(plain[:2], "big")]


def _kdfa(seed: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """One step is enough for what is asked here. Source: Part 1, 11.4.10.2."""
    message = struct.pack(">I", 1) + label + b"\0" + context + struct.pack(">I", 8 * size)
    return hmac.digest(seed, message, "sha256")[:size]
