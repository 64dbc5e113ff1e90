"""Content identifiers: the name of a block is the SHA-256 of its bytes.

Only what a release bundle may hold: CIDv1, sha2-256, codec raw or dag-pb, text in base32 lower case.
Source: github.com/multiformats/cid; DESIGN: bundle addresses are dag-pb roots.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cyberprivacy.errors import Untrusted

RAW: Final = 0x55
DAG_PB: Final = 0x70

_TEXT: Final = re.compile(r"b[a-z2-7]{58}\Z")


class BadCid(Untrusted):
    """Text or bytes are not a CID that a release bundle may use."""

    code = "cid.form"
    hint = "Use a CIDv1 in base32 (bafy… or bafk…) with sha2-256; `cyberprivacy pack` prints one."


class MistypedCid(BadCid):
    """Text is not such a CID. A document that holds it is not to be trusted; a person who typed it misused us."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A CIDv1 with sha2-256.

    Attributes:
        codec: 0x55 (raw bytes) or 0x70 (dag-pb: files and directories).
        digest: 32 bytes, SHA-256 of the block.
    """

    codec: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.codec not in (RAW, DAG_PB):
            raise BadCid("codec is neither raw nor dag-pb", codec=self.codec)
        if len(self.digest) != 32:
            raise BadCid("digest is not 32 bytes", length=len(self.digest))

    @classmethod
    def of(cls, codec: int, block: bytes) -> Self:
        """The CID of a block's bytes."""
        return cls(codec, sha256(block).digest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the one spelling that we accept: 59 characters, `b` + base32 lower case, no padding.

        Raises:
            MistypedCid: any other spelling, version, codec or hash.
        """
        if not _TEXT.match(text):
            raise MistypedCid("not a CIDv1 in base32 lower case", text=text[:80])
        try:
            cid = cls.from_bytes(base64.b32decode(text[1:].upper() + "======"))
        except binascii.Error:
            raise MistypedCid("not base32", text=text[:80]) from None
        except BadCid as other:
            raise MistypedCid(other.what, text=text) from None
        if str(cid) != text:  # the last character carries two unused bits
            raise MistypedCid("a second spelling of another CID", text=text)
        return cid

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the 36-byte binary form: 0x01, codec, 0x12, 0x20, digest.

        Raises:
            BadCid: wrong length, version, codec or hash.
        """
        if len(raw) != 36 or raw[0] != 1 or raw[2:4] != b"\x12\x20":
            raise BadCid("not a binary CIDv1 with sha2-256", start=bytes(raw[:4]).hex(), length=len(raw))
        return cls(raw[1], bytes(raw[4:]))

    def __bytes__(self) -> bytes:
        return bytes((1, self.codec, 0x12, 0x20)) + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(bytes(self)).decode("ascii").rstrip("=").lower()

    def matches(self, block: bytes) -> bool:
        """Whether these bytes are the block that this CID names."""
        return sha256(block).digest() == self.digest
