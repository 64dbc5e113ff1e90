import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle import dagpb
from cyberprivacy.bundle.dagpb import Link, Node
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.cid import DAG_PB, Cid

links = st.builds(
    Link,
    st.binary(min_size=1, max_size=40),
    st.none() | st.binary(max_size=10),
    st.none() | st.integers(0, (1 << 63) - 1),
)
nodes = st.builds(Node, st.lists(links, max_size=5).map(tuple), st.none() | st.binary(max_size=20))


@given(nodes)
def test_every_node_comes_back(node: Node) -> None:
    assert dagpb.decode(dagpb.encode(node)) == node


@given(st.binary(max_size=80))
def test_any_bytes_are_the_one_spelling_of_a_node_or_refused(block: bytes) -> None:
    try:
        node = dagpb.decode(block)
    except BadBundle as refusal:
        assert refusal.code in ("bundle.dagpb", "bundle.varint")
    else:
        assert dagpb.encode(node) == block


@given(nodes, st.data())
def test_a_changed_byte_gives_another_node_or_a_refusal(node: Node, data: st.DataObject) -> None:
    block = bytearray(dagpb.encode(node))
    if block:
        at = data.draw(st.integers(0, len(block) - 1))
        block[at] ^= data.draw(st.integers(1, 255))
        with suppress(BadBundle):
            assert dagpb.decode(bytes(block)) != node


def test_blocks_of_other_implementations_are_read_and_written_alike(vectors: Path) -> None:
    files = sorted((vectors / "ipfs/codec-fixtures/dag-pb").iterdir())
    assert files
    for file in files:
        block = file.read_bytes()
        assert str(Cid.of(DAG_PB, block)) == file.name.split(".")[1]
        assert dagpb.encode(dagpb.decode(block)) == block


def test_what_other_implementations_must_refuse_is_refused(vectors: Path) -> None:
    cases = json.loads((vectors / "ipfs/codec-fixtures/negative/dag-pb-decode-edges.json").read_text())
    assert cases
    for case in cases:
        with pytest.raises(BadBundle):
            dagpb.decode(bytes.fromhex(case["hex"]))
