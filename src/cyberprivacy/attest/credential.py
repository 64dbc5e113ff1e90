"""A secret for one TPM and one of its keys: what TPM2_MakeCredential does, without a TPM. Pure.

Only the TPM that holds the endorsement key can take the secret out, and only while it also holds the key of the
given name (TPM2_ActivateCredential). That is how somebody far away learns that two keys are in one TPM.

Source: TCG TPM 2.0 Library, revision 1.59, Part 1: 24 (credential protection), 11.4.10 (key derivation), B.10.4
and C.6.4 (how RSA and elliptic curve keys protect the seed); Part 3, 12.6 (TPM2_MakeCredential).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from cyberprivacy.attest.tpm2 import ALG_NULL, ALG_SHA256, ALG_SHA384, BadStructure, Public, Reader, sized
from cyberprivacy.errors import Misuse

ENDORSEMENT_HASHES: Final = (ALG_SHA256, ALG_SHA384)
"""What names endorsement keys: SHA-256 in the "low" templates, SHA-384 in those of RSA 3072."""

IDENTITY: Final = b"IDENTITY\0"
"""Label of the seed; unlike the others its terminating zero is part of it. Source: Part 1, B.10.4."""

MAX_BLOB: Final = 1024

Random = Callable[[int], bytes]
"""Gives so many bytes that nobody can guess."""


class WrongEndorsement(BadStructure):
    """A key is not an endorsement key that a credential can be made for."""

    code = "tpm2.endorsement"
    hint = "Endorsement keys are of the templates that the TCG EK Credential Profile names."


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that one TPM can take out.

    Attributes:
        identity: TPMS_ID_OBJECT: integrity, and the encrypted secret.
        seed: TPM2B_ENCRYPTED_SECRET without its size: what the endorsement key decrypts or agrees on.

    Source: Part 2, 12.4.2 (TPMS_ID_OBJECT), 11.4.33 (TPM2B_ENCRYPTED_SECRET).
    """

    identity: bytes
    seed: bytes

    def encode(self) -> bytes:
        """Both parts, each behind its size of two bytes: the parameters of TPM2_ActivateCredential."""
        return sized(self.identity) + sized(self.seed)

    @classmethod
    def parse(cls, data: bytes) -> "Credential":
        """Read what `encode` wrote.

        Raises:
            BadStructure: anything else.
        """
        reader = Reader(data, "credential")
        made = cls(reader.sized(MAX_BLOB), reader.sized(MAX_BLOB))
        reader.end()
        return made


def make_credential(endorsement: Public, name: bytes, secret: bytes, *, random: Random = os.urandom) -> Credential:
    """Encrypt a secret for the TPM that holds both an endorsement key and the key of this name.

    Args:
        endorsement: the endorsement key. Whether it is a genuine TPM's is for the caller to know.
        name: name of the other key: two bytes of hash algorithm and the digest.
        secret: 1 to 32 bytes; a TPM takes at most a digest of the endorsement key's hash.
        random: gives the seed or the ephemeral key. The padding of RSA-OAEP is the library's own.

    Raises:
        WrongEndorsement: not a storage key of RSA or P-256 with AES-CFB ("tpm2.endorsement").
        Misuse: a secret of another size ("tpm2.secret").
    """
    if not 1 <= len(secret) <= 32:
        raise Misuse("a credential holds 1 to 32 bytes", code="tpm2.secret", size=len(secret))
    seed, protected = protected_seed(endorsement, IDENTITY, random)
    encrypted = _cipher(endorsement, seed, name).encryptor().update(sized(secret))
    integrity = _integrity(endorsement, seed, encrypted + name)
    return Credential(sized(integrity) + encrypted, protected)


def derive(digest: hashes.HashAlgorithm, key: bytes, label: bytes, context: bytes, *, size: int) -> bytes:
    """KDFa: SP 800-108 in counter mode with HMAC. Source: Part 1, 11.4.10.2; NIST SP 800-108, 5.1.

    Args:
        digest: the hash of the HMAC.
        key: the key to derive from.
        label: what for, without its terminating zero.
        context: contextU and contextV, one after the other.
        size: how many bytes.
    """
    kdf = KBKDFHMAC(
        digest,
        Mode.CounterMode,
        length=size,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    )
    return kdf.derive(key)


def _hash(endorsement: Public) -> hashes.HashAlgorithm:
    return hashes.SHA256() if endorsement.name_hash == ALG_SHA256 else hashes.SHA384()


def protected_seed(endorsement: Public, label: bytes, random: Random = os.urandom) -> tuple[bytes, bytes]:
    """A seed as long as the key's digest, and the form in which only that key gives it back.

    Args:
        endorsement: the key, or another storage key of the TPM.
        label: what for, with its terminating zero.
        random: gives the seed or the ephemeral key.

    Raises:
        WrongEndorsement: not a storage key of RSA or P-256 with AES-CFB ("tpm2.endorsement").
    """
    if endorsement.aes not in (128, 192, 256) or endorsement.scheme != ALG_NULL:
        raise WrongEndorsement("not a storage key with AES in CFB mode", aes=endorsement.aes)
    digest = _hash(endorsement)
    if isinstance(endorsement.key, ec.EllipticCurvePublicKey):
        return _agreed(endorsement.key, digest, label, random)
    seed = random(digest.digest_size)
    oaep = padding.OAEP(padding.MGF1(digest), digest, label)
    return seed, endorsement.key.encrypt(seed, oaep)


def _agreed(
    key: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm, label: bytes, random: Random
) -> tuple[bytes, bytes]:
    """Source: Part 1, C.6.1 (ECDH), 11.4.10.3 (KDFe: SP 800-56A with one hash)."""
    # 128 bits more than the order has: the remainder is as good as even. Source: FIPS 186-5, A.2.1.
    scalar = int.from_bytes(random(48), "big") % (key.curve.group_order - 1) + 1
    ephemeral = ec.derive_private_key(scalar, key.curve)
    ours, theirs = ephemeral.public_key().public_numbers(), key.public_numbers()
    x, y = ours.x.to_bytes(32, "big"), ours.y.to_bytes(32, "big")
    parties = label + x + theirs.x.to_bytes(32, "big")
    kdf = ConcatKDFHash(digest, length=digest.digest_size, otherinfo=parties)
    return kdf.derive(ephemeral.exchange(ec.ECDH(), key)), sized(x) + sized(y)


def _cipher(endorsement: Public, seed: bytes, name: bytes) -> Cipher[CFB]:
    """Source: Part 1, 24.4, equations for the symmetric key; its vector is zero."""
    key = derive(_hash(endorsement), seed, b"STORAGE", name, size=endorsement.aes // 8)
    return Cipher(algorithms.AES(key), CFB(bytes(16)))


def _integrity(endorsement: Public, seed: bytes, message: bytes) -> bytes:
    """The outer HMAC over what is encrypted and the name. Source: Part 1, 24.5."""
    digest = _hash(endorsement)
    made = hmac.HMAC(derive(digest, seed, b"INTEGRITY", b"", size=digest.digest_size), digest)
    made.update(message)
    return made.finalize()
