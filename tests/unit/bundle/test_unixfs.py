import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle import dagpb, unixfs
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.bundle.unixfs import Message
from cyberprivacy.cid import RAW, BadCid, Cid

numbers = st.integers(0, (1 << 63) - 1)
messages = st.builds(
    Message,
    kind=st.integers(0, 10),
    data=st.none() | st.binary(max_size=10),
    size=st.none() | numbers,
    sizes=st.lists(numbers, max_size=4).map(tuple),
    hash_type=st.none() | numbers,
    fanout=st.none() | numbers,
)


@given(messages)
def test_every_message_comes_back(message: Message) -> None:
    assert unixfs.decode_message(unixfs.encode_message(message)) == message


@given(st.binary(max_size=60))
def test_any_bytes_are_the_one_spelling_of_a_message_or_refused(data: bytes) -> None:
    try:
        message = unixfs.decode_message(data)
    except BadBundle as refusal:
        assert refusal.code in ("bundle.unixfs", "bundle.dagpb", "bundle.varint")
    else:
        assert unixfs.encode_message(message) == data


@given(messages, st.lists(st.tuples(st.binary(max_size=4), st.binary(max_size=4), numbers), max_size=4))
def test_any_well_formed_block_is_understood_or_refused(
    message: Message, links: list[tuple[bytes, bytes, int]]
) -> None:
    made = tuple(dagpb.Link(bytes(Cid.of(RAW, content)), name, size) for name, content, size in links)
    block = dagpb.encode(dagpb.Node(made, unixfs.encode_message(message)))
    try:
        unixfs.decode(block)
    except BadBundle as refusal:
        assert refusal.code in ("bundle.unixfs", "bundle.name", "bundle.symlink")


@given(st.binary(max_size=120))
def test_any_bytes_as_a_block_are_understood_or_refused(block: bytes) -> None:
    try:
        unixfs.decode(block)
    except (BadBundle, BadCid) as refusal:
        assert refusal.code.startswith(("bundle.", "cid."))


@pytest.mark.parametrize("bits", [0, 1, 0x80, 0x100, 1 << 255, (1 << 256) - 1])
def test_a_bit_field_has_no_leading_zero_bytes(bits: int) -> None:
    field = unixfs.bit_field(bits)
    assert int.from_bytes(field) == bits
    assert not field.startswith(b"\0")


def leaf(content: bytes) -> bytes:
    return bytes(Cid.of(RAW, content))


def block(message: Message, *links: tuple[bytes, bytes, int]) -> bytes:
    made = tuple(dagpb.Link(cid, name, size) for name, cid, size in links)
    return dagpb.encode(dagpb.Node(made, unixfs.encode_message(message)))


SHARD = Message(unixfs.SHARD, data=b"\x03", hash_type=unixfs.MURMUR3, fanout=256)
FILE = Message(unixfs.FILE, size=2, sizes=(1, 1))


def test_a_well_formed_shard_and_file_are_understood() -> None:
    links = (b"00x", leaf(b"x"), 1), (b"01y", leaf(b"y"), 1)
    assert len(unixfs.decode(block(SHARD, *links)).links) == 2
    parts = (b"", leaf(b"x"), 1), (b"", leaf(b"y"), 1)
    assert unixfs.decode(block(FILE, *parts)).size == 2


@pytest.mark.parametrize(
    "bad",
    [
        block(SHARD, (b"01y", leaf(b"y"), 1), (b"00x", leaf(b"x"), 1)),
        block(SHARD, (b"00x", leaf(b"x"), 1), (b"00y", leaf(b"y"), 1)),
        block(SHARD, (b"0ax", leaf(b"x"), 1), (b"0by", leaf(b"y"), 1)),
        block(SHARD, (b"0", leaf(b"x"), 1), (b"1", leaf(b"y"), 1)),
        block(SHARD._replace(size=0), (b"00x", leaf(b"x"), 1), (b"01y", leaf(b"y"), 1)),
        block(FILE, (b"", leaf(b"x"), 1)),
        block(FILE, (b"a", leaf(b"x"), 1), (b"", leaf(b"y"), 1)),
        block(FILE._replace(data=b"x"), (b"", leaf(b"x"), 1), (b"", leaf(b"y"), 1)),
        block(FILE._replace(fanout=256), (b"", leaf(b"x"), 1), (b"", leaf(b"y"), 1)),
        block(Message(unixfs.FILE, data=b"", size=0)),
        block(Message(unixfs.FILE, data=b"x")),
        block(Message(unixfs.DIRECTORY, data=b"")),
        block(Message(unixfs.DIRECTORY, size=0)),
        block(Message(0, data=b"raw", size=3)),
        block(Message(3)),
    ],
)
def test_what_does_not_agree_with_itself_is_refused(bad: bytes) -> None:
    with pytest.raises(BadBundle) as refusal:
        unixfs.decode(bad)
    assert refusal.value.code == "bundle.unixfs"
