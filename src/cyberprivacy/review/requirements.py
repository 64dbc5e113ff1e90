"""Hash-locked requirements: `name==version --hash=sha256:…`, and nothing else.

A requirements file can say much more (indexes, addresses, includes, editable paths); each of these would let
a build fetch what nobody voted on.

Source: pip.pypa.io/en/stable/reference/requirements-file-format; PEP 440, 503, 508.
"""

import re
from dataclasses import dataclass
from typing import Final

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.hidden import first_unseen

MAX_BYTES: Final = 1 << 20
MAX_REQUIREMENT: Final = 1 << 10
"""Characters of one requirement, its hashes left out: `packaging` was not made for longer ones."""

MAX_PARENTHESES: Final = 16
"""In one requirement; `packaging` calls itself for each, so how deep it gets would depend on who calls us."""

MAX_VERSION: Final = 64
_ENVIRONMENTS: Final = tuple({**dict.fromkeys(default_environment(), value), "extra": ""} for value in ("1", "x"))
"""A marker must have an answer wherever it is asked: for values that are versions, and for others."""

_HASH: Final = re.compile(r"(?:^|\s)--hash=(\S*)")
_SHA256: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package at one version.

    Attributes:
        name: as PEP 503 writes it: lower case, `-`.
        version: as the author wrote it.
        digests: SHA-256 of the files that may be installed, hex; in order of the file, at least one.
        marker: environment marker, "" = always.
        line: where it starts, from 1.
    """

    name: str
    version: str
    digests: tuple[str, ...]
    marker: str
    line: int


def parse(data: bytes, path: str) -> tuple[tuple[Pin, ...], tuple[Finding, ...]]:
    """Read a requirements file.

    Returns:
        The pins that could be read, and every breach; use the pins only if there is none.
    """
    report = Report(path)
    pins: dict[str, Pin] = {}
    for line, text in _logical_lines(data, report):
        pin = _pin(text, line, report)
        if pin is None:
            continue
        if pin.name in pins:
            report.add("requirements.duplicate", line, f"{pin.name} is named in line {pins[pin.name].line} too")
        pins.setdefault(pin.name, pin)
    return tuple(pins.values()), report.findings


def _logical_lines(data: bytes, report: Report) -> list[tuple[int, str]]:
    if len(data) > MAX_BYTES:
        report.add("requirements.form", 0, f"{len(data)} bytes")
        return []
    try:
        text = data.decode()
    except UnicodeDecodeError:
        report.add("requirements.form", 0, "not UTF-8")
        return []
    bad = first_unseen(text.replace("\n", ""))
    if bad is not None:
        report.add("requirements.form", 0, f"the unseen character {bad}")
        return []
    lines: list[tuple[int, str]] = []
    parts: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        whole = " ".join([*parts, line]).strip()
        if whole:
            lines.append((number - len(parts), whole))
        parts = []
    if parts:
        report.add("requirements.form", text.count("\n") + 1, "the file ends after a backslash")
    return lines


def _pin(text: str, line: int, report: Report) -> Pin | None:
    digests = tuple(_HASH.findall(text))
    wanted = _HASH.sub("", text).strip()
    if re.search(r"(?:^|\s)-", wanted):
        report.add("requirements.option", line, wanted)
        return None
    requirement = _requirement(wanted)
    if requirement is None:
        path_like = re.match(r"[./~]|[a-z+]{1,20}:", wanted)
        report.add("requirements.option" if path_like else "requirements.form", line, wanted)
        return None
    if requirement.url is not None:
        report.add("requirements.option", line, wanted)
        return None
    version = _exact(requirement)
    if version is None:
        report.add("requirements.unpinned", line, wanted)
    elif not digests:
        report.add("requirements.unhashed", line, wanted)
    elif not all(_SHA256.match(digest) for digest in digests) or len(set(digests)) != len(digests):
        report.add("requirements.unhashed", line, f"{wanted}: a hash that is no sha256, or the same twice")
    else:
        name = canonicalize_name(requirement.name)
        marker = str(requirement.marker or "")
        return Pin(name, version, tuple(digest[7:] for digest in digests), marker, line)
    return None


def _requirement(text: str) -> Requirement | None:
    """What PEP 508 makes of the text; None if it is none, or one that nobody writes by hand or can answer."""
    if len(text) > MAX_REQUIREMENT or text.count("(") > MAX_PARENTHESES:
        return None
    try:
        requirement = Requirement(text)
        if any(len(one.version) > MAX_VERSION for one in requirement.specifier):
            return None
        if requirement.marker is not None:
            for environment in _ENVIRONMENTS:
                requirement.marker.evaluate(dict(environment))
    except (ValueError, LookupError, RecursionError):  # not only its own errors: Python has limits too
        return None
    return requirement


def _exact(requirement: Requirement) -> str | None:
    """The version of the single `==` without a wildcard, or None."""
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator != "==":
        return None
    try:
        Version(specifiers[0].version)
    except ValueError:
        return None
    return specifiers[0].version
