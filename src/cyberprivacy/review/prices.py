"""What a release takes in from outside, priced one by one: packages, base images, files.

Nobody can read these in the bundle, and they change what runs as much as its own lines do.
"""

import re
from dataclasses import dataclass
from typing import Final

from cyberprivacy.bundle import manifest as bundle_manifest
from cyberprivacy.bundle.manifest import Manifest
from cyberprivacy.review import requirements
from cyberprivacy.review.dockerfile import parse
from cyberprivacy.review.instructions import From
from cyberprivacy.review.names import MANIFEST, is_dockerfile, is_requirements
from cyberprivacy.review.shingles import opaque_lines
from cyberprivacy.review.tree import Tree

DEPENDENCY: Final = 40
"""Lines for each (name, version) of which a digest was not there before.

Lock files name a file for each platform; each further new digest of the same version counts one line.
"""

BASE: Final = 200
"""Lines for each base image digest that was not there before."""

_PRICED: Final = re.compile(
    rb"\A\s*[A-Za-z0-9._-]{1,80}\s*==\s*[A-Za-z0-9.+!-]{1,60}(?=[\s;\\]|\Z)|--hash=sha256:[0-9a-f]{64}|[ \\]"
)
"""What a line of a locked requirements file may hold without costing more than its package."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a tree takes in.

    Attributes:
        pins: (name, version, digest) -> the requirements file that has it.
        bases: "sha256:…" of a base image -> the file that has it.
        files: SHA-256 of a declared file -> (name, size in bytes).
        locked: requirements files that hold pins and nothing else; their lines are priced, not counted.
    """

    pins: dict[tuple[str, str, str], str]
    bases: dict[str, str]
    files: dict[str, tuple[str, int]]
    locked: frozenset[str]


def inputs(tree: Tree) -> Inputs:
    """What a tree takes in, as its manifest, its Dockerfiles and its requirements say.

    Raises:
        Untrusted: the manifest is there, but cannot be read; such a tree has no number.
    """
    manifest = _manifest(tree)
    wheels = {one.requirements for one in manifest.wheels} if manifest else set[str]()
    dockerfiles = {one.dockerfile for one in manifest.images} if manifest else set[str]()
    pins: dict[tuple[str, str, str], str] = {}
    bases: dict[str, str] = {one.digest: MANIFEST for one in manifest.bases} if manifest else {}
    locked: set[str] = set()
    for path in tree.files:
        if path in wheels or is_requirements(path):
            found, broken = requirements.parse(tree.read(path), path)
            if found and not broken:
                locked.add(path)
                for pin in found:
                    for digest in pin.digests:
                        pins.setdefault((pin.name, pin.version, digest), path)
        elif path in dockerfiles or is_dockerfile(path):
            for _, one in parse(tree.read(path), path)[0]:
                if isinstance(one, From):
                    bases.setdefault(one.digest, path)
    files = {one.sha256: (one.name, one.size) for one in manifest.files} if manifest else {}
    return Inputs(pins, bases, files, frozenset(locked))


def dockerfiles_of(tree: Tree) -> set[str]:
    """Dockerfiles by name or by declaration."""
    manifest = _manifest(tree)
    declared = {one.dockerfile for one in manifest.images} if manifest else set[str]()
    return {path for path in tree.files if path in declared or is_dockerfile(path)}


def priced(new: Inputs, old: list[Inputs]) -> list[tuple[str, int, str]]:
    """(path, lines, reason) for all that no old tree took in."""
    known_pins = {pin for one in old for pin in one.pins}
    known_bases = {base for one in old for base in one.bases}
    known_files = {file for one in old for file in one.files}
    rows: list[tuple[str, int, str]] = []
    for path in sorted(new.locked):
        digests = [pin for pin, where in new.pins.items() if where == path and pin not in known_pins]
        packages = {(name, version) for name, version, _ in digests}
        if packages:
            lines = len(packages) * DEPENDENCY + len(digests) - len(packages)
            rows.append((path, lines, f"{len(packages)} packages new or changed, {len(digests)} digests"))
    rows += [
        (path, BASE, f"base image {digest[:19]}…")
        for digest, path in new.bases.items()
        if digest not in known_bases
    ]
    rows += [
        (MANIFEST, opaque_lines(size), f"input file {name}, {size} bytes nobody sees in the bundle")
        for digest, (name, size) in new.files.items()
        if digest not in known_files
    ]
    return rows


def remarks(tree: Tree, taken: Inputs, old: list[Tree]) -> list[tuple[str, int, str]]:
    """(path, lines, reason) for what locked requirements say beside packages: comments, markers, extras.

    It is priced by its bytes, line by line as far as no old tree has that line: a comment is no place to bring in
    what nobody reads.
    """
    if not taken.locked:
        return []
    known = {
        line for one in old for path in one.files if is_requirements(path) for line in _residue(one.read(path))
    }
    rows: list[tuple[str, int, str]] = []
    for path in sorted(taken.locked):
        size = sum(len(line) for line in _residue(tree.read(path)) if line not in known)
        if size:
            rows.append((path, opaque_lines(size), f"{size} bytes beside its packages"))
    return rows


def _residue(data: bytes) -> list[bytes]:
    return [rest for line in data.split(b"\n") if (rest := _PRICED.sub(b"", line))]


def _manifest(tree: Tree) -> Manifest | None:
    return bundle_manifest.parse(tree.read(MANIFEST)) if MANIFEST in tree.files else None
