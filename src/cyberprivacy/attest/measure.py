"""What a node measures of itself on a machine without Privacy OS.

On Privacy OS the firmware measures the whole image before it runs, and the TPM is a chip. Here a program reads
its own files and tells a TPM what it found: a *self-report*. It shows honest operators that they run what they
think they run, and it exercises every check of the verifier; it cannot show that of a dishonest operator,
whose program may tell the TPM anything. That is why evidence from here is only ever worth the level
"development". It reads source files, not memory: neither what was changed after it was loaded is seen, nor
the compiled copies that Python keeps beside its sources.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from hashlib import file_digest, sha256
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

import cyberprivacy
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.evidence import length_prefixed
from cyberprivacy.errors import TryLater, Untrusted

SOFTWARE_PCR: Final = 10
"""The register in which Linux records what it runs."""

ENGINES: Final = ("buildah", "podman", "runc", "crun", "conmon", "netavark", "haproxy", "docker-registry")
"""The programs that a node lets do its work; the software TPM is not among them, it is outside of itself."""

DISTRIBUTION: Final = "cyberprivacy"


def measure(package: Path | None = None, *, engines: Sequence[str] = ENGINES) -> tuple[Event, ...]:
    """The events of this machine: our files, the packages that they import, Python, engines, kernel release.

    The same software gives the same events on every machine.

    Args:
        package: the folder of our package; None = the one that runs.
        engines: names of programs to look for on PATH; one that is not installed leaves no event.

    Raises:
        TryLater: a file cannot be read ("measure.file").
        Untrusted: our package contains links ("measure.link").
    """
    folder = Path(cyberprivacy.__file__).parent if package is None else package
    try:
        return (*_package(folder), *_dependencies(), *_programs(engines), _kernel())
    except OSError as error:
        raise TryLater(
            "a file cannot be measured", code="measure.file", path=str(error.filename), reason=error.strerror
        ) from error


def _event(what: str, digest: bytes) -> Event:
    return Event(SOFTWARE_PCR, digest, what)


def _package(folder: Path) -> Iterable[Event]:
    for name, path in _files(folder):
        yield _event(f"file cyberprivacy/{name}", _digest(path))


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Files below a folder by their name in it, sorted; without what Python writes there itself.

    A link is refused: Python would import through it what was not measured.
    """
    found = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    for path in found:
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Untrusted(
                "neither a file nor a folder in our own package",
                code="measure.link",
                hint="Install the package anew; nothing in it is a link.",
                path=str(path),
            )
    return sorted((path.relative_to(folder).as_posix(), path) for path in found if path.is_file())


def _dependencies() -> Iterable[Event]:
    """One event for each installed package that ours needs, directly or not."""
    for name in sorted(_needed(DISTRIBUTION) - {DISTRIBUTION}):
        package = metadata.distribution(name)
        files = sorted(
            (file.as_posix(), Path(str(package.locate_file(file)))) for file in package.files or () if _ships(file)
        )
        digest = sha256()
        for file, path in files:
            digest.update(length_prefixed(file.encode()) + _digest(path))
        yield _event(f"package {name} {package.version}", digest.digest())


def _ships(file: metadata.PackagePath) -> bool:
    """Whether a file is the same wherever the package is installed: no launchers, no notes of the installer."""
    if file.parts[0] == ".." or "__pycache__" in file.parts:
        return False
    return not (file.parts[0].endswith(".dist-info") and file.name not in ("METADATA", "entry_points.txt"))


def _needed(root: str) -> set[str]:
    """Names of all packages that a package needs on this machine, itself included."""
    found: set[str] = set()
    open_ends = [root]
    while open_ends:
        name = canonicalize_name(open_ends.pop())
        if name in found:
            continue
        try:
            requires = metadata.distribution(name).requires or []
        except metadata.PackageNotFoundError:
            continue  # for another platform, or optional
        found.add(name)
        open_ends += (wanted for text in requires if (wanted := _wanted(text)) is not None)
    return found


def _wanted(text: str) -> str | None:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    return requirement.name


def _programs(engines: Sequence[str]) -> Iterable[Event]:
    python = Path(sys.executable).resolve()
    yield _event(f"program {python.name}", _digest(python))
    for name in sorted(engines):
        path = shutil.which(name)
        if path is not None:
            yield _event(f"program {name}", _digest(Path(path)))


def _kernel() -> Event:
    release = os.uname().release
    printable = "".join(letter if " " < letter <= "~" else "?" for letter in release)[:100]
    return _event(f"kernel {printable}", sha256(release.encode()).digest())


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()
