"""MRTD of firmware on paper, put together here by hand from the specification's words."""

import struct
from hashlib import sha384
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.tdx.firmware import NoFirmware, mrtd

CODE = bytes(range(256)) * 32  # two pages


def firmware(sections: list[tuple[int, int, int, int, int, int]]) -> bytes:
    """Code, then the list of sections, the table of GUIDs, and 32 bytes of reset vector."""
    listed = b"TDVF" + struct.pack("<III", 16 + 32 * len(sections), 1, len(sections))
    listed += b"".join(struct.pack("<IIQQII", *section) for section in sections)
    other = b"what" + struct.pack("<H", 22) + UUID(int=7).bytes_le
    distance = len(listed) + 22 + len(other) + 18 + 32
    found = struct.pack("<IH", distance, 22) + UUID("e47a6535-984a-4798-865e-4685a7bf8ec2").bytes_le
    table = found + other
    end = struct.pack("<H", len(table) + 18) + UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
    return CODE + listed + table + end + bytes(32)


GOOD = firmware(
    [
        (0, 8192, 0xFFFFE000, 8192, 0, 1),  # code: added and extended
        (0, 0, 0x80B000, 4096, 2, 0),  # hand-off block: added only
        (0, 0, 0, 1 << 20, 4, 2),  # memory that is added later
    ]
)


def added(address: int) -> bytes:
    return b"MEM.PAGE.ADD\0\0\0\0" + struct.pack("<Q", address) + bytes(104)


def test_pages_are_added_and_extended_as_the_list_says() -> None:
    said = b""
    for page in (0, 4096):
        said += added(0xFFFFE000 + page)
        for at in range(page, page + 4096, 256):
            said += (
                b"MR.EXTEND\0\0\0\0\0\0\0" + struct.pack("<Q", 0xFFFFE000 + at) + bytes(104) + CODE[at : at + 256]
            )
    assert mrtd(GOOD) == sha384(said + added(0x80B000)).digest()


@pytest.mark.parametrize(
    "section",
    [(0, 8192, 1, 8192, 0, 1), (0, 8192, 0, 4096, 0, 1), (0, 1 << 20, 0, 1 << 20, 0, 1), (0, 0, 0, 1 << 40, 3, 0)],
    ids=["not at a page", "more than its size", "outside of the file", "too large"],
)
def test_sections_that_cannot_be(section: tuple[int, int, int, int, int, int]) -> None:
    with pytest.raises(NoFirmware):
        mrtd(firmware([section]))


@given(st.binary(max_size=200), st.integers(0, 5000))
def test_nonsense_is_refused(data: bytes, cut: int) -> None:
    for each in (data, GOOD[: len(GOOD) - 1 - cut], GOOD + data + b"\1"):
        with pytest.raises(NoFirmware):
            mrtd(each)
