"""Transfers and erasures: chunks, manifests, and receipts that others have signed."""

import json
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cyberprivacy import canonical
from cyberprivacy.vault.receipt import TAG, KeySigner
from cyberprivacy.vault.transfer.manifest import Manifest, first_head, next_head
from cyberprivacy.vault.transfer.parcel import Entry, Item, pack
from cyberprivacy.vault.transfer.receipt import Receipt, SignedReceipt
from making.layout import Case, Group, Json
from making.people import NOW, secret

TRANSFER: Final = bytes(range(16))
SOURCE: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("source")))
RECIPIENT: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("recipient")))
VAULT: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("vault")))
_SHARED: Final[Json] = {
    "source": SOURCE.public.hex(),
    "recipient": RECIPIENT.public.hex(),
    "sourceSecret": secret("source").hex(),
    "recipientSecret": secret("recipient").hex(),
    "transfer": TRANSFER.hex(),
}
_Bent = tuple[str, str, bytes]


def _item(number: int, body: bytes = b'{"amount":1}') -> Item:
    return Item(bytes([number]) * 16, "org.example.order.v1", 1, NOW, NOW, body)


def chunks() -> list[Group]:
    """The records of a chunk, byte for byte."""
    one, two = _item(1).encode(), _item(2, b'{ "a" :\n1.50 }').encode()
    good = {"a record": one, "two records": one + two, "a body that is empty": _item(3, b"").encode()}
    cases = []
    for what, payload in good.items():
        records = [payload_id.hex() for payload_id in _ids(payload)]
        found: Json = {"records": records, "head": next_head(first_head(TRANSFER), payload).hex()}
        cases.append(Case(f"chunk: {what}", {"payload": payload.hex()}, found))
    bent: dict[str, bytes] = {
        "nothing": b"",
        "a line feed": b"\n",
        "a record twice": one + one,
        "no line feed after the body": one[:-1],
        "another byte after the body": one[:-1] + b" ",
        "a shorter body": one[:-2] + b"\n",
        "a longer body": one[:-1] + b" \n",
        "something after": one + b"x",
        "a blank in the line": one.replace(b":", b": ", 1),
        "an unknown field": b'{"more":1}' + one,
        "no line": b"x" * 600,
        "a size that is true": one.replace(b'"size":12', b'"size":true'),
        "revision 0": one.replace(b'"rev":1', b'"rev":0'),
        "another type": one.replace(b"order.v1", b"order"),
        "an id of 15 bytes": one.replace(b"0101", b"01", 1),
    }
    cases += [
        Case(f"chunk: {what}", {"payload": payload.hex()}, code="chunk.form") for what, payload in bent.items()
    ]
    return [Group("Chunk", {"transfer": TRANSFER.hex()}, cases)]


def _ids(payload: bytes) -> list[bytes]:
    from cyberprivacy.vault.transfer.parcel import unpack

    return [item.id for item in unpack(payload)]


def _manifest(*entries: Entry) -> Manifest:
    return Manifest(
        transfer=TRANSFER,
        grant=bytes(16),
        seq=7,
        source=sha256(b"at the source").digest(),
        recipient=sha256(b"at the recipient").digest(),
        key=sha256(b"sealed to").digest(),
        chunks=entries,
        at=NOW,
    )


_FIELDS: Final[list[tuple[str, str, object]]] = [
    *(("manifest.form", "v", bad) for bad in (2, True)),
    *(("manifest.form", name, bad) for name, bad in (("transfer", "00"), ("key", "AB" * 32), ("root", "00"))),
    *(("manifest.form", name, bad) for name, bad in (("seq", -1), ("count", True), ("more", 1))),
    ("manifest.form", "at", "1"),
    ("manifest.form", "chunks", {}),
]
_CHUNKS: Final = [("count", 0), ("count", 1_001), ("size", 0), ("size", 1 << 21), ("more", 1)]


def manifests() -> list[Group]:
    """What a transfer consists of."""
    entries = [each.entry for number in range(5) for each in pack([_item(number)])]
    good = [
        Case(
            f"manifest of {count} chunks",
            {"document": made.signed(SOURCE).decode()},
            {"root": made.root.hex(), "count": made.count},
        )
        for count in (0, 1, 2, 5)
        for made in (_manifest(*entries[:count]),)
    ]
    whole = json.loads(_manifest(*entries[:2]).signed(SOURCE))
    chunk = whole["manifest"]["chunks"][0]
    bent_chunks: list[tuple[str, Json]] = [
        ("manifest.form", {"chunks": [{**chunk, each: bad}]}) for each, bad in _CHUNKS
    ]
    changes: list[tuple[str, Json]] = [
        *((code, {name: bad}) for code, name, bad in _FIELDS),
        *bent_chunks,
        ("manifest.sum", {"count": 3}),
        ("manifest.sum", {"root": "00" * 32}),
        ("manifest.sum", {"chunks": whole["manifest"]["chunks"][::-1]}),
        ("manifest.sum", {"chunks": []}),
    ]
    bad = [
        Case(f"manifest {place}: {str(change)[:40]}", {"document": _signed_again(whole, change)}, code=code)
        for place, (code, change) in enumerate(changes)
    ]
    said = canonical.encode(whole)
    others: list[_Bent] = [
        ("a word was changed", "manifest.signature", said.replace(b'"seq":7', b'"seq":8')),
        ("somebody else signed", "manifest.signature", _manifest(*entries[:2]).signed(RECIPIENT)),
        ("signed, then summed wrongly", "manifest.signature", said.replace(b'"count":2', b'"count":3')),
        ("a signature in capitals", "manifest.form", canonical.encode({**whole, "signature": "A" * 128})),
        ("no signature", "manifest.form", canonical.encode({"manifest": whole["manifest"]})),
        ("a blank", "json.form", said + b" "),
    ]
    return [Group("Manifest", _SHARED, [*good, *bad, *_plain("manifest", others)])]


