"""Install wheels by unpacking them: `unpack_wheels.py FOLDER TARGET`.

A wheel is a zip file laid out as it will lie on disk, apart from one `.data` folder. The node has checked
every wheel against the hash in requirements.txt before this runs, and nothing is compiled or executed.

Source: packaging.python.org, "Binary distribution format".
"""

import sys
import zipfile
from pathlib import Path, PurePosixPath

LIBRARIES = {"purelib", "platlib"}


def place(name: str) -> PurePosixPath | None:
    """Where a wheel's member goes below the target; None for scripts, headers and data, which we do not need."""
    first, *rest = PurePosixPath(name).parts
    if not first.endswith(".data"):
        return PurePosixPath(name)
    return PurePosixPath(*rest[1:]) if rest and rest[0] in LIBRARIES else None


def unpack(wheel: Path, target: Path) -> None:
    """Unpack one wheel; no file may replace another wheel's."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            where = place(member.filename)
            if where is None or member.is_dir():
                continue
            if where.is_absolute() or ".." in where.parts:
                raise ValueError(f"{wheel.name} wants to leave its folder: {member.filename}")
            path = target / where
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(archive.read(member))


if __name__ == "__main__":
    for wheel in sorted(Path(sys.argv[1]).glob("*.whl")):
        unpack(wheel, Path(sys.argv[2]))
        print("unpacked", wheel.name)
