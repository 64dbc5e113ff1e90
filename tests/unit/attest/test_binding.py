"""What evidence is bound to, and that no two uses are bound alike."""

from dataclasses import replace
from hashlib import sha256, sha512
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cyberprivacy.attest.document import BadDocument
from cyberprivacy.attest.evidence import Bound, binding

DIGEST = st.binary(min_size=32, max_size=32)
BOUND = st.builds(
    Bound,
    role=st.text("abcxyz", min_size=1, max_size=16),
    spki=DIGEST,
    node=DIGEST,
    since=st.integers(0, 1 << 39),
    until=st.integers(1 << 39, (1 << 40) - 1),
    challenge=DIGEST,
    session=DIGEST,
)
ONE = Bound(role="node", spki=b"s" * 32, node=b"n" * 32, since=1, until=2, challenge=b"c" * 32, session=b"e" * 32)


def test_the_binding_is_what_the_specification_writes_out() -> None:
    written = (
        b"\x00\x00\x00\x17CyberPrivacy-Evidence/2"
        b"\x00\x00\x00\x04node"
        b"\x00\x00\x00\x20" + b"s" * 32 + b"\x00\x00\x00\x20" + b"n" * 32 + b"\x00\x00\x00\x08\0\0\0\0\0\0\0\x01"
        b"\x00\x00\x00\x08\0\0\0\0\0\0\0\x02"
        b"\x00\x00\x00\x20" + b"c" * 32 + b"\x00\x00\x00\x20" + b"e" * 32
    )
    assert ONE.digest() == sha512(written).digest()


@given(BOUND, BOUND)
def test_two_uses_never_have_one_binding(one: Bound, other: Bound) -> None:
    assume(one != other)
    assert one.digest() != other.digest()


def test_parts_cannot_flow_into_one_another() -> None:
    ends = {"validity": (1, 2), "challenge": b"c" * 32, "session": b"e" * 32}
    assert binding("node", b"ab", b"c", **ends) != binding("node", b"a", b"bc", **ends)
    assert binding("nodea", b"b", b"c", **ends) != binding("node", b"ab", b"c", **ends)


@given(BOUND)
def test_a_bound_reads_back_as_it_was_written(bound: Bound) -> None:
    assert Bound.read(bound.document()) == bound


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": ""},
        {"role": "Node"},
        {"role": "x" * 17},
        {"spki": bytes(31)},
        {"node": bytes(33)},
        {"challenge": b""},
        {"since": 3},
        {"since": -1},
        {"until": 1 << 40},
    ],
    ids=repr,
)
def test_what_is_not_a_use_cannot_be_bound(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadDocument):
        replace(ONE, **wrong)


def test_hashes_of_the_domain_tags_differ() -> None:
    from cyberprivacy.attest.eventlog import EVENT_TAG, MEASUREMENT_TAG
    from cyberprivacy.attest.evidence import EVIDENCE_TAG
    from cyberprivacy.attest.statement import STATEMENT_TAG

    tags = (EVENT_TAG, MEASUREMENT_TAG, EVIDENCE_TAG, STATEMENT_TAG)
    assert len({sha256(tag).digest() for tag in tags}) == len(tags)
