"""Registers from a file; the real ones are compared with a real start in `make test-os`."""

from hashlib import sha256

import pytest
from paper import image, program

from cyberprivacy.privacy_os.measuring import SHUT, configuration_register, register, registers, steps
from cyberprivacy.privacy_os.pe import BadProgram, Program


def extended(*data: bytes) -> bytes:
    value = bytes(32)
    for each in data:
        value = sha256(value + sha256(each).digest()).digest()
    return value


def test_the_identity_is_name_and_contents_of_each_section_in_the_order_of_the_stub() -> None:
    made = registers(parsed := Program(image()))
    contents = parsed.contents()
    taken = []
    for name in (".linux", ".cmdline", ".initrd", ".sbat"):
        taken += [name.encode() + b"\0", contents[name]]
    assert made[11] == extended(*taken, SHUT)
    assert made[9] == extended("privacy.root=x quiet\0".encode("utf-16-le"), contents[".initrd"])
    assert (made[8], made[12], made[13]) == (bytes(32),) * 3


def test_each_part_of_the_image_is_in_the_identity() -> None:
    before = registers(Program(image()))[11]
    for part in (b"quiet", b"kernel", b"0707", b"sbat,1"):
        assert registers(Program(image().replace(part, part[::-1], 1)))[11] != before


def test_what_would_change_on_its_way_is_no_image() -> None:
    for extra in (b".osrel", b".ucode", b".pcrsig"):
        parts = [(b".cmdline", b"x"), (b".initrd", b"x"), (b".linux", program([(b".t", b"x")])), (extra, b"x")]
        with pytest.raises(BadProgram):
            steps(Program(program(parts)))
    with pytest.raises(BadProgram):
        steps(Program(program([(b".linux", b"x")])))


def test_a_configuration_is_measured_in_pieces() -> None:
    text = bytes(range(256)) * 5
    assert configuration_register(text) == extended(text[:1024], text[1024:])
    assert register(14, ()) == bytes(32)
