"""Keys for Secure Boot: what OVMF finds in its variables, read back by hand, and what may be signed."""

import struct
from pathlib import Path
from uuid import UUID

import pytest

from cyberprivacy.errors import Misuse
from cyberprivacy.privacy_os.emulator import VARIABLES
from cyberprivacy.privacy_os.measuring import register
from cyberprivacy.privacy_os.secure_boot import Keys, enrolled, steps
from cyberprivacy.privacy_os.signing import sign

KEYS = Keys(b"platform", b"exchange!", b"images")
HEAD = 28
"""Bytes of a store's header. Source: EDK II, VariableFormat.h (VARIABLE_STORE_HEADER)."""


def blank() -> bytes:
    """Variables of OVMF that hold nothing: a volume's header, a store's, and room."""
    volume = bytes(40) + b"_FVH" + bytes(4) + struct.pack("<H", 72) + bytes(22)
    store = UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le + struct.pack("<IBBHI", 4096, 0x5A, 0xFE, 0, 0)
    return volume + store + b"\xff" * (4096 - HEAD) + b"what comes behind"


def _kept(variables: bytes) -> dict[str, bytes]:
    """Name and data of each variable."""
    found, at = {}, 72 + HEAD
    while variables[at : at + 2] == b"\xaa\x55":
        named, size = struct.unpack_from("<II", variables, at + 36)
        name = variables[at + 60 : at + 60 + named].decode("utf-16-le").rstrip("\0")
        found[name] = variables[at + 60 + named : at + 60 + named + size]
        at += -(-(60 + named + size) // 4) * 4
    return found


def test_the_keys_are_in_there_and_nothing_else_was_changed() -> None:
    made = enrolled(blank(), KEYS)
    kept = _kept(made)
    assert set(kept) == {"PK", "KEK", "db"}
    assert all(kept[name].endswith(der) for name, der in (("PK", KEYS.platform), ("KEK", KEYS.exchange)))
    assert struct.unpack_from("<III", kept["db"], 16) == (len(kept["db"]), 0, 16 + len(KEYS.images))
    assert (len(made), made[: 72 + HEAD], made[-17:]) == (len(blank()), blank()[: 72 + HEAD], blank()[-17:])


@pytest.mark.skipif(not VARIABLES.exists(), reason="OVMF is not installed")
def test_the_variables_that_debian_brings_are_blank() -> None:
    assert set(_kept(enrolled(VARIABLES.read_bytes(), KEYS))) == {"PK", "KEK", "db"}


def test_variables_that_hold_something_or_are_none_are_refused() -> None:
    for variables in (enrolled(blank(), KEYS), b"", bytes(5000), blank()[:60]):
        with pytest.raises(Misuse):
            enrolled(variables, KEYS)
    with pytest.raises(Misuse):
        enrolled(blank(), Keys(b"x" * 5000, b"", b""))
    with pytest.raises(Misuse):
        Keys(b"", b"x" * 20_000, b"")


def test_each_key_is_in_what_firmware_will_measure() -> None:
    others = (Keys(b"another", KEYS.exchange, KEYS.images), Keys(KEYS.platform, b"another", KEYS.images))
    others = (*others, Keys(KEYS.platform, KEYS.exchange, b"another"))
    assert len({register(7, steps(keys)) for keys in (KEYS, *others)}) == 4


def test_what_is_no_key_signs_nothing(tmp_path: Path) -> None:
    from paper import image

    (tmp_path / "key").write_text("no key")
    with pytest.raises(Misuse):
        sign(image(), key=tmp_path / "key", certificate=tmp_path / "key")
