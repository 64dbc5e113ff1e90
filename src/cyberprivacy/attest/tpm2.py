"""TPM 2.0 structures, read strictly: big-endian, explicit lengths, no trailing bytes. Pure.

Source: TCG TPM 2.0 Library, Part 2 (Structures), revision 1.59; sections named at each class.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256, sha384
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cyberprivacy.errors import Untrusted

ALG_RSA: Final = 0x0001
ALG_AES: Final = 0x0006
ALG_SHA256: Final = 0x000B
ALG_SHA384: Final = 0x000C
ALG_NULL: Final = 0x0010
ALG_RSASSA: Final = 0x0014
ALG_ECDSA: Final = 0x0018
ALG_ECC: Final = 0x0023
ALG_CFB: Final = 0x0043
CURVE_P256: Final = 0x0003
GENERATED: Final = 0xFF544347
ATTEST_QUOTE: Final = 0x8018

FIXED_TPM: Final = 1 << 1
FIXED_PARENT: Final = 1 << 4
SENSITIVE_DATA_ORIGIN: Final = 1 << 5
RESTRICTED: Final = 1 << 16
DECRYPT: Final = 1 << 17
SIGN: Final = 1 << 18

MAX_PCRS: Final = 24
MAX_STRUCTURE: Final = 4096

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class BadStructure(Untrusted):
    """Bytes are not the TPM structure that they should be."""

    code = "tpm2.form"
    hint = "The evidence was damaged or made up; ask the node again."


class Reader:
    """Takes values from the front of a buffer and refuses to read past its end, or to leave something."""

    def __init__(self, data: bytes, what: str) -> None:
        if len(data) > MAX_STRUCTURE:
            raise BadStructure(f"{what} is too large", size=len(data), limit=MAX_STRUCTURE)
        self._data, self._at, self._what = data, 0, what

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise BadStructure(f"{self._what} ends early", wanted=size, left=len(self._data) - self._at)
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        """An unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def sized(self, limit: int) -> bytes:
        """A TPM2B: two bytes of length, then at most `limit` bytes."""
        size = self.number(2)
        if size > limit:
            raise BadStructure(f"{self._what} has a part that is too large", size=size, limit=limit)
        return self.take(size)

    def end(self) -> None:
        """Refuse bytes that are left over."""
        if self._at != len(self._data):
            raise BadStructure(f"{self._what} has trailing bytes", left=len(self._data) - self._at)


def sized(data: bytes) -> bytes:
    """Write a TPM2B: two bytes of length, then the bytes."""
    return struct.pack(">H", len(data)) + data


@dataclass(frozen=True, slots=True)
class Selection:
    """Which PCRs of one bank. Source: Part 2, 10.6.2 (TPMS_PCR_SELECTION).

    Attributes:
        hash: algorithm of the bank, such as 0x000B for SHA-256.
        pcrs: the registers, ascending.
    """

    hash: int
    pcrs: tuple[int, ...]

    def encode(self) -> bytes:
        """Three bytes of bitmap, as PC clients write it."""
        return struct.pack(">HB", self.hash, 3) + sum(1 << pcr for pcr in self.pcrs).to_bytes(3, "little")


def encode_selections(selections: tuple[Selection, ...]) -> bytes:
    """TPML_PCR_SELECTION. Source: Part 2, 10.9.7."""
    return struct.pack(">I", len(selections)) + b"".join(selection.encode() for selection in selections)


