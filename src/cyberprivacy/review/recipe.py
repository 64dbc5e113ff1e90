"""From the instructions of a Dockerfile to the recipe that a builder gets."""

from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final

from cyberprivacy.bundle.manifest import BaseInput
from cyberprivacy.review.dockerfile import Lines, parse, render
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.instructions import Copy, From, User
from cyberprivacy.review.linted import Recipe

MAX_STAGES: Final = 8
_CUT_SHORT: Final = frozenset(f"dockerfile.{rule}" for rule in ("size", "encoding", "steps", "user-name"))
"""Breaches after which nobody can say who the image runs as."""


def read(
    data: bytes, *, image: str, source: str, bases: Collection[BaseInput]
) -> tuple[Recipe | None, tuple[Finding, ...]]:
    """Read one image's Dockerfile against the declared bases.

    Args:
        data: the file.
        image: name of the image in the manifest.
        source: path of the file in the bundle.
        bases: the manifest's `inputs.bases`.

    Returns:
        The recipe, None if any rule is broken; and every breach.
    """
    lines, findings = parse(data, source)
    report = Report(source)
    declared = {(base.repository, base.digest) for base in bases}
    if not lines and not findings:
        report.add("dockerfile.before-from", 0, "the file has no instructions")
    _check_stages(lines, declared, report)
    user = _last_user(lines)
    if user == 0 and not _CUT_SHORT.intersection(finding.code for finding in findings):
        report.add("dockerfile.user-root", lines[-1][0] if lines else 0, "the last stage runs as user 0")
    findings = (*findings, *report.findings)
    if findings:
        return None, findings
    used = dict.fromkeys((one.repository, one.digest) for _, one in lines if isinstance(one, From))
    return Recipe(image, PurePosixPath(source), render(lines), tuple(used), user), ()


def copied(lines: Lines) -> list[tuple[int, str]]:
    """What COPY takes from the bundle: (line, path), patterns left out."""
    return [
        (line, path)
        for line, one in lines
        if isinstance(one, Copy) and not one.stage
        for path in one.sources
        if not any(sign in path for sign in "*?")
    ]


def _check_stages(lines: Lines, declared: set[tuple[str, str]], report: Report) -> None:
    started = False
    earlier: list[str] = []
    current = ""
    for line, one in lines:
        if isinstance(one, From):
            earlier.append(current)
            if len(earlier) > MAX_STAGES:
                report.add("dockerfile.steps", line, f"more than {MAX_STAGES} stages")
            if one.name and one.name in earlier:
                report.add("dockerfile.stage-name", line, f"stage {one.name} is there already")
            if (one.repository, one.digest) not in declared:
                report.add("dockerfile.from-undeclared", line, str(one))
            started, current = True, one.name
        elif not started:
            report.add("dockerfile.before-from", line, str(one))
            started = True  # one finding says it
        elif isinstance(one, Copy) and one.stage and one.stage not in earlier:
            report.add("dockerfile.copy-from", line, f"{one.stage} is no earlier stage")


def _last_user(lines: Lines) -> int:
    user = 0
    for _, one in lines:
        if isinstance(one, From):
            user = 0
        elif isinstance(one, User):
            user = one.user
    return user
