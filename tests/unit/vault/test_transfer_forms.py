"""What travels: chunks, seals, manifests and receipts; each pair of inverses, and each lie."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from grants import BOOK, COPY, SHOP, alice, grant, h
from hypothesis import given
from hypothesis import strategies as st
from journey import BOOK_KEY, BOOK_OPENS, BOOK_PUBLIC, GRANT, SHOP_KEY, SHOP_PUBLIC, TRANSFER, item
from people import NOW, refusal
from sqlalchemy import update

from cyberprivacy import canonical
from cyberprivacy.ledger.commitment import TRANSFER as KIND
from cyberprivacy.ledger.commitment import Commitment
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.vault.commitments import commit, place_of
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.receiptlog import OwnLog
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.tables import COMMITMENTS
from cyberprivacy.vault.transfer import parcel
from cyberprivacy.vault.transfer.envelope import OVERHEAD, seal, unseal
from cyberprivacy.vault.transfer.manifest import Manifest, first_head, next_head
from cyberprivacy.vault.transfer.parcel import Item, pack, unpack
from cyberprivacy.vault.transfer.receipt import Receipt, SignedReceipt, compare
from cyberprivacy.vault.transfer.snapshot import granted
from cyberprivacy.vault.vaultkey import VaultKey

ITEMS = st.builds(
    Item,
    id=st.integers(0, 1 << 40).map(lambda n: n.to_bytes(16)),
    data_type=st.just("org.x.y.v1"),
    rev=st.integers(1, 1 << 40),
    created=st.integers(0, 1 << 33),
    changed=st.integers(0, 1 << 33),
    body=st.binary(max_size=60) | st.just(b'\n{"id":1}\n'),
)


@given(st.lists(ITEMS, unique_by=lambda made: made.id, max_size=20))
def test_what_is_packed_is_unpacked_byte_for_byte(items: list[Item]) -> None:
    parcels = list(pack(items))
    assert [each for made in parcels for each in unpack(made.payload)] == items
    assert [(each.id, each.rev) for each in items] == [pair for made in parcels for pair in made.records]


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_a_changed_chunk_is_other_records_or_refused_but_nothing_else(at: int, change: bytes) -> None:
    (made,) = pack([item(1), item(2)])
    changed = made.payload[:at] + change + made.payload[at + len(change) :]
    try:
        found = unpack(changed)
    except parcel.BadParcel as error:
        assert error.code == "chunk.form"
    else:
        assert b"".join(each.encode() for each in found) == changed


def test_chunks_are_bounded() -> None:
    assert [len(made.records) for made in pack(item(n) for n in range(2_500))] == [1_000, 1_000, 500]
    large = [item(n, 400_000) for n in range(5)]
    made = list(pack(large))
    assert [len(each.records) for each in made] == [2, 2, 1]
    assert max(len(each.payload) for each in made) <= parcel.MAX_CHUNK
    assert refusal(lambda: list(pack([item(1, parcel.MAX_BODY)]))) == "chunk.record-size"
    assert refusal(lambda: unpack(bytes(parcel.MAX_CHUNK + 1))) == "chunk.form"
    assert refusal(lambda: unpack(item(1).encode() * 2)) == "chunk.form"
    assert refusal(lambda: unpack(b"")) == "chunk.form"


def test_a_chunk_opens_at_its_place_for_its_recipient_only() -> None:
    key = BOOK_OPENS.public_key().public_bytes_raw()
    sealed = seal(b"records", key, transfer=TRANSFER, n=3)
    assert len(sealed) == len(b"records") + OVERHEAD
    assert unseal(sealed, BOOK_OPENS, transfer=TRANSFER, n=3) == b"records"
    for wrong in (
        lambda: unseal(sealed, BOOK_OPENS, transfer=TRANSFER, n=4),
        lambda: unseal(sealed, BOOK_OPENS, transfer=bytes(16), n=3),
        lambda: unseal(sealed, X25519PrivateKey.generate(), transfer=TRANSFER, n=3),
        lambda: unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), BOOK_OPENS, transfer=TRANSFER, n=3),
        lambda: unseal(bytes(32) + sealed[32:], BOOK_OPENS, transfer=TRANSFER, n=3),
        lambda: unseal(sealed[:OVERHEAD], BOOK_OPENS, transfer=TRANSFER, n=3),
        lambda: unseal(bytes(parcel.MAX_CHUNK + OVERHEAD + 1), BOOK_OPENS, transfer=TRANSFER, n=3),
    ):
        assert refusal(wrong) == "chunk.seal"
    for bad in (bytes(32), b"\1" + bytes(31), bytes(31)):
        assert refusal(lambda bad=bad: seal(b"x", bad, transfer=TRANSFER, n=0)) == "transfer.key"


PARCELS = list(pack(item(n) for n in range(2_200)))
MANIFEST = Manifest(
    transfer=TRANSFER,
    grant=GRANT.id,
    seq=7,
    source=SHOP.account,
    recipient=BOOK.account,
    key=BOOK_OPENS.public_key().public_bytes_raw(),
    chunks=tuple(made.entry for made in PARCELS),
    at=NOW,
)


def test_a_manifest_reads_back_and_is_the_sources() -> None:
    data = MANIFEST.signed(SHOP_KEY)
    assert Manifest.decode(data, SHOP_PUBLIC) == MANIFEST
    assert MANIFEST.count == 2_200
    assert refusal(lambda: Manifest.decode(data, BOOK_PUBLIC)) == "manifest.signature"
    empty = replace(MANIFEST, chunks=())
    assert Manifest.decode(empty.signed(SHOP_KEY), SHOP_PUBLIC) == empty


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"count": 2_199}, "manifest.sum"),
        ({"root": "00" * 32}, "manifest.sum"),
        ({"chunks": [], "count": 0}, "manifest.sum"),
        ({"v": 2}, "manifest.form"),
        ({"more": 1}, "manifest.form"),
        ({"key": "00"}, "manifest.form"),
        ({"chunks": [{"count": 0, "size": 1, "sha256": "00" * 32}]}, "manifest.form"),
        ({"chunks": [{"count": 1, "size": 1 << 21, "sha256": "00" * 32}]}, "manifest.form"),
        ({"chunks": [{"count": 1}] * 9_000}, "manifest.form"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused_though_signed(change: dict[str, object], code: str) -> None:
    from cyberprivacy.vault.transfer import signedform

    said = {**MANIFEST.as_json(), **change}
    signature = signedform.sign(signedform.MANIFEST, said, SHOP_KEY)
    data = canonical.encode({"manifest": said, "signature": signature})
    assert refusal(lambda: Manifest.decode(data, SHOP_PUBLIC)) == code


def head() -> bytes:
    made = first_head(TRANSFER)
    for each in PARCELS:
        made = next_head(made, each.payload)
    return made


RECEIPT = Receipt(
    transfer=TRANSFER,
    root=MANIFEST.root,
    count=2_190,
    dup=8,
    rejected=((item(1).id, "type.unknown"), (item(2).id, "x")),
    head=head(),
    at=NOW,
)
SENT = {record for made in PARCELS for record, _ in made.records}


def test_a_receipt_is_signed_by_both_and_its_leaf_tells_nothing() -> None:
    once = SignedReceipt.made(RECEIPT, h("salt"), BOOK_KEY)
    both = once.countersigned(SHOP_KEY)
    both.check(BOOK_PUBLIC, SHOP_PUBLIC)
    assert SignedReceipt.decode(once.encode()) == once
    assert SignedReceipt.decode(both.encode()) == both
    assert both.leaf == once.leaf != SignedReceipt.made(RECEIPT, h("other salt"), BOOK_KEY).leaf
    assert refusal(lambda: once.check(BOOK_PUBLIC, SHOP_PUBLIC)) == "receipt.countersignature"
    assert refusal(lambda: both.check(SHOP_PUBLIC, None)) == "receipt.signature"
    # A signature of one role is none of the other.
    swapped = replace(both, countersignature=once.signature)
    assert refusal(lambda: swapped.check(BOOK_PUBLIC, BOOK_PUBLIC)) == "receipt.countersignature"
    assert refusal(lambda: replace(once, salt=bytes(32)).check(BOOK_PUBLIC, None)) == "receipt.signature"


def test_both_ledgers_keep_the_same_leaf_and_nothing_else(tmp_path: Path) -> None:
    both = SignedReceipt.made(RECEIPT, h("salt"), BOOK_KEY).countersigned(SHOP_KEY)
    site, key = Site.parse("http://127.0.0.1:8300"), VaultKey.open(tmp_path / "key")
    for side in ("source", "recipient"):
        database = Database.open(f"sqlite:///{tmp_path / side}.db")
        with database.transaction() as connection:
            commit(connection, Commitment(KIND, both.leaf))
            commit(connection, Commitment(KIND, both.leaf))
        ledger = FileLedger(tmp_path / side, clock=lambda: NOW)
        logs = [
            OwnLog.of(database, ledger, tmp_path / f"{side}.log", key, site, clock=lambda: NOW) for _ in range(2)
        ]
        assert [logs[0].write() for _ in range(2)] == [1, 0]
        with database.reading() as connection:
            assert place_of(connection, both.leaf) == 0
        (entry,) = ledger.entries()
        assert (entry.kind, entry.facts) == ("transfer.receipt", {"leaf": both.leaf.hex()})
        with database.transaction() as connection:  # it died before it could note the place
            connection.execute(update(COMMITMENTS).values(place=None))
        assert (logs[1].write(), len(list(ledger.entries()))) == (1, 1)
        ledger.close()
        database.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, ""),
        ({"transfer": bytes(16)}, "receipt.transfer"),
        ({"root": bytes(32)}, "receipt.root"),
        ({"head": bytes(32)}, "receipt.head"),
        ({"count": 2_191}, "receipt.count"),
        ({"rejected": ()}, "receipt.count"),
        ({"count": 2_191, "rejected": ((item(1).id, "x"),)}, ""),
        ({"count": 2_191, "rejected": ((item(9_999).id, "x"),)}, "receipt.rejected"),
    ],
)
def test_a_recipient_that_lies_is_caught(change: dict[str, object], code: str) -> None:
    lie = replace(RECEIPT, **change)  # type: ignore[arg-type]
    assert refusal(lambda: compare(lie, MANIFEST, head(), SENT)) == code


@pytest.mark.parametrize(
    "change",
    [
        *({"v": 2}, {"count": -1}, {"more": 1}, {"rejected": [{"id": "00" * 16, "code": "x"}] * 2}),
        *({"rejected": [{"id": "00" * 16, "code": "X Y"}]}, {"rejected": {}}, {"head": ""}),
    ],
)
def test_a_receipt_of_another_form_is_refused(change: dict[str, object]) -> None:
    assert refusal(lambda: Receipt.read({**RECEIPT.as_json(), **change})) == "receipt.form"


def test_only_what_is_granted_is_sent() -> None:
    selected = grant(alice(), scopes=(replace(COPY, selector=Selector.parse("n = 2")),))
    assert [granted(selected, item(n)) for n in (1, 2)] == [False, True]
    assert granted(GRANT, replace(item(1), body=b"no json"))
    assert not granted(selected, replace(item(2), body=b"no json"))
    assert not granted(GRANT, replace(item(1), data_type="org.x.y.v1"))
