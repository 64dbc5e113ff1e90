"""Bundles made by an attacker: each is refused with its code, quickly, and leaves nothing on the disk.

Each case is a function that puts blocks into memory and gives the root. The harmless twin of the whole table is
`test_the_harmless_twin_is_accepted`.
"""

import time
from collections.abc import Callable
from pathlib import Path

import mmh3
import pytest

from cyberprivacy.bundle import dagpb, unixfs, varint
from cyberprivacy.bundle.extract import extract
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.keeping import keep
from cyberprivacy.bundle.limits import Limits
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.unixfs import Message
from cyberprivacy.cid import DAG_PB, RAW, Cid
from cyberprivacy.errors import CyberPrivacyError, TryLater, Untrusted
from cyberprivacy.testing.blocks import MemoryBlocks

Threat = Callable[[MemoryBlocks], Cid]
LIMITS = Limits(content=64 << 20, visits=20_000, entries=5_000)
THREATS: dict[str, tuple[str, Threat]] = {}


def threat(code: str, name: str) -> Callable[[Threat], Threat]:
    def note(made: Threat) -> Threat:
        THREATS[name] = (code, made)
        return made

    return note


def named(name: bytes) -> Threat:
    return lambda held: held.directory((name, held.raw(b"hi"), 2))


for title, bad in {
    "a parent as a name": b"..",
    "itself as a name": b".",
    "a way up in a name": b"../../etc/cron.d/x",
    "a way up by one": b"../escaped.txt",
    "an absolute name": b"/etc/passwd",
    "a NUL in a name": b"a\0b",
    "an empty name": b"",
    "a backslash": b"a\\b",
    "a colon": b"c:x",
    "a name in another Unicode form": "e\u0301".encode(),
    "a name read from right to left": "safe\u202etxt.exe".encode(),
    "a name with a zero-width space": "Docker\u200bfile".encode(),
    "a name with a line separator": "a\u2028b".encode(),
    "a name with a control character": b"a\x1b[2J",
    "a name that is not UTF-8": b"\xff\xfe",
    "a name of 256 bytes": b"a" * 256,
    "a device of Windows": b"con.txt",
    "another device of Windows": b"COM1",
    "a name that ends in a dot": b"Dockerfile.",
    "a name that ends in a space": b"Dockerfile ",
    "a name of a private character": "\ue000".encode(),
}.items():
    THREATS[title] = ("bundle.name", named(bad))


@threat("bundle.name", "the same name twice")
def _twice(held: MemoryBlocks) -> Cid:
    return held.directory((b"a", held.raw(b"hi"), 2), (b"a", held.raw(b"evil"), 4))


@threat("bundle.name", "names that differ by case")
def _case(held: MemoryBlocks) -> Cid:
    return held.directory((b"Dockerfile", held.raw(b"hi"), 2), (b"dockerfile", held.raw(b"evil"), 4))


@threat("bundle.name", "names that differ by a ligature")
def _ligature(held: MemoryBlocks) -> Cid:
    return held.directory((b"file", held.raw(b"hi"), 2), ("\ufb01le".encode(), held.raw(b"evil"), 4))


@threat("bundle.symlink", "a symlink")
def _symlink(held: MemoryBlocks) -> Cid:
    link = held.node((), Message(unixfs.SYMLINK, data=b"/etc/passwd"))
    return held.directory((b"l", link, len(held.held[link])))


@threat("bundle.budget", "a file of 10^18 bytes in 5 blocks")
def _file_bomb(held: MemoryBlocks) -> Cid:
    part, size = held.raw(bytes(1 << 20)), 1 << 20
    for _ in range(4):
        part, size = held.file(*((part, size),) * 1024), size * 1024
    return held.directory((b"bomb", part, size))


@threat("bundle.budget", "the same, with a small size in the link to it")
def _file_bomb_with_a_lie(held: MemoryBlocks) -> Cid:
    part, size = held.raw(bytes(1 << 20)), 1 << 20
    for _ in range(2):
        part, size = held.file(*((part, size),) * 1024), size * 1024
    return held.directory((b"bomb", part, 2))


@threat("bundle.budget", "10^15 entries in 6 blocks")
def _directory_bomb(held: MemoryBlocks) -> Cid:
    below = held.raw(b"hi")
    for _ in range(5):
        below = held.directory(*((b"%03d" % number, below, 2) for number in range(1000)))
    return below


@threat("bundle.budget", "10^18 parts of no bytes")
def _empty_bomb(held: MemoryBlocks) -> Cid:
    part = held.node((), Message(unixfs.FILE, size=0))
    for _ in range(6):
        part = held.file(*((part, 0),) * 1024)
    return held.directory((b"z", part, 0))


@threat("bundle.budget", "1000 directories inside one another")
def _deep_directories(held: MemoryBlocks) -> Cid:
    below = held.raw(b"hi")
    for _ in range(1000):
        below = held.directory((b"a", below, 2))
    return below


@threat("bundle.budget", "a path of 1300 bytes")
def _long_path(held: MemoryBlocks) -> Cid:
    below = held.raw(b"hi")
    for _ in range(13):
        below = held.directory((b"n" * 100, below, 2))
    return below


