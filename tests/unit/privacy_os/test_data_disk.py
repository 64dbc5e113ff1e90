"""Which disk is taken, how it is laid out, and that nothing is ever written over anything but a blank one."""

import secrets
from pathlib import Path

import pytest

from cyberprivacy.privacy_os.data_disk import DATA_AT, HEAD_AT, HEADER_AT, LEAST, MIB, DataDisk, NoDataDisk, find
from cyberprivacy.privacy_os.head import COPY, BadHead, Head, Slot, read_head, write_head
from cyberprivacy.privacy_os.partitions import SECTOR

KEY = bytes(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "vdc"
    with made.open("wb") as file:
        file.truncate(LEAST)
    return made


@pytest.fixture
def disk(path: Path) -> DataDisk:
    found = DataDisk.at(path)
    assert found is not None
    return found


def _machine(folder: Path, disks: dict[str, bytes]) -> DataDisk:
    """What is found on a machine with these disks, each of LEAST bytes that begin as they do."""
    for name, start in disks.items():
        (folder / "class" / name / "device").mkdir(parents=True)
        with (folder / name).open("wb") as file:
            file.write(start)
            file.truncate(LEAST)
    return find(folder / "class", folder)


def test_the_one_blank_disk_is_taken(tmp_path: Path) -> None:
    (tmp_path / "class" / "dm-0").mkdir(parents=True)  # made of other disks
    disks = {"vda": b"CyberPrivacyOS/1", "vdb": bytes(600) + b"x", "vdc": b""}
    assert _machine(tmp_path, disks).path.name == "vdc"


@pytest.mark.parametrize("disks", [{}, {"vda": b"x"}, {"vda": b"", "vdb": b""}])
def test_none_or_several_are_refused(tmp_path: Path, disks: dict[str, bytes]) -> None:
    (tmp_path / "class").mkdir()
    with pytest.raises(NoDataDisk):
        _machine(tmp_path, disks)


def test_a_table_that_was_cut_off_anywhere_is_finished(disk: DataDisk, path: Path) -> None:
    disk.lay_out()
    whole = path.read_bytes()
    for at in (0, SECTOR, 2 * SECTOR, LEAST - SECTOR, LEAST - 33 * SECTOR):
        data = bytearray(whole)
        data[at : at + SECTOR] = bytes(SECTOR)
        path.write_bytes(data)
        found = DataDisk.at(path)
        assert found is not None
        assert not found.laid_out
        found.lay_out()
        assert path.read_bytes() == whole
        assert found.laid_out


def test_a_disk_with_another_table_is_not_taken(disk: DataDisk, path: Path) -> None:
    disk.lay_out()
    data = bytearray(path.read_bytes())
    data[SECTOR + 56] ^= 1  # the identity of the disk
    path.write_bytes(data)
    assert DataDisk.at(path) is None


def test_what_is_small_or_not_whole_sectors_is_not_taken(path: Path) -> None:
    for size in (LEAST - SECTOR, LEAST + 1):
        with path.open("wb") as file:
            file.truncate(size)
        assert DataDisk.at(path) is None


def test_something_behind_an_empty_table_is_not_blank(disk: DataDisk) -> None:
    assert read_head(disk) is None
    disk.write(DATA_AT + 5 * MIB, b"somebody's data")
    with pytest.raises(BadHead):
        read_head(disk)


def test_the_newest_record_counts_and_a_torn_one_does_not(disk: DataDisk) -> None:
    first = write_head(disk, Head(secrets.token_bytes(16), slots=(Slot(b"a", 1),)))
    second = write_head(disk, Head(first.disk, made=True, slots=(Slot(b"b", 2),), sequence=first.sequence))
    assert read_head(disk) == second
    place = HEAD_AT + second.sequence % 2 * COPY
    torn = disk.read(place, COPY)
    disk.write(place, torn[:100] + bytes((torn[100] ^ 1,)) + torn[101:])
    assert read_head(disk) == first
    disk.write(HEAD_AT + first.sequence % 2 * COPY, bytes(COPY))
    assert read_head(disk) is None  # the very first record was cut off: there was never data


def test_without_a_whole_record_a_disk_with_data_is_refused(disk: DataDisk) -> None:
    written = write_head(disk, Head(secrets.token_bytes(16)))
    disk.write(HEADER_AT, b"LUKS")
    disk.write(HEAD_AT + written.sequence % 2 * COPY, bytes(COPY))
    with pytest.raises(BadHead) as refusal:
        read_head(disk)
    assert refusal.value.code == "os.data-head"


def test_a_header_that_somebody_changed_is_refused(disk: DataDisk) -> None:
    header = secrets.token_bytes(5000)
    disk.write(HEADER_AT, header)
    head = Head(bytes(16)).with_header(header, KEY)
    assert head.header(disk, KEY) == header
    for key, at in ((b"\1" * 32, None), (KEY, 0), (KEY, 4999)):
        if at is not None:
            disk.write(HEADER_AT + at, bytes((header[at] ^ 1,)))
        with pytest.raises(BadHead) as refusal:
            head.header(disk, key)
        assert refusal.value.code == "os.data-header"
        disk.write(HEADER_AT, header)
