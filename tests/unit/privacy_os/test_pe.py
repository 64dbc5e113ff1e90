"""Programs for UEFI: what is added is found again, what is hashed is what firmware hashes, and nonsense is refused."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper import program

from cyberprivacy.privacy_os.pe import BadProgram, Program, with_sections

STUB = program([(b".text", b"code" * 300), (b".sbat", b"sbat")])


def test_sections_are_added_behind_those_that_are_there() -> None:
    made = Program(with_sections(STUB, {".cmdline": b"quiet", ".initrd": bytes(5000), ".linux": b"MZ" * 700}))
    assert list(made.contents()) == [".text", ".sbat", ".cmdline", ".initrd", ".linux"]
    assert made.contents()[".cmdline"] == b"quiet"
    assert made.contents()[".linux"] == b"MZ" * 700
    assert made.contents()[".text"] == b"code" * 300
    addresses = [(each.address, each.address + each.size) for each in made.sections]
    assert all(one[1] <= other[0] for one, other in pairwise(addresses))
    assert all(each.address % 4096 == 0 and each.offset % 512 == 0 for each in made.sections)


def test_the_hash_leaves_out_checksum_and_place_of_signatures_and_nothing_else() -> None:
    data = program([(b".text", b"code" * 300)], trailing=b"more")
    checksum, signatures = 64 + 24 + 64, 64 + 24 + 112 + 32
    assert data[checksum : checksum + 4] == bytes.fromhex("ddccbbaa")
    kept = data[:checksum] + data[checksum + 4 : signatures] + data[signatures + 8 :]
    assert Program(data).authenticode() == sha256(kept).digest()


@given(st.integers(0, len(STUB) - 1), st.integers(1, 255))
def test_a_changed_byte_is_another_hash_or_refused(at: int, flip: int) -> None:
    ignored = set(range(64 + 24 + 64, 64 + 24 + 68)) | set(range(64 + 24 + 144, 64 + 24 + 152))
    data = bytearray(STUB)
    data[at] ^= flip
    try:
        changed = Program(bytes(data)).authenticode()
    except BadProgram:
        return
    assert (changed == Program(STUB).authenticode()) == (at in ignored)


@given(st.binary(max_size=600))
def test_nonsense_is_refused(data: bytes) -> None:
    for each in (data, STUB[: len(data)], STUB[:128] + data):
        if each != STUB:
            with pytest.raises(BadProgram):
                Program(each)


def test_no_room_for_more_headers() -> None:
    full = program([(b".text", b"x")], room=0)
    with pytest.raises(BadProgram):
        with_sections(full, {f".s{number}": b"x" for number in range(20)})