@threat("bundle.budget", "1000 levels in one file")
def _deep_file(held: MemoryBlocks) -> Cid:
    part = held.raw(b"hi")
    for _ in range(1000):
        part = held.file((part, 2))
    return held.directory((b"f", part, 2))


@threat("bundle.budget", "more entries than allowed")
def _many(held: MemoryBlocks) -> Cid:
    empty = held.raw(b"")
    return held.directory(*((b"%06d" % number, empty, 0) for number in range(5001)))


@threat("bundle.budget", "a block of 3 MiB")
def _big_block(held: MemoryBlocks) -> Cid:
    return held.directory((b"a", held.raw(bytes(3 << 20)), 3 << 20))


@threat("bundle.budget", "a block of 3 MiB that its directory calls small")
def _big_block_with_a_lie(held: MemoryBlocks) -> Cid:
    return held.directory((b"a", held.raw(bytes(3 << 20)), 2))


@threat("bundle.unixfs", "a file size that does not add up")
def _lying_size(held: MemoryBlocks) -> Cid:
    hi = held.raw(b"hi")
    file = held.node(((b"", bytes(hi), 2),), Message(unixfs.FILE, size=5, sizes=(2,)))
    return held.directory((b"f", file, 2))


@threat("bundle.unixfs", "a part smaller than its file says")
def _lying_part(held: MemoryBlocks) -> Cid:
    hi = held.raw(b"hi")
    file = held.node(((b"", bytes(hi), 5),), Message(unixfs.FILE, size=5, sizes=(5,)))
    return held.directory((b"f", file, 5))


@threat("bundle.missing", "a block that nobody has")
def _missing(held: MemoryBlocks) -> Cid:
    return held.directory((b"f", Cid.of(RAW, b"not here"), 2))


@threat("bundle.missing", "a directory that nobody has")
def _missing_directory(held: MemoryBlocks) -> Cid:
    return held.directory((b"f", Cid.of(DAG_PB, b"not here"), 2))


def linked(cid: bytes) -> Threat:
    return lambda held: held.node(((b"f", cid, 2),), Message(unixfs.DIRECTORY))


for title, cid in {
    "an identity CID": b"\x01\x55\x00\x02hi",
    "an identity CID as long as others": b"\x01\x55\x00\x20" + bytes(32),
    "a SHA-1 CID": b"\x01\x55\x11\x14" + bytes(20),
    "a dag-cbor child": b"\x01\x71\x12\x20" + bytes(32),
    "a CID of version 0": b"\x12\x20" + bytes(32),
    "a CID with bytes after it": b"\x01\x55\x12\x20" + bytes(33),
}.items():
    THREATS[title] = ("cid.form", linked(cid))


def shard(held: MemoryBlocks, *links: tuple[bytes, Cid, int], bits: bytes, fanout: int = 256) -> Cid:
    message = Message(unixfs.SHARD, data=bits, hash_type=unixfs.MURMUR3, fanout=fanout)
    return held.node(((name, bytes(cid), size) for name, cid, size in links), message)


@threat("bundle.unixfs", "a shard with 2^40 buckets")
def _fanout(held: MemoryBlocks) -> Cid:
    return shard(held, bits=b"", fanout=1 << 40)


@threat("bundle.unixfs", "a shard with another hash")
def _shard_hash(held: MemoryBlocks) -> Cid:
    return held.node((), Message(unixfs.SHARD, data=b"", hash_type=0x12, fanout=256))


@threat("bundle.unixfs", "a shard whose bits lie")
def _shard_bits(held: MemoryBlocks) -> Cid:
    return shard(held, (b"00x", held.raw(b"hi"), 2), bits=b"\x03")


@threat("bundle.unixfs", "a shard that leads to a file")
def _shard_to_file(held: MemoryBlocks) -> Cid:
    return shard(held, (b"00", held.raw(b"hi"), 2), bits=b"\x01")


@threat("bundle.canonical", "a name in the wrong bucket")
def _wrong_bucket(held: MemoryBlocks) -> Cid:
    return shard(held, (b"00x", held.raw(b"hi"), 2), bits=b"\x01")


@threat("bundle.canonical", "a small directory in shards")
def _small_shard(held: MemoryBlocks) -> Cid:
    bucket = mmh3.hash64(b"x", signed=False)[0].to_bytes(8)[0]
    bits = unixfs.bit_field(1 << bucket)
    return shard(held, (b"%02X" % bucket + b"x", held.raw(b"hi"), 2), bits=bits)


@threat("bundle.budget", "shards inside one another without end")
def _deep_shards(held: MemoryBlocks) -> Cid:
    below = shard(held, (b"00x", held.raw(b"hi"), 2), bits=b"\x01")
    for _ in range(100):
        below = shard(held, (b"00", below, 2), bits=b"\x01")
    return below


@threat("bundle.unixfs", "names out of order")
def _unsorted(held: MemoryBlocks) -> Cid:
    return held.directory((b"b", held.raw(b"hi"), 2), (b"a", held.raw(b"hi"), 2))