def _selections(reader: Reader) -> tuple[Selection, ...]:
    count = reader.number(4)
    if count > 4:
        raise BadStructure("PCR selection names too many banks", count=count)
    made = []
    for _ in range(count):
        bank, size = reader.number(2), reader.number(1)
        if size > MAX_PCRS // 8:
            raise BadStructure("PCR selection is too wide", size=size)
        bits = int.from_bytes(reader.take(size), "little")
        made.append(Selection(bank, tuple(pcr for pcr in range(8 * size) if bits >> pcr & 1)))
    return tuple(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A TPM's statement about its PCRs. Source: Part 2, 10.12.8 (TPMS_ATTEST with TPMS_QUOTE_INFO).

    Attributes:
        signer: qualified name of the signing key.
        qualifying: what the caller asked to have signed along; compare it exactly.
        clock: milliseconds that the TPM has been powered, over all its life.
        resets: how often it was reset; a change means a reboot.
        restarts: how often it was restarted since the last reset.
        safe: whether `clock` may be believed.
        firmware: the TPM's firmware version.
        selections: which PCRs the digest covers.
        digest: hash over their values, in the order of the selections.
    """

    signer: bytes
    qualifying: bytes
    clock: int
    resets: int
    restarts: int
    safe: bool
    firmware: int
    selections: tuple[Selection, ...]
    digest: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Quote":
        """Read a TPMS_ATTEST that a TPM made itself, and that is a quote.

        Raises:
            BadStructure: anything else.
        """
        reader = Reader(data, "quote")
        if reader.number(4) != GENERATED:
            raise BadStructure("not made inside a TPM: wrong magic number", code="tpm2.magic")
        if (kind := reader.number(2)) != ATTEST_QUOTE:
            raise BadStructure("a TPM's statement, but not a quote", code="tpm2.type", type=hex(kind))
        signer, qualifying = reader.sized(66), reader.sized(66)
        clock, resets, restarts, safe = (reader.number(size) for size in (8, 4, 4, 1))
        if safe > 1:
            raise BadStructure("the flag `safe` is neither yes nor no", safe=safe)
        firmware = reader.number(8)
        selections, digest = _selections(reader), reader.sized(64)
        reader.end()
        return cls(
            signer=signer,
            qualifying=qualifying,
            clock=clock,
            resets=resets,
            restarts=restarts,
            safe=bool(safe),
            firmware=firmware,
            selections=selections,
            digest=digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """The public area of a TPM key. Source: Part 2, 12.2.4 (TPMT_PUBLIC).

    Attributes:
        raw: the bytes it was read from.
        name_hash: 0x000B or 0x000C: the hash, SHA-256 or SHA-384, that names the key and derives for it.
        attributes: TPMA_OBJECT bits.
        aes: bits of the AES-CFB key with which a storage key encrypts what is below it; 0 = it does not.
        scheme: the one signing scheme of the key; 0x0010 = any.
        key: the key itself.
    """

    raw: bytes
    name_hash: int
    attributes: int
    aes: int
    scheme: int
    key: PublicKey

    @property
    def name(self) -> bytes:
        """The name by which a TPM knows it. Source: Part 1, 16 (Names)."""
        digest = sha256 if self.name_hash == ALG_SHA256 else sha384
        return struct.pack(">H", self.name_hash) + digest(self.raw).digest()

    @property
    def signs_only_for_its_tpm(self) -> bool:
        """Whether only its TPM holds it, and it signs nothing but what that TPM made itself."""
        needed = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | RESTRICTED | SIGN
        return self.attributes & needed == needed and not self.attributes & DECRYPT

    @property
    def opens_only_for_its_tpm(self) -> bool:
        """Whether only its TPM holds it, and it decrypts nothing but what is for the inside of that TPM."""
        needed = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | RESTRICTED | DECRYPT
        return self.attributes & needed == needed and not self.attributes & SIGN

    @classmethod
    def parse(cls, data: bytes, *, named_by: tuple[int, ...] = (ALG_SHA256,)) -> "Public":
        """Read an RSA key of 2048 to 4096 bits, or one on P-256, named by SHA-256 (or what `named_by` says).

        Raises:
            BadStructure: anything else.
        """
        reader = Reader(data, "public area")
        kind, name_hash, attributes = reader.number(2), reader.number(2), reader.number(4)
        if name_hash not in named_by:
            raise BadStructure("the key is named by another hash", hash=hex(name_hash))
        reader.sized(64)  # authPolicy: who may use the key, of no concern to who believes it
        aes = _aes(reader)
        scheme = reader.number(2)
        if scheme != ALG_NULL and reader.number(2) != ALG_SHA256:
            raise BadStructure("the key signs with another hash than SHA-256")
        if kind not in (ALG_RSA, ALG_ECC):
            raise BadStructure("a key of an unknown type", type=hex(kind))
        key = _rsa(reader) if kind == ALG_RSA else _ecc(reader)
        reader.end()
        return cls(raw=data, name_hash=name_hash, attributes=attributes, aes=aes, scheme=scheme, key=key)


def _aes(reader: Reader) -> int:
    """Source: Part 2, 11.1.7 (TPMT_SYM_DEF_OBJECT)."""
    if (cipher := reader.number(2)) == ALG_NULL:
        return 0
    bits, mode = reader.number(2), reader.number(2)
    return bits if (cipher, mode) == (ALG_AES, ALG_CFB) else 0


def _rsa(reader: Reader) -> PublicKey:
    bits, exponent = reader.number(2), reader.number(4) or 65537
    modulus = reader.sized(512)
    if bits not in (2048, 3072, 4096) or len(modulus) * 8 != bits or not modulus[0] & 0x80:
        raise BadStructure("not an RSA key of 2048, 3072 or 4096 bits", bits=bits, bytes=len(modulus))
    try:
        return rsa.RSAPublicNumbers(exponent, int.from_bytes(modulus, "big")).public_key()
    except ValueError:
        raise BadStructure("not an RSA key", exponent=exponent) from None


def _ecc(reader: Reader) -> PublicKey:
    curve = reader.number(2)
    if reader.number(2) != ALG_NULL:  # kdf
        reader.take(2)
    x, y = reader.sized(32), reader.sized(32)
    if curve != CURVE_P256:
        raise BadStructure("a curve other than P-256", curve=hex(curve))
    try:
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
        return numbers.public_key()
    except ValueError:
        raise BadStructure("not a point on P-256") from None
