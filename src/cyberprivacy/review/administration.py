"""Whether what administrators may do makes sense, and how it is shown to those who vote on it."""

from collections.abc import Mapping
from typing import Final

from cyberprivacy.bundle.declared import (
    Administration,
    Choice,
    DecimalNumber,
    Kind,
    Role,
    Setting,
    Statistic,
    Switch,
    WholeNumber,
    Words,
)
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.yaml_node import Path

LEAST_COUNT: Final = 5
NOTED_EPSILON: Final = 1_000
NOTED_BUDGET: Final = 5_000


def judge(declared: Administration | None, lines: Mapping[Path, int]) -> tuple[Finding, ...]:
    """Every breach, and a note for each thing that the vote lets administrators do.

    Args:
        declared: the manifest's section; None = there is none.
        lines: place in the manifest -> line, as `yaml_node.lines_of` gives it.
    """
    if declared is None:
        return ()
    report = Report(MANIFEST)
    for label, shown in described(declared).items():
        kind, _, name = label.partition(" ")
        path = _PATHS.get(kind)
        where = lines.get(("admin", "administrators") if path is None else ("admin", path, name), 0)
        report.add("admin.declares", where, f"{label}: {shown}")
    for room, settings in (("parameters", declared.parameters), ("algorithms", declared.algorithms)):
        for setting in settings:
            _judge_setting(setting, report, lines.get(("admin", room, setting.name), 0))
    for statistic in declared.statistics:
        _judge_statistic(statistic, report, lines.get(("admin", "statistics", statistic.name), 0))
    return report.findings


_PATHS: Final = {"parameter": "parameters", "algorithm": "algorithms", "statistic": "statistics"}


def described(declared: Administration | None) -> dict[str, str]:
    """What administrators may do, as a reader wants it: "parameter per-page" -> "whole number 1 to 50, …"."""
    if declared is None:
        return {}
    who = [each if isinstance(each, str) else _role(each) for each in declared.administrators]
    shown = {f"administrator {each}": "may do what is declared" for each in who}
    shown["administrators' delay"] = f"{declared.delay} seconds before a setting takes effect"
    for word, settings in (("parameter", declared.parameters), ("algorithm", declared.algorithms)):
        shown |= {f"{word} {each.name}": _setting(each) for each in settings}
    return shown | {f"statistic {each.name}": _statistic(each) for each in declared.statistics}


def _role(role: Role) -> str:
    return f"role 0x{role.role.hex()[:8]}… of {role.contract}"


def _setting(one: Setting) -> str:
    unit = f" {one.unit}" if one.unit else ""
    return f"{_kind(one.kind)}{unit}, default {one.default}: {one.doc}"


def _kind(kind: Kind) -> str:
    match kind:
        case WholeNumber(least, most):
            return f"whole number {least} to {most}"
        case DecimalNumber(_, least, most):
            return f"number {kind.shown(least)} to {kind.shown(most)}"
        case Switch():
            return "true or false"
        case Choice(choices):
            return f"one of {', '.join(choices)}"
        case Words(form):
            return f"text of the form {form.source}"


def _statistic(one: Statistic) -> str:
    of = f", the {one.of}, of those who agreed" if one.of else ""
    return (
        f"{one.query} of one number from {one.least} to {one.most} for each user{of}, epsilon "
        f"{one.epsilon / 1000} of {one.budget / 1000} in {one.period} seconds, "
        f"from {one.least_count} users on: {one.doc}"
    )


def _judge_setting(one: Setting, report: Report, line: int) -> None:
    match one.kind:
        case WholeNumber(least, most) | DecimalNumber(_, least, most) if least >= most:
            report.add("admin.bounds", line, f"{one.name}: from {least} to {most}")
            return
        case Choice(choices) if len(choices) == 1:
            report.add("admin.bounds", line, f"{one.name}: only {choices[0]}")
    try:
        one.kind.read(one.default)
    except ValueError as error:
        report.add("admin.default", line, f"{one.name}: {one.default} is {error}")


def _judge_statistic(one: Statistic, report: Report, line: int) -> None:
    if one.least >= one.most:
        report.add("admin.bounds", line, f"{one.name}: from {one.least} to {one.most}")
    inside = all(one.least < edge <= one.most for edge in one.bins)
    if bool(one.bins) != (one.query == "histogram") or list(one.bins) != sorted(set(one.bins)) or not inside:
        report.add("admin.bins", line, f"{one.name}: {one.query} with bins {list(one.bins)}")
    if not 2 <= one.epsilon <= one.budget:
        report.add("admin.budget", line, f"{one.name}: {one.epsilon / 1000} of {one.budget / 1000}")
    if one.least_count < LEAST_COUNT:
        report.add("admin.least-count", line, f"{one.name}: {one.least_count}")
    if one.epsilon > NOTED_EPSILON or one.budget > NOTED_BUDGET:
        report.add("admin.epsilon", line, f"{one.name}: {one.epsilon / 1000} of {one.budget / 1000}")