@threat("bundle.unixfs", "a size in a link to a file that is not true")
def _lying_tsize(held: MemoryBlocks) -> Cid:
    return held.directory((b"a", held.raw(b"hi"), 999))


@threat("bundle.canonical", "a size in a link to a directory that is not true")
def _lying_directory_size(held: MemoryBlocks) -> Cid:
    return held.directory((b"a", held.directory(), 999))


@threat("bundle.unixfs", "a mode with setuid")
def _setuid(held: MemoryBlocks) -> Cid:
    file = held.node((), b"\x08\x02\x12\x02hi\x18\x02\x38\xed\x13")
    return held.directory((b"a", file, 12))


@threat("bundle.unixfs", "a time of modification")
def _mtime(held: MemoryBlocks) -> Cid:
    file = held.node((), b"\x08\x02\x12\x02hi\x18\x02\x42\x02\x08\x01")
    return held.directory((b"a", file, 12))


@threat("bundle.varint", "a number that is longer than it must be")
def _long_varint(held: MemoryBlocks) -> Cid:
    return held.put(DAG_PB, b"\x0a\x82\x00\x08\x01")


@threat("bundle.dagpb", "data before links")
def _data_first(held: MemoryBlocks) -> Cid:
    link = dagpb.encode(dagpb.Node((dagpb.Link(bytes(held.raw(b"hi")), b"a", 2),), None))
    return held.put(DAG_PB, b"\x0a\x02\x08\x01" + link)


@threat("bundle.dagpb", "a block that is no dag-pb at all")
def _no_dagpb(held: MemoryBlocks) -> Cid:
    return held.put(DAG_PB, b"<html>")


@threat("bundle.unixfs", "a directory that is no UnixFS")
def _no_unixfs(held: MemoryBlocks) -> Cid:
    return held.node((), b"")


@threat("bundle.unixfs", "links without names")
def _no_names(held: MemoryBlocks) -> Cid:
    link = dagpb.Link(bytes(held.raw(b"hi")), None, 2)
    return held.put(DAG_PB, dagpb.encode(dagpb.Node((link,), b"\x08\x01")))


@threat("bundle.canonical", "chunks of one byte")
def _small_chunks(held: MemoryBlocks) -> Cid:
    file = held.file((held.raw(b"h"), 1), (held.raw(b"i"), 1))
    return held.directory((b"f", file, len(held.held[file]) + 2))


@threat("bundle.canonical", "content inside the node of a file")
def _inline(held: MemoryBlocks) -> Cid:
    file = held.node((), Message(unixfs.FILE, data=b"hi", size=2))
    return held.directory((b"f", file, len(held.held[file])))


@threat("bundle.canonical", "a file that is one raw block below a node")
def _needless_node(held: MemoryBlocks) -> Cid:
    file = held.file((held.raw(b"hi"), 2))
    return held.directory((b"f", file, len(held.held[file]) + 2))


@threat("bundle.unixfs", "a directory as a part of a file")
def _directory_in_file(held: MemoryBlocks) -> Cid:
    return held.directory((b"f", held.file((held.directory(), 4)), 4))


@threat("bundle.kind", "a file as the root")
def _file_root(held: MemoryBlocks) -> Cid:
    return held.raw(b"hi")


def left_behind(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", THREATS)
def test_it_is_refused_with_its_code_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    code, make = THREATS[name]
    held = MemoryBlocks()
    root = make(held)
    started = time.perf_counter()
    with pytest.raises(CyberPrivacyError) as refusal:
        extract(root, held.find, tmp_path / "tree", LIMITS)
    assert refusal.value.code == code
    assert isinstance(refusal.value, TryLater if code == "bundle.missing" else Untrusted)
    assert left_behind(tmp_path) == []
    assert time.perf_counter() - started < 60


@pytest.mark.parametrize("name", THREATS)
def test_a_fetch_of_it_is_refused_and_the_store_keeps_none_of_its_blocks(name: str, tmp_path: Path) -> None:
    code, make = THREATS[name]
    held = MemoryBlocks()
    root = make(held)
    store = FolderStore(tmp_path / "store")
    empty = left_behind(tmp_path)
    with pytest.raises(CyberPrivacyError) as refusal:
        fetch(root, [held], store, tmp_path / "tree", LIMITS)
    assert refusal.value.code == code
    if code == "bundle.missing":
        keep(
            store, tmp_path, (), unused_since=time.time() + 60
        )  # what came in is kept for the next try, until somebody gives up
    assert left_behind(tmp_path) == empty


def test_the_harmless_twin_is_accepted(tmp_path: Path) -> None:
    held = MemoryBlocks()
    root = held.directory((b"Dockerfile", held.raw(b"hi"), 2), (b"app", held.directory(), 4))
    bundle = extract(root, held.find, tmp_path / "tree", LIMITS)
    assert (bundle.cid, bundle.size, bundle.entries) == (root, 2, 3)
    assert (bundle.tree / "Dockerfile").read_bytes() == b"hi"


def test_a_number_of_ten_bytes_is_refused_wherever_it_stands() -> None:
    assert len(varint.encode((1 << 63) - 1)) == 9