def _plain(name: str, others: list[_Bent]) -> list[Case]:
    return [Case(f"{name}: {what}", {"document": document.decode()}, code=code) for what, code, document in others]


def _signed_again(whole: dict[str, Any], change: Json) -> str:
    manifest = {**whole["manifest"], **change}
    signature = SOURCE.sign(b"udi/1 manifest\0" + canonical.encode(manifest)).hex()
    return canonical.encode({"manifest": manifest, "signature": signature}).decode()


def receipts() -> list[Group]:
    """What arrived, signed by the recipient, and by the source."""
    rejected = ((bytes(16), "record.schema"), (b"\1" * 16, "record.size"))
    receipt = Receipt(
        transfer=TRANSFER, root=bytes(32), count=5, dup=1, rejected=rejected, head=b"\2" * 32, at=NOW
    )
    made = SignedReceipt.made(receipt, secret("receipt's salt"), RECIPIENT)
    both = made.countersigned(SOURCE)
    found: Json = {"leaf": made.leaf.hex(), "rejected": 2}
    cases = [
        Case("receipt: by the recipient", {"document": made.encode().decode(), "countersigned": False}, found),
        Case("receipt: by both", {"document": both.encode().decode(), "countersigned": True}, found),
        Case(
            "receipt: by both, one is asked for",
            {"document": both.encode().decode(), "countersigned": False},
            found,
        ),
    ]
    whole = json.loads(both.encode())
    said = both.encode()
    turned = {**whole["receipt"], "rejected": whole["receipt"]["rejected"][::-1]}
    others: list[_Bent] = [
        ("the source has not signed", "receipt.countersignature", made.encode()),
        ("the recipient signed twice", "receipt.countersignature", made.countersigned(RECIPIENT).encode()),
        (
            "the source signed twice",
            "receipt.signature",
            SignedReceipt.made(receipt, made.salt, SOURCE).countersigned(SOURCE).encode(),
        ),
        ("a word was changed", "receipt.signature", said.replace(b'"dup":1', b'"dup":2')),
        ("another salt", "receipt.signature", canonical.encode({**whole, "salt": "00" * 32})),
        (
            "signatures are exchanged",
            "receipt.signature",
            canonical.encode({**whole, "signature": whole["countersignature"]}),
        ),
        ("an empty countersignature", "receipt.form", canonical.encode({**whole, "countersignature": ""})),
        ("a short salt", "receipt.form", canonical.encode({**whole, "salt": "00"})),
        ("something unknown", "receipt.form", canonical.encode({**whole, "more": 1})),
        ("rejected out of order", "receipt.form", canonical.encode({**whole, "receipt": turned})),
        ("version 2", "receipt.form", said.replace(b'"v":1', b'"v":2')),
        ("a negative number", "receipt.form", said.replace(b'"dup":1', b'"dup":-1')),
        ("a blank", "json.form", said + b" "),
    ]
    bad = [
        Case(f"receipt: {what}", {"document": document.decode(), "countersigned": True}, code=code)
        for what, code, document in others
    ]
    return [Group("Receipt", _SHARED, [*cases, *bad])]


def erasures() -> list[Group]:
    """Receipts of erasures, whatever they say."""
    said: list[Json] = [{"id": "00" * 16, "at": NOW, "holds": []}, {}]
    good = [
        Case(f"erasure {place}", {"document": canonical.encode(_erased(each)).decode()})
        for place, each in enumerate(said)
    ]
    whole = _erased(said[0])
    others: list[_Bent] = [
        (
            "a word was changed",
            "receipt.signature",
            canonical.encode({**whole, "receipt": {**said[0], "at": NOW + 1}}),
        ),
        ("it names another key", "receipt.signature", canonical.encode({**whole, "key": "00" * 32})),
        (
            "another key signed",
            "receipt.signature",
            canonical.encode({**whole, "signature": SOURCE.sign(TAG + canonical.encode(said[0])).hex()}),
        ),
        (
            "another tag was signed",
            "receipt.signature",
            canonical.encode({**whole, "signature": VAULT.sign(canonical.encode(said[0])).hex()}),
        ),
        (
            "a signature in capitals",
            "receipt.form",
            canonical.encode({**whole, "signature": str(whole["signature"]).upper()}),
        ),
        ("a short key", "receipt.form", canonical.encode({**whole, "key": "00"})),
        ("something unknown", "receipt.form", canonical.encode({**whole, "more": 1})),
        ("a text for a receipt", "receipt.form", canonical.encode({**whole, "receipt": "all"})),
        ("a line feed", "json.form", canonical.encode(whole) + b"\n"),
    ]
    shared: Json = {"key": VAULT.public.hex(), "secret": secret("vault").hex()}
    return [Group("Erasure", shared, [*good, *_plain("erasure", others)])]


def _erased(said: Json) -> Json:
    return {
        "key": VAULT.public.hex(),
        "receipt": said,
        "signature": VAULT.sign(TAG + canonical.encode(said)).hex(),
    }
