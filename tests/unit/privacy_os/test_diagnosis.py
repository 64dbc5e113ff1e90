"""A difference is named with its first event and a cause."""

import pytest
from paper import image

from cyberprivacy.attest import bootlog
from cyberprivacy.attest.tcg2 import BadLog
from cyberprivacy.privacy_os import whole_log as logs
from cyberprivacy.privacy_os.diagnosis import differences
from cyberprivacy.privacy_os.measuring import SHUT, configuration_register, configuration_steps, registers, steps
from cyberprivacy.privacy_os.pe import Program
from cyberprivacy.testing.paperboot import SEPARATOR, Measured, PaperBoot, honest

TEXT = b"address 192.0.2.10/24\nchain x\ndao y\n"
BOOT_AGGREGATE = b"\x1a\0\0\0sha1:\0" + bytes(20) + b"\x0f\0\0\0boot_aggregate\0"
KERNEL = (
    b"\x0a\0\0\0" + bytes(20) + b"\x06\0\0\0ima-ng" + len(BOOT_AGGREGATE).to_bytes(4, "little") + BOOT_AGGREGATE
)


def boot(program: Program, *more: Measured) -> PaperBoot:
    """What firmware, stub and kernel measure of a program, by hand."""
    parts = program.contents()
    sections = [
        honest(11, 13, data)
        for n in (".linux", ".cmdline", ".initrd", ".sbat")
        for data in (n.encode() + b"\0", parts[n])
    ]
    started = [honest(4, 0x80000007, b"Calling EFI Application from Boot Option"), honest(4, 4, bytes(4))]
    images = [steps(program)[-4], steps(program)[-3]]
    hashed = [PaperImage(4, 0x80000003, b"path", b"", step.digest) for step in images]
    kernel = [
        honest(9, 6, parts[".cmdline"].decode().encode("utf-16-le") + b"\0\0"),
        honest(9, 6, parts[".initrd"]),
    ]
    return PaperBoot((SEPARATOR, *started, hashed[0], *sections, hashed[1], *kernel, *more), banks=(0x000B,))


def shut(program: Program, *more: Measured) -> PaperBoot:
    """The same once the way to the data disk's key is shut."""
    return boot(program, *more, honest(11, 6, SHUT))


class PaperImage(Measured):
    """An event whose digest is given: that of a program is not over its bytes."""

    __slots__ = ("digest",)

    def __init__(self, register: int, kind: int, data: bytes, digested: bytes, digest: bytes) -> None:
        super().__init__(register, kind, data, digested)
        object.__setattr__(self, "digest", digest)

    def encode(self, banks: object) -> bytes:
        head = self.register.to_bytes(4, "little") + self.kind.to_bytes(4, "little") + b"\1\0\0\0\x0b\0"
        return head + self.digest + len(self.data).to_bytes(4, "little") + self.data


def found(log: bytes, program: Program) -> list[tuple[int, int, str]]:
    expected = (*steps(program), *configuration_steps(TEXT))
    return [(each.register, each.place, each.expected) for each in differences(bootlog.read(log), expected)]


def test_a_whole_log_replays_to_the_prediction() -> None:
    program = Program(image())
    log = logs.whole_log(boot(program).encode(), KERNEL, TEXT)
    replayed = bootlog.read(log).replay()
    assert {number: replayed[number] for number in bootlog.STARTED} == registers(program)
    assert replayed[14] == configuration_register(TEXT)
    assert found(log, program) == []


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [(b"quiet", b"quiez", ".cmdline"), (b"0707", b"0706", ".initrd"), (b"sbat,1", b"sbat,2", ".sbat")],
)
def test_what_was_changed_is_named(old: bytes, new: bytes, section: str) -> None:
    changed = Program(image().replace(old, new, 1))
    named = found(logs.whole_log(boot(changed).encode(), KERNEL, TEXT), Program(image()))
    assert (named[0][0], named[0][2]) == (11, section)


def test_what_the_host_added_is_named() -> None:
    program = Program(image())
    log = shut(program, honest(12, 13, "init=/bin/sh\0".encode("utf-16-le"))).encode()
    (more,) = differences(bootlog.read(log), steps(program))
    assert (more.register, more.place, more.expected, more.found) == (12, 1, "", "init=/bin/sh")
    assert "command line" in more.cause


def test_a_start_that_did_not_come_that_far() -> None:
    program = Program(image())
    assert (14, 1, "configuration, part 1") in found(boot(program).encode(), program)


def test_what_a_log_says_never_commands_a_terminal() -> None:
    program = Program(image())
    log = shut(program, honest(13, 13, b"\x1b[2Jx\xff\n")).encode()
    (more,) = differences(bootlog.read(log), steps(program))
    assert more.found == ".[2Jx.."


@pytest.mark.parametrize("kernel", [KERNEL[:-1], KERNEL[:20], KERNEL + b"\1", bytes(70_000)])
def test_a_kernels_log_of_another_form_is_refused(kernel: bytes) -> None:
    with pytest.raises(BadLog):
        logs.whole_log(boot(Program(image())).encode(), kernel, TEXT)
