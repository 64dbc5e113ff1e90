"""Keys below a note: Ed25519 of logs, cosignatures with their times, heads for the chain. Pure but for births.

Source: C2SP signed-note v1.0.0 (type 0x01, verifier keys) and tlog-cosignature (types 0x04 and 0x06).
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from cyberprivacy import wallet
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.headkey import KEY_SIZE, LINE_SIZE, TAG, OnChain
from cyberprivacy.ledger.note import Signature, good_name
from cyberprivacy.typed_data import BadTypedData

SEED: Final = 32
"""Bytes of the secret from which a key of either kind is made."""
MAX_NAME: Final = 255
_LATEST: Final = (1 << 63) - 1
_VKEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{1,4096}={0,2})", re.ASCII)


class Kind(IntEnum):
    """What a key signs, by the byte that its id is made from."""

    LOG = 1
    """Ed25519 over the text of a note."""
    COSIGNER = 4
    """Ed25519 over the text and a time: `cosignature/v1`."""
    COSIGNER_PQ = 6
    """ML-DSA-44 over a checkpoint, the cosigner's name and a time."""
    HEAD = 0xFF
    """secp256k1 over EIP-712 data that a contract judges; see `headkey`."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes of a public key, and of a signature with its time."""
        return {
            Kind.LOG: (32, 64),
            Kind.COSIGNER: (32, 72),
            Kind.COSIGNER_PQ: (1312, 2428),
            Kind.HEAD: (KEY_SIZE, LINE_SIZE),
        }[self]


class BadSignature(Untrusted):
    """A key that we know did not make the signature that bears its name."""

    code = "note.signature"
    hint = "The note was changed, or forged: do not use it, and do not ask that source again."


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and whose it is.

    Attributes:
        name: what its signature lines begin with.
        kind: what it signs.
        public: 32 bytes, 1,312 for ML-DSA-44; `OnChain` for a head key.
    """

    name: str
    kind: Kind
    public: bytes

    def __post_init__(self) -> None:
        if (
            not good_name(self.name)
            or len(self.name.encode()) > MAX_NAME
            or len(self.public) != self.kind.sizes[0]
            or (self.kind is Kind.HEAD and not self.public.startswith(TAG))
        ):
            raise Misuse("not the name or not the bytes of a key", code="note.key", name=self.name[:80])

    @property
    def id(self) -> bytes:
        """4 bytes; no proof of anything."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]

    def encode(self) -> str:
        """As people pass it on: name+id+key."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes((self.kind,)) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what people passed on.

        Raises:
            Misuse: "note.key".
        """
        found = _VKEY.fullmatch(text)
        try:
            raw = b64decode(found[3], validate=True) if found else b""
            made = cls(found[1], Kind(raw[0]), raw[1:]) if found and raw else None
        except (binascii.Error, ValueError):
            made = None
        if made is None or made.encode() != text:
            raise Misuse("not a verifier key (name+id+base64)", code="note.key", text=text[:120])
        return made

    def made(self, signature: Signature) -> bool:
        """Whether a line says that it is this key's."""
        return signature.name == self.name and signature.key_id == self.id

    def verify(self, text: str, signature: Signature) -> int | None:
        """Check a line that says that it is this key's.

        Args:
            text: of the note.
            signature: for which `made` is true.

        Returns:
            When it was made, in seconds since 1970; None if this kind does not say.

        Raises:
            BadSignature: it is not this key's.
            BadNote: the kind signs checkpoints, and the text is none.
        """
        if len(signature.value) != self.kind.sizes[1]:
            raise BadSignature("a signature has another length", name=self.name)
        try:
            if self.kind is Kind.LOG:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature.value, text.encode())
                return None
            if self.kind is Kind.HEAD:
                head = Checkpoint.parse(text)
                return OnChain.parse(self.public).check(signature.value, size=head.size, root=head.root)
            time, value = int.from_bytes(signature.value[:8], "big"), signature.value[8:]
            if not 0 < time <= _LATEST:
                raise BadSignature("a cosignature without a time", name=self.name)
            if self.kind is Kind.COSIGNER:
                Ed25519PublicKey.from_public_bytes(self.public).verify(value, cosigned(text, time))
            else:
                message = cosigned_pq(self.name, Checkpoint.parse(text), time)
                MLDSA44PublicKey.from_public_bytes(self.public).verify(value, message)
        except (InvalidSignature, wallet.BadSignature, BadTypedData, ValueError):
            raise BadSignature("a signature does not verify", name=self.name) from None
        return time


@dataclass(frozen=True, slots=True)
class Signer:
    """A secret key and whose it is. It is never shown."""

    name: str
    kind: Kind
    _key: Ed25519PrivateKey | MLDSA44PrivateKey = field(repr=False)

    @classmethod
    def of(cls, name: str, kind: Kind, seed: bytes) -> Self:
        """The key of a seed (32 bytes); one seed for each kind, never the same for two names.

        Raises:
            ValueError: another length.
        """
        if len(seed) != SEED:
            raise ValueError(f"a seed of {len(seed)} bytes; {SEED} are needed")
        pq = kind is Kind.COSIGNER_PQ
        return cls(
            name,
            kind,
            MLDSA44PrivateKey.from_seed_bytes(seed) if pq else Ed25519PrivateKey.from_private_bytes(seed),
        )

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.kind, self._key.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint, *, time: int) -> Signature:
        """Sign a checkpoint.

        Args:
            checkpoint: what is signed.
            time: seconds since 1970, from 1 on; kinds without a time ignore it.
        """
        if self.kind is Kind.LOG:
            return Signature(self.name, self.verifier.id, self._key.sign(checkpoint.text.encode()))
        if not 0 < time <= _LATEST:
            raise ValueError(f"no time to sign at: {time}")
        pq = self.kind is Kind.COSIGNER_PQ
        message = cosigned_pq(self.name, checkpoint, time) if pq else cosigned(checkpoint.text, time)
        return Signature(self.name, self.verifier.id, time.to_bytes(8, "big") + self._key.sign(message))


def cosigned(text: str, time: int) -> bytes:
    """What an Ed25519 cosigner signs. Source: C2SP tlog-cosignature, "Ed25519 signed message"."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosigned_pq(name: str, checkpoint: Checkpoint, time: int) -> bytes:
    """What an ML-DSA-44 cosigner signs. Source: C2SP tlog-cosignature, "ML-DSA-44 signed message"."""
    start = 0
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short(name),
            time.to_bytes(8, "big"),
            _short(checkpoint.origin),
            start.to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short(text: str) -> bytes:
    """Text after its length in one byte: `opaque<1..2^8-1>` of RFC 8446 section 3.4."""
    raw = text.encode()
    return len(raw).to_bytes(1, "big") + raw
