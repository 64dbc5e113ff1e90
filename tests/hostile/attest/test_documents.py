"""Whatever a node sends as its proof is read in its one spelling, or refused; never an exception of another kind."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import canonical
from cyberprivacy.attest import eventlog
from cyberprivacy.attest.certificates import BadChain, check_chain, split
from cyberprivacy.attest.document import BadDocument, from_base64, to_base64
from cyberprivacy.attest.evidence import MAX_FIELD, Bound, Evidence
from cyberprivacy.attest.policy import BadPolicy
from cyberprivacy.attest.policy import parse as parse_policy
from cyberprivacy.attest.statement import MAX_ATTESTATION, Statement, parse
from cyberprivacy.errors import Untrusted
from cyberprivacy.testing.attested import World

# the X.509 library warns of what it will refuse one day, and we refuse now
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")

WORLD = World.new()
PROOF = WORLD.attest()
DOCUMENT: dict[str, Any] = json.loads(PROOF.encode())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def paths(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [at]
    return [at, *(path for key in value for path in paths(value[key], (*at, key)))][(0 if at else 1) :]


def replaced(value: Any, path: tuple[str, ...], new: Any) -> Any:
    return {**value, path[0]: replaced(value[path[0]], path[1:], new)} if path else new


def dropped(value: Any, path: tuple[str, ...]) -> Any:
    if len(path) == 1:
        return {key: item for key, item in value.items() if key != path[0]}
    return {**value, path[0]: dropped(value[path[0]], path[1:])}


PATHS = paths(DOCUMENT)
FREE = {("evidence", "fields"), ("statement", "images")}
"""Objects whose fields have free names."""


def read(document: Any) -> None:
    parse(canonical.encode(document))


def test_a_proof_reads_back_as_it_was_written() -> None:
    assert parse(PROOF.encode()).encode() == PROOF.encode()
    assert Statement.read(PROOF.statement.document()) == PROOF.statement
    assert Evidence.read(PROOF.evidence.document()) == PROOF.evidence
    assert Bound.read(PROOF.bound.document()) == PROOF.bound


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_missing_field_is_refused(path: tuple[str, ...]) -> None:
    if path[:-1] in FREE:
        return
    with pytest.raises(BadDocument):
        read(dropped(DOCUMENT, path))


@pytest.mark.parametrize("path", [p[:-1] for p in PATHS if p[:-1] not in FREE], ids=".".join)
def test_an_unknown_field_is_refused(path: tuple[str, ...]) -> None:
    inner = DOCUMENT
    for key in path:
        inner = inner[key]
    with pytest.raises(BadDocument):
        read(replaced(DOCUMENT, path, {**inner, "extra": 1}))


@pytest.mark.parametrize("wrong", [None, True, -1, 1 << 53, "", "x", [], {}, "0x00", "00"], ids=repr)
@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_field_of_another_form_is_refused_or_its_own(path: tuple[str, ...], wrong: object) -> None:
    if path == ("evidence", "fields"):
        wrong = []
    if path == ("statement", "clusters") and wrong == []:
        wrong = [""]  # that none is named is a form of its own
    free = path in FREE or path[:-1] in FREE or path[-1] in {"number", "size", "kind", "role", "chain"}
    try:
        read(replaced(DOCUMENT, path, wrong))
    except Untrusted:
        return
    assert free


@given(path=st.sampled_from(PATHS), value=JSON)
def test_any_json_anywhere_is_read_or_refused(path: tuple[str, ...], value: object) -> None:
    try:
        data = json.dumps(replaced(DOCUMENT, path, value), sort_keys=True, separators=(",", ":")).encode()
        parse(data)
    except Untrusted:
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_proof(data: bytes) -> None:
    with pytest.raises(Untrusted):
        parse(data)


@pytest.mark.parametrize(
    "respelled",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'"v":1', b'"v":1.0', 1),
        lambda data: data.replace(b'"v":1', b'"v":1,"v":1', 1),
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.replace(b"bafy", b"\\u0062afy", 1),
        lambda data: data.replace(b'"release":2', b'"release":2e0', 1),
    ],
    ids=["line feed", "space", "fraction", "twice", "UTF-16", "escape", "exponent"],
)
def test_a_second_spelling_of_the_same_proof_is_refused(respelled: Any) -> None:
    with pytest.raises(Untrusted):
        parse(respelled(PROOF.encode()))


def test_a_proof_past_a_mebibyte_is_refused_unread() -> None:
    with pytest.raises(Untrusted, match="too large"):
        parse(b" " * (MAX_ATTESTATION + 1))


def test_evidence_past_its_limits_is_refused() -> None:
    with pytest.raises(BadDocument):
        Evidence.read(Evidence("tpm2", {"log": bytes(MAX_FIELD + 1)}).document())
    with pytest.raises(BadDocument):
        Evidence.read(Evidence("tpm2", {name: bytes(MAX_FIELD) for name in ("a", "b", "c")}).document())
    with pytest.raises(BadDocument):
        Evidence.read(Evidence("tpm2", {"a" * n: b"" for n in range(1, 18)}).document())


def test_deep_json_is_refused_before_it_hurts() -> None:
    with pytest.raises(Untrusted):
        parse(b"[" * 100_000)


@given(st.binary(max_size=64))
def test_base64_has_one_spelling(data: bytes) -> None:
    text = to_base64(data)
    assert from_base64(text, "x", limit=64) == data
    for other in (text + "=", text + "\n", " " + text, text.rstrip("=") if text.endswith("=") else text + "A"):
        with pytest.raises(BadDocument):
            from_base64(other, "x", limit=64)


def test_base64_with_stray_bits_is_refused() -> None:
    with pytest.raises(BadDocument):
        from_base64("QR==", "x", limit=64)  # "Q" is QQ==


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_as_a_log(data: bytes) -> None:
    with contextlib.suppress(Untrusted):
        assert eventlog.encode(eventlog.parse(data)) == data


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: b"\x30\x82\x00\x10" + tail))
def test_any_bytes_are_read_or_refused_as_certificates(data: bytes) -> None:
    try:
        check_chain(split(data), now=0)
    except BadChain:
        return
    pytest.fail("a chain out of nothing")


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_genuine_chain_bent_anywhere_is_read_or_refused(at: int, patch: bytes) -> None:
    chain = PROOF.evidence.fields["certificates"]
    at %= len(chain)
    try:
        check_chain(split(chain[:at] + patch + chain[at + len(patch) :]), now=WORLD.now)
    except BadChain as error:
        assert error.code.startswith("evidence.")


@given(JSON)
def test_any_json_is_read_or_refused_as_a_policy(value: object) -> None:
    with contextlib.suppress(BadPolicy):
        parse_policy(json.dumps(value).encode())
