"""An administrator's request has one spelling, one signer, and says everything that it is for."""

import contextlib
import json
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import canonical
from cyberprivacy.admin.refusals import BadRequest, NotAdministrator
from cyberprivacy.admin.request import MAX_REQUEST, Act, Request, parse
from cyberprivacy.admin.typed_data import Domain, digest, signer
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.proposal.release import Address

KEY = Account.from_key(b"\x07" * 32)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
REQUEST = Request(
    dao=Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"),
    chain_id=31337,
    release=Cid.of(DAG_PB, b"release"),
    act=Act.SET,
    name="per-page",
    value="30",
    why="People asked for longer pages",
    nonce=1,
    expiry=2_000,
)


def signed(request: Request = REQUEST) -> bytes:
    return bytes(KEY.sign_typed_data(full_message=request.document()).signature)


def code(body: bytes) -> str:
    with pytest.raises(CyberPrivacyError) as caught:
        parse(body)
    assert isinstance(caught.value, BadRequest | NotAdministrator)
    return caught.value.code


def changed(**fields: object) -> bytes:
    value = json.loads(REQUEST.encode(signed()))
    return canonical.encode({name: each for name, each in {**value, **fields}.items() if each is not None})


def test_what_a_wallet_signs_comes_back_with_its_signer():
    read = parse(REQUEST.encode(signed()))
    assert (read.request, read.by, read.signature) == (REQUEST, KEY.address, signed())


@given(
    st.text(max_size=40),
    st.text(max_size=40),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 256) - 1),
    st.binary(min_size=20, max_size=20),
)
def test_our_hash_is_that_of_another_implementation(name, why, nonce, chain, contract):
    where = Address("0x" + contract.hex())
    request = replace(REQUEST, name=name, why=why, nonce=nonce, chain_id=chain, dao=where)
    assert request.digest() == bytes(_hash_eip191_message(encode_typed_data(full_message=request.document())))


@pytest.mark.parametrize("field", ["dao", "chain_id", "release", "act", "name", "value", "why", "nonce", "expiry"])
def test_every_field_is_part_of_what_is_signed(field):
    other = {
        "dao": Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"), "release": Cid.of(DAG_PB, b"other"), "act": Act.CHOOSE,
        "chain_id": 1, "nonce": 2, "expiry": 3, "name": "n", "value": "v", "why": "w",
    }  # fmt: skip
    assert replace(REQUEST, **{field: other[field]}).digest() != REQUEST.digest()


@pytest.mark.parametrize(
    ("refused", "fields"),
    [
        ("admin.form", {"v": 2}),
        ("admin.form", {"v": True}),
        ("admin.form", {"dao": REQUEST.dao.lower()}),
        ("admin.form", {"chain": "31337"}),
        ("admin.form", {"chain": -1}),
        ("admin.form", {"release": "bafy"}),
        ("admin.form", {"act": "exec"}),
        ("admin.form", {"act": "SET"}),
        ("admin.form", {"name": "Per Page"}),
        ("admin.form", {"name": "../../etc"}),
        ("admin.form", {"value": 30}),
        ("admin.form", {"value": "x" * 401}),
        ("admin.form", {"value": "a\u202eb"}),
        ("admin.form", {"nonce": True}),
        ("admin.form", {"nonce": -1}),
        ("admin.form", {"expiry": None}),
        ("admin.form", {"extra": 1}),
        ("admin.why", {"why": ""}),
        ("admin.why", {"why": "   "}),
        ("admin.why", {"why": "x" * 501}),
        ("admin.why", {"why": "line\nbreak"}),
        ("admin.why", {"why": "\u200b"}),
        ("admin.signature", {"signature": None}),
        ("admin.signature", {"signature": "0x" + "00" * 65}),
        ("admin.signature", {"signature": "0x" + signed().hex()[:-2]}),
        ("admin.signature", {"signature": "0x" + signed().hex() + "00"}),
        ("admin.signature", {"signature": "0x" + signed().hex().upper()}),
    ],
)
def test_anything_else_is_refused_by_its_code(refused, fields):
    assert code(changed(**fields)) == refused


def test_a_second_spelling_of_a_request_is_refused():
    good = REQUEST.encode(signed())
    assert code(good + b"\n") == "admin.form"
    assert code(json.dumps(json.loads(good)).encode()) == "admin.form"
    assert code(b"[" * 10_000) == "admin.form"
    assert code(b'"' + b"x" * MAX_REQUEST) == "admin.size"


def test_a_second_spelling_of_a_signature_is_refused():
    """Whoever has a signature can compute the one with the other s; it must not count as another request."""
    r, s, v = signed()[:32], int.from_bytes(signed()[32:64], "big"), signed()[64]
    twin = r + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    assert code(REQUEST.encode(twin)) == "admin.signature"
    assert code(REQUEST.encode(signed()[:64] + bytes([v - 27]))) == "admin.signature"
    assert code(REQUEST.encode(r + ORDER.to_bytes(32, "big") + bytes([v]))) == "admin.signature"
    assert code(REQUEST.encode(b"\xff" * 32 + signed()[32:])) == "admin.signature"


@given(st.binary(max_size=80))
def test_no_bytes_crash_the_reader_of_signatures(data):
    with contextlib.suppress(ValueError):
        signer(b"\x01" * 32, data)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader_of_requests(data):
    with contextlib.suppress(BadRequest, NotAdministrator):
        parse(data)


def test_a_value_of_another_type_is_not_hashed():
    domain = Domain("a", "1", 1, REQUEST.dao)
    for kind, value in (("uint64", -1), ("uint64", 1 << 64), ("uint64", True), ("string", 7), ("uint64", "7")):
        with pytest.raises(ValueError, match="not a value"):
            digest(domain, "A", (("x", kind),), {"x": value})
