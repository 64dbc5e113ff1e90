"""Parts of blobs, as they travel in a chunk: `udi.blob.v1`."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from cyberprivacy.bundle.datatype import BLOB
from cyberprivacy.vault.transfer.parcel import Item
from making.layout import Case, Group, Json
from making.people import NOW

PART: Final = 256 << 10
LARGEST: Final = 1 << 30


def _item(size: int, n: int, content: bytes, *, name: bytes | None = None) -> Item:
    """A part as the specification has it; `name` is the digest, that of its content if the part is the whole."""
    digest = sha256(content).digest() if name is None else name
    body = digest + size.to_bytes(8) + content
    return Item(digest[:12] + n.to_bytes(4), BLOB, n + 1, NOW, NOW, body)


_MANY: Final = sha256(b"a blob of many parts").digest()
_WHOLE: Final = _item(5, 0, b"whole")
_SECOND: Final = _item(PART + 3, 1, b"end", name=_MANY)


def groups() -> list[Group]:
    """Good parts, and those that contradict themselves. None is a full part, so that the file stays small."""
    last = (LARGEST - 1) // PART
    good = {
        "a blob that is one part": _WHOLE,
        "an empty blob": _item(0, 0, b""),
        "the end of a blob of two parts": _SECOND,
        "the end of almost the largest blob": _item(last * PART + 1, last, b"x", name=_MANY),
    }
    bent = {
        "content of more bytes than its size": replace(_WHOLE, body=_WHOLE.body + b"x"),
        "content of fewer bytes than its size": replace(_WHOLE, body=_WHOLE.body[:-1]),
        "no content but a size": replace(_WHOLE, body=_WHOLE.body[:40]),
        "no size": replace(_WHOLE, body=_WHOLE.body[:39]),
        "nothing": replace(_WHOLE, body=b""),
        "a part before the last that is short": _item(PART + 3, 0, b"begin", name=_MANY),
        "an empty part after the last": _item(PART, 1, b"", name=_MANY),
        "a part beyond the end": _item(3, 1, b"end", name=_MANY),
        "larger than a blob may be": _item(LARGEST + 1, last + 1, b"x", name=_MANY),
        "the id of another blob": replace(_SECOND, id=_WHOLE.id[:12] + _SECOND.id[12:]),
        "the id of another part": replace(_SECOND, id=_SECOND.id[:12] + bytes(4)),
        "the revision of another part": replace(_SECOND, rev=1),
    }
    return [
        Group("BlobPart", {}, [*(_good(*each) for each in good.items()), *(_bad(*each) for each in bent.items())])
    ]


def _good(what: str, item: Item) -> Case:
    digest, size, content = item.body[:32].hex(), int.from_bytes(item.body[32:40]), item.body[40:].hex()
    found: Json = {"digest": digest, "size": size, "n": item.rev - 1, "content": content}
    return Case(f"blob: {what}", {"payload": item.encode().hex(), "created": NOW}, found)


def _bad(what: str, item: Item) -> Case:
    return Case(f"blob: {what}", {"payload": item.encode().hex(), "created": NOW}, code="chunk.blob")
