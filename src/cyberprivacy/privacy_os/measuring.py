"""What a machine will have measured once it runs an image: computed from the file, never from a start. Pure.

PCR 11 is the identity: it has all that is in the program, whichever way firmware came to it. PCR 4 says the same
of one way (firmware starts the fallback path of a disk); PCR 9 is what the kernel itself says that it was given.

With Secure Boot the boot stub does not ask firmware about the kernel in a program that was let start, and firmware
does not measure that kernel into PCR 4: the same image has another name there.

Source: systemd-stub(7), "TPM PCR Notes"; UAPI Group, "Linux TPM PCR Registry"; TCG PC Client Platform Firmware
Profile 1.06, 3.3.4.5 (PCR 4); Linux, drivers/firmware/efi/libstub/efi-stub-helper.c (PCR 9).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.attest.bootlog import STARTED
from cyberprivacy.privacy_os.pe import BadProgram, Program
from cyberprivacy.privacy_os.volume import pieces

SECTIONS: Final = (
    *(".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey"),
    *(".profile", ".dtbauto", ".hwids", ".efifw"),
)
"""In the order in which the stub measures them; `.pcrsig` is never measured."""

VERSION_WORD: Final = "privacy.version="
"""The word of a command line that says which version of the image it is."""
SHUT: Final = b"privacy-os: the way to the data disk's key is shut"
"""What the first process measures into register 11 when the data disk is open, or there is none."""
_CALLING: Final = b"Calling EFI Application from Boot Option"
_SEPARATOR: Final = bytes(4)
_CHANGING: Final = frozenset({".osrel", ".ucode", ".dtb", ".pcrsig", ".pcrpkey", ".profile", ".dtbauto", ".hwids"})
"""What would make the stub hand on another initial RAM disk, or choose between several."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a register takes: what it is, and its digest (32 bytes)."""

    register: int
    what: str
    digest: bytes


def steps(program: Program, *, secure_boot: bool = False) -> tuple[Step, ...]:
    """All that registers 4, 9 and 11 take, each in its order; `secure_boot`: where firmware has that switched on.

    Raises:
        BadProgram: no kernel, command line or initial RAM disk in it, or what makes the stub change them.
    """
    contents = program.contents()
    needed = {".linux", ".cmdline", ".initrd"}
    if not needed <= contents.keys() or _CHANGING & contents.keys():
        raise BadProgram("not an image of the Privacy OS", sections=sorted(contents))
    inner = Step(4, "the kernel in it", Program(contents[".linux"]).authenticode())
    started = (("start from a boot option", sha256(_CALLING).digest()), ("separator", sha256(_SEPARATOR).digest()))
    return (
        *identity({name: sha256(contents[name]).digest() for name in SECTIONS if name in contents}),
        Step(11, "the way to the data disk's key is shut", sha256(SHUT).digest()),
        *(Step(4, what, digest) for what, digest in started),
        Step(4, "the program", program.authenticode()),
        *(() if secure_boot else (inner,)),
        Step(9, "the command line", sha256(_wide(contents[".cmdline"])).digest()),
        Step(9, "the initial RAM disk", sha256(contents[".initrd"]).digest()),
    )


def identity(sections: Mapping[str, bytes]) -> Iterator[Step]:
    """What register 11 takes before anything is started: each section, by name and digest, as the stub does."""
    for name in SECTIONS:
        if name in sections:
            yield Step(11, f"name of {name}", sha256(name.encode() + b"\0").digest())
            yield Step(11, name, sections[name])


def _wide(line: bytes) -> bytes:
    """A command line as UEFI hands it on: UTF-16 with a zero at the end."""
    try:
        return (line.decode("ascii") + "\0").encode("utf-16-le")
    except UnicodeDecodeError:
        raise BadProgram("a command line that is not ASCII") from None


def registers(program: Program, *, secure_boot: bool = False) -> dict[int, bytes]:
    """The values of the registers that say what was started; see `bootlog.STARTED` and `steps`."""
    taken = steps(program, secure_boot=secure_boot)
    return {number: register(number, taken) for number in STARTED}


def register(number: int, taken: Iterable[Step]) -> bytes:
    """The value of a register that took these steps and nothing else."""
    value = bytes(32)
    for step in taken:
        if step.register == number:
            value = sha256(value + step.digest).digest()
    return value


def configuration_steps(text: bytes) -> tuple[Step, ...]:
    """What register 14 takes: the operator's configuration, as the first process measures it."""
    return tuple(Step(14, f"configuration, part {n}", sha256(p).digest()) for n, p in enumerate(pieces(text), 1))


def configuration_register(text: bytes) -> bytes:
    """The value of register 14."""
    return register(14, configuration_steps(text))
