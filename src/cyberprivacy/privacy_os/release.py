"""A release of the Privacy OS as its DAO votes on it: the sources, and what machines that run them measure.

    os/ src/ uv.lock pyproject.toml README.md LICENSE   all that the image is made of, as in a checkout
    measurement                                         what it measures: a line, as the chain reads it

There is no `cyberprivacy.yaml`: no cluster runs this bundle, machines start from it.
"""

import re
import shutil
from pathlib import Path
from typing import Final

from cyberprivacy.bundle.pack import IGNORED
from cyberprivacy.errors import Misuse, Untrusted

PIPELINE: Final = 3
"""The pipeline template of such a release: `cyberprivacy os build`, typed by whoever checks it."""
MEASUREMENT: Final = "measurement"
MAX_LINE: Final = 67
"""Bytes: 0x, 64 digits, a line feed."""
FOLDERS: Final = ("os", "src")
FILES: Final = ("LICENSE", "README.md", "pyproject.toml", "uv.lock")

_LINE: Final = re.compile(rb"0x([0-9a-f]{64})\n")


def lay_out(checkout: Path, measurement: bytes, to: Path) -> None:
    """Copy what decides an image out of a checkout, and say beside it what it measures.

    Args:
        checkout: with `os/` and `src/`.
        measurement: 32 bytes.
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
    (to / MEASUREMENT).write_bytes(line_of(measurement))


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
