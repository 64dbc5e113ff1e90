"""A release of the Privacy OS as its DAO votes on it: the sources, and what machines that run them measure.

    os/ src/ uv.lock pyproject.toml README.md LICENSE   all that the image is made of, as in a checkout
    measurement, measurement.secure-boot                what it measures: a line, as the chain reads it; the second
                                                        where firmware has Secure Boot switched on

There is no `cyberprivacy.yaml`: no cluster runs this bundle, machines start from it.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cyberprivacy.attest import bootlog
from cyberprivacy.bundle.pack import IGNORED
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.privacy_os.measuring import registers
from cyberprivacy.privacy_os.pe import Program

PIPELINE: Final = 3
"""The pipeline template of such a release: `cyberprivacy os build`, typed by whoever checks it."""
MEASUREMENT: Final = "measurement"
SECURE: Final = "measurement.secure-boot"
MAX_LINE: Final = 67
"""Bytes: 0x, 64 digits, a line feed."""
FOLDERS: Final = ("os", "src")
FILES: Final = ("LICENSE", "README.md", "pyproject.toml", "uv.lock")

_LINE: Final = re.compile(rb"0x([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one image measures: without Secure Boot, and with it; 32 bytes each."""

    plain: bytes
    secure: bytes

    @classmethod
    def of(cls, program: bytes) -> Self:
        """What an image measures, from its program.

        Raises:
            BadProgram: not one of an image.
        """
        parsed = Program(program)
        return cls(*(bootlog.measurement(registers(parsed, secure_boot=each)) for each in (False, True)))

    @classmethod
    def said(cls, read: Callable[[str], bytes]) -> Self:
        """What sources say; `read` gives a file by its name.

        Raises:
            Untrusted: another spelling than the one that the chain reads ("os.said").
        """
        return cls(said(read(MEASUREMENT)), said(read(SECURE)))

    def facts(self) -> dict[str, str]:
        """For people and programs."""
        return {"measurement": self.plain.hex(), "measurement_secure_boot": self.secure.hex()}


def lay_out(checkout: Path, measured: Measured, to: Path) -> None:
    """Copy what decides an image out of a checkout, and say beside it what it measures.

    Args:
        checkout: with `os/` and `src/`.
        measured: by the image.
        to: a folder that does not exist.

    Raises:
        Misuse: no checkout, or the folder exists ("os.layout").
    """
    missing = [name for name in (*FOLDERS, *FILES) if not (checkout / name).exists()]
    if missing or to.exists():
        hint = "Name a checkout of the project with --sources, and with --to a folder that is to be made."
        raise Misuse("nothing to lay out, or no place", code="os.layout", missing=missing, to=str(to), hint=hint)
    for name in FOLDERS:
        shutil.copytree(checkout / name, to / name, ignore=shutil.ignore_patterns(*IGNORED))
    for name in FILES:
        shutil.copyfile(checkout / name, to / name)
    for name, value in ((MEASUREMENT, measured.plain), (SECURE, measured.secure)):
        (to / name).write_bytes(line_of(value))


def line_of(measurement: bytes) -> bytes:
    """What the file `measurement` holds. Source: contracts/src/OsReleases.sol."""
    return f"0x{measurement.hex()}\n".encode()


def said(line: bytes) -> bytes:
    """The measurement that sources say, 32 bytes.

    Raises:
        Untrusted: another spelling than the one that the chain reads ("os.said").
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise Untrusted("the sources do not say what they measure", code="os.said", found=ascii(line[:MAX_LINE]))
    return bytes.fromhex(found[1].decode())
