"""What a transfer consists of, signed by the source before the first chunk is sent.

Source: docs/spec/udi-1.md, "Transfer".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.merkle import Tree
from cyberprivacy.vault.receipt import Signer
from cyberprivacy.vault.transfer import signedform
from cyberprivacy.vault.transfer.parcel import MAX_CHUNK, MAX_RECORDS, Entry

LIMIT: Final = 1 << 20
"""Bytes of a signed manifest."""
MAX_CHUNKS: Final = 8_192
_FIELDS: Final = frozenset(
    {"v", "transfer", "grant", "seq", "source", "recipient", "key", "chunks", "count", "root", "at"}
)
_ENTRY: Final = frozenset({"count", "size", "sha256"})
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")


class BadManifest(Untrusted):
    """Not a manifest, or one that contradicts itself or its grant."""

    code = "manifest.form"
    hint = "Ask the source again; if it stays so, the source is at fault."


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What there is to take.

    Attributes:
        transfer: id, 16 bytes. grant: id of the grant, 16 bytes.
        seq: the owner's newest change at the source that is contained; events go on from there.
        source: pairwise id of the account there, 32 bytes. recipient: the same at the recipient.
        key: X25519 key to which chunks are sealed, 32 bytes.
        at: POSIX seconds.
    """

    transfer: bytes
    grant: bytes
    seq: int
    source: bytes
    recipient: bytes
    key: bytes
    chunks: tuple[Entry, ...]
    at: int

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(each.count for each in self.chunks)

    @property
    def root(self) -> bytes:
        """The RFC 9162 head over the chunks' entries, 32 bytes."""
        return root_of(self.chunks)

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        chunks = [{"count": each.count, "size": each.size, "sha256": each.digest.hex()} for each in self.chunks]
        return {
            "v": 1,
            "transfer": self.transfer.hex(),
            "grant": self.grant.hex(),
            "seq": self.seq,
            "source": self.source.hex(),
            "recipient": self.recipient.hex(),
            "key": self.key.hex(),
            "chunks": chunks,
            "count": self.count,
            "root": self.root.hex(),
            "at": self.at,
        }

    def signed(self, signer: Signer) -> bytes:
        """The bytes in which it travels, signed by the source."""
        signature = signedform.sign(signedform.MANIFEST, self.as_json(), signer)
        return canonical.encode({"manifest": self.as_json(), "signature": signature})

    @classmethod
    def decode(cls, data: bytes, source_key: bytes | None = None) -> Self:
        """Read one.

        Args:
            data: as it came.
            source_key: Ed25519 key of the source, 32 bytes; None for what this program wrote down itself.

        Raises:
            BadManifest: another form ("manifest.form"), signature ("manifest.signature"), or a count or a root
                that is not that of the chunks ("manifest.sum").
        """
        match canonical.decode(data, limit=LIMIT):
            case {"manifest": dict(said), "signature": str(signature), **rest} if (
                not rest and _SIGNATURE.fullmatch(signature)
            ):
                made = cls._read(said)
            case _:
                raise BadManifest("not a signed manifest")
        if source_key is not None and not signedform.signed(signedform.MANIFEST, said, signature, source_key):
            raise BadManifest("not signed by the source", code="manifest.signature")
        if (said["count"], said["root"]) != (made.count, made.root.hex()):
            raise BadManifest("count or root is not that of the chunks", code="manifest.sum")
        return made

    @classmethod
    def _read(cls, said: object) -> Self:
        try:
            document = Document(said, "manifest", _FIELDS)
            document.version()
            document.integer("count")
            document.octets("root", size=32)
            return cls(
                transfer=document.octets("transfer", size=16),
                grant=document.octets("grant", size=16),
                seq=document.integer("seq"),
                source=document.octets("source", size=32),
                recipient=document.octets("recipient", size=32),
                key=document.octets("key", size=32),
                chunks=_entries(document.raw("chunks")),
                at=document.integer("at"),
            )
        except BadDocument as error:
            raise BadManifest(str(error)) from None


def root_of(entries: Sequence[Entry]) -> bytes:
    """The RFC 9162 head over entries, 32 bytes."""
    tree = Tree()
    for n, entry in enumerate(entries):
        tree.add(entry.leaf(n))
    return tree.root()


def first_head(transfer: bytes) -> bytes:
    """Where the chain over the chunks begins, 32 bytes."""
    return sha256(b"udi/1 head\0" + transfer).digest()


def next_head(head: bytes, payload: bytes) -> bytes:
    """The chain after one more chunk, 32 bytes; nobody knows it who has not read them all."""
    return sha256(b"udi/1 head\0" + head + payload).digest()


def _entries(value: object) -> tuple[Entry, ...]:
    if not isinstance(value, list) or len(value) > MAX_CHUNKS:
        raise BadManifest("not a list of at most 8192 chunks")
    return tuple(_entry(each) for each in value)


def _entry(value: object) -> Entry:
    document = Document(value, "chunk", _ENTRY)
    return Entry(
        document.integer("count", least=1, most=MAX_RECORDS),
        document.integer("size", least=1, most=MAX_CHUNK),
        document.octets("sha256", size=32),
    )
