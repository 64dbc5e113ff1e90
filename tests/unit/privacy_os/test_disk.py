"""Archive and disk, read again by hand."""

import struct
import zlib
from uuid import UUID

from cyberprivacy.build.base import Entry
from cyberprivacy.privacy_os.disk import make_disk
from cyberprivacy.privacy_os.initrd import archive, make_initrd


def members(data: bytes) -> list[tuple[str, int, bytes]]:
    """Names, modes and contents of a cpio archive."""
    found, at = [], 0
    while True:
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        assert data[at : at + 6] == b"070701"
        size, length = fields[6], fields[11]
        name = data[at + 110 : at + 110 + length - 1].decode()
        body = (at + 110 + length + 3) // 4 * 4
        at = (body + size + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return found
        found.append((name, fields[1], data[body : body + size]))


def test_an_archive_has_folders_before_what_is_in_them() -> None:
    made = members(make_initrd(b"\x7fELF", {"b": b"module b", "a": b"module a"}))
    names = [name for name, _, _ in made]
    assert names == sorted(names)
    contents = {name: (mode, data) for name, mode, data in made}
    assert contents["init"] == (0o100755, b"\x7fELF")
    assert contents["modules"] == (0o040755, b"")
    assert contents["modules/order"] == (0o100644, b"b.ko\na.ko\n")
    assert contents["modules/a.ko"] == (0o100644, b"module a")


def test_the_same_files_are_the_same_archive() -> None:
    files = {"a": Entry(0o644, data=b"1"), "b": Entry(0o755)}
    assert archive(files) == archive(dict(reversed(files.items())))


def test_both_partition_tables_are_whole_and_say_the_same() -> None:
    hashed = bytes(range(32))
    disk = make_disk(b"start" * 1000, b"root" * 500_000, hashed)
    assert disk[510:512] == b"\x55\xaa"
    last = len(disk) // 512 - 1
    tables = []
    for here, other in ((1, last), (last, 1)):
        head = disk[here * 512 :][:92]
        assert head[:8] == b"EFI PART"
        crc, mine, its = struct.unpack_from("<I4xQQ", head, 16)
        assert zlib.crc32(head[:16] + bytes(4) + head[20:]) == crc
        assert (mine, its) == (here, other)
        at, count, size, checked = struct.unpack_from("<QIII", head, 72)
        table = disk[at * 512 :][: count * size]
        assert zlib.crc32(table) == checked
        tables.append(table)
    assert tables[0] == tables[1]
    entries = [tables[0][at : at + 128] for at in (0, 128)]
    assert UUID(bytes_le=entries[1][16:32]) == UUID(bytes=hashed[:16])
    assert entries[1][56:].decode("utf-16-le").rstrip("\0") == f"privacy-os-{hashed.hex()[:24]}"
    first, end = struct.unpack_from("<QQ", entries[1], 32)
    assert disk[first * 512 : (end + 1) * 512].rstrip(b"\0") == b"root" * 500_000
    assert first % 2048 == 0
