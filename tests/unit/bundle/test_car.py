import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle import car, graph, varint
from cyberprivacy.bundle.extract import extract
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.refusals import BadBundle, BadSource, Unavailable
from cyberprivacy.cid import DAG_PB, RAW, BadCid, Cid
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.blocks import MemoryBlocks

ROOT = Cid.of(DAG_PB, b"root")
blocks_of_any_kind = st.lists(
    st.tuples(st.sampled_from((RAW, DAG_PB)), st.binary(max_size=50)).map(lambda x: (Cid.of(*x), x[1])), max_size=6
)


class Dribble(io.RawIOBase):
    """A stream that gives one byte at a time, as a network may."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 1))


def written(root: Cid, blocks: list[tuple[Cid, bytes]]) -> bytes:
    return b"".join(car.write(root, blocks))


@given(blocks_of_any_kind)
def test_what_is_written_is_read_however_it_arrives(blocks: list[tuple[Cid, bytes]]) -> None:
    data = written(ROOT, blocks)
    assert list(car.read(io.BytesIO(data), ROOT)) == blocks
    assert list(car.read(Dribble(data), ROOT)) == blocks


@given(blocks_of_any_kind, st.data())
def test_a_car_that_was_cut_off_is_refused_unless_the_cut_is_between_blocks(
    blocks: list[tuple[Cid, bytes]], data: st.DataObject
) -> None:
    whole = written(ROOT, blocks)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    borders = {len(written(ROOT, blocks[:count])) for count in range(len(blocks) + 1)}
    if len(cut) in borders:
        assert len(list(car.read(io.BytesIO(cut), ROOT))) <= len(blocks)
    else:
        with pytest.raises(BadSource, match=r"car|cut|root"):
            list(car.read(io.BytesIO(cut), ROOT))


@given(st.binary(max_size=200))
def test_any_bytes_after_the_header_are_blocks_or_refused(data: bytes) -> None:
    try:
        for cid, block in car.read(io.BytesIO(car.header(ROOT) + data), ROOT):
            assert cid.matches(block)
    except BadSource as refusal:
        assert refusal.code in ("bundle.car", "bundle.hash", "bundle.size")


@given(st.binary(max_size=200))
def test_any_bytes_as_a_header_are_refused(data: bytes) -> None:
    with pytest.raises(BadSource):
        list(car.read(io.BytesIO(data), ROOT))


@given(blocks_of_any_kind.filter(bool), st.data())
def test_a_changed_byte_is_never_taken_for_the_same_blocks(
    blocks: list[tuple[Cid, bytes]], data: st.DataObject
) -> None:
    whole = bytearray(written(ROOT, blocks))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(BadSource):
        assert list(car.read(io.BytesIO(bytes(whole)), ROOT)) != blocks


def refusal(data: bytes, root: Cid = ROOT, limits: Limits = DEFAULT) -> str:
    with pytest.raises(BadSource) as caught:
        list(car.read(io.BytesIO(data), root, limits))
    return caught.value.code


def test_a_car_of_another_root_is_refused() -> None:
    assert refusal(written(ROOT, []), Cid.of(RAW, b"other")) == "bundle.car"


def test_a_car_with_two_roots_is_refused() -> None:
    link = b"\xd8\x2a\x58\x25\x00" + bytes(ROOT)
    body = b"\xa2\x65roots\x82" + link + link + b"\x67version\x01"
    assert refusal(varint.encode(len(body)) + body) == "bundle.car"


def test_a_giant_block_is_refused_before_it_is_read() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            part = super().read(size)
            self.taken += len(part)
            return part

    stream = Counting(car.header(ROOT) + varint.encode(1 << 62) + bytes(1 << 20))
    with pytest.raises(BadSource) as caught:
        list(car.read(stream, ROOT))
    assert caught.value.code == "bundle.size"
    assert stream.taken < 200


def test_a_giant_header_is_refused_before_it_is_read() -> None:
    assert refusal(varint.encode(1 << 40)) == "bundle.car"


def test_a_stream_past_the_limit_of_one_bundle_is_refused() -> None:
    block = bytes(1 << 20)
    many = written(ROOT, [(Cid.of(RAW, block), block)] * 70)
    assert refusal(many, limits=Limits(content=1 << 20)) == "bundle.size"


@pytest.mark.parametrize(
    "cid",
    [
        b"\x01\x55\x00\x02hi",
        b"\x01\x55\x11\x14" + bytes(20),
        b"\x01\x71\x12\x20" + bytes(32),
        b"\x12\x20" + bytes(32),
    ],
    ids=["identity", "sha1", "dag-cbor", "version 0"],
)
def test_a_block_under_another_kind_of_cid_is_refused(cid: bytes) -> None:
    body = cid + b"x" * 40
    assert refusal(car.header(ROOT) + varint.encode(len(body)) + body) in ("bundle.car", "bundle.hash")


ACCEPTED = {
    "gateway-conformance/dag-pb.car",  # a plain directory: the manifest of the vectors is silent on it
    "gateway-conformance/dir-with-percent-encoded-filename.car",
    "gateway-conformance/gateway-raw-block.car",
    "gateway-conformance/subdir-with-two-single-block-files.car",
}
REFUSED = {
    "boxo/dir-special-chars.car": "bundle.name",
    "boxo/fixtures.car": "bundle.car",
    "boxo/unixfs-dir-with-mode-mtime.car": "bundle.unixfs",
    "gateway-conformance/dir-with-dag-cbor-with-links.car": "bundle.car",
    "gateway-conformance/file-3k-and-3-blocks-missing-block.car": "cid.form",
    "gateway-conformance/inside-root.car": "bundle.unixfs",
    "gateway-conformance/outside-root.car": "bundle.name",
    "gateway-conformance/symlink.car": "cid.form",
}
"""By name; every other file has 256-byte chunks and is refused for its form."""


def root_in(data: bytes) -> Cid:
    """The root in a CARv1 header, as the vectors write it."""
    length, at = varint.decode(data)
    link = data[at : at + length].split(b"\x00", 1)[1]
    return Cid.from_bytes(link[:36])


def outcome(file: Path, into: Path) -> str:
    """What becomes of a bundle that arrives as this CAR."""
    data = file.read_bytes()
    try:
        root = root_in(data)
        held = MemoryBlocks(car.read(io.BytesIO(data), root))
        extract(root, held.find, into)
    except CyberPrivacyError as error:
        assert isinstance(error, BadBundle | BadSource | BadCid | Unavailable)
        return error.code
    return "accepted"


def test_the_cars_of_other_implementations_are_accepted_or_refused_as_their_manifest_says(
    vectors: Path, tmp_path: Path
) -> None:
    files = sorted((vectors / "ipfs").glob("*/*.car"))
    assert len(files) == 17
    found = {f"{file.parent.name}/{file.name}": outcome(file, tmp_path / file.name) for file in files}
    assert {name for name, said in found.items() if said == "accepted"} == ACCEPTED
    assert {name: found[name] for name in REFUSED} == REFUSED
    assert {said for name, said in found.items() if name not in REFUSED | dict.fromkeys(ACCEPTED)} <= {
        "bundle.canonical",
        "bundle.missing",
        "cid.form",
    }
    assert {path.name for path in tmp_path.iterdir()} == {name.partition("/")[2] for name in ACCEPTED}


def test_a_graph_is_sent_parents_first_and_each_block_once() -> None:
    held = MemoryBlocks()
    leaf = held.raw(b"hi")
    inner = held.directory((b"x", leaf, 2))
    root = held.directory((b"a", inner, 50), (b"b", leaf, 2))
    assert [cid for cid, _ in graph.blocks(root, held.find)] == [root, inner, leaf]
