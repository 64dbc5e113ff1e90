"""How a report looks to people."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from cyberprivacy.attest.report import Answer, Report, Verdict

MARKS: Final = {Verdict.PASS: ("✓", "green"), Verdict.FAIL: ("✗", "bold red"), Verdict.SKIP: ("·", "yellow")}
_WORDS: Final = {
    Answer.ACCEPT: ("ACCEPTED", "bold green"),
    Answer.REJECT: ("REJECTED", "bold red"),
    Answer.UNSUPPORTED: ("UNSUPPORTED", "bold yellow"),
    Answer.MALFORMED: ("MALFORMED", "bold red"),
}
_SHOWN: Final = (("os_release", "software"), ("hardware", "machine"), ("boot", "boot"))
"""Facts worth a line of their own, and what people call them."""


def show(report: Report, target: str) -> Text:
    """The report for people: what it is about, one line for each check, the verdict."""
    text = Text()
    if report.facts:
        text.append(f"{target}\n", style="bold")
        text.append(_about(report.facts))
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        mark, style = MARKS[check.verdict]
        text.append(f"{mark} ", style=style)
        text.append(f"{check.name:<{width}}  ")
        text.append(f"[{check.code}]", style=style if check.verdict is not Verdict.PASS else "dim")
        text.append(f"  {check.detail}\n")
    text.append("\n")
    text.append(*_WORDS[report.verdict])
    if not report.accepted:
        text.append(f"  because of {_reasons(report)}")
    text.append("\n")
    if report.level is not None:
        text.append(f"Level: {report.level.label}. ", style="bold")
        text.append(f"{report.level.words}\n")
    if report.accepted and report.level is not None:
        text.append("Who could still cheat:\n")
        for cheat in report.cheats:
            text.append(f"  - {cheat}\n")
    text.rstrip()
    return text


def _about(facts: Mapping[str, str | int]) -> str:
    if "release" in facts:
        lines = [f"says: release {facts['release']} of DAO {facts['dao']}, bundle {facts['bundle']}"]
        lines.append(f"evidence: {facts['age']} s old")
    else:  # nothing in it says when it was made: not before its key began, which is a minute before its birth
        lines = [f"evidence of kind {facts['kind']} for key {facts['key']} in the role {facts['role']!r}"]
        lines.append(f"evidence: at most {facts['age']} s old")
    lines += [f"{word}: {facts[name]}" for name, word in _SHOWN if facts.get(name)]
    return "".join(f"  {line}\n" for line in lines) + "\n"


def _reasons(report: Report) -> str:
    """What failed; when nothing did, what could not be judged although it had to be."""
    failed = [check.name for check in report.failures]
    return ", ".join(failed or [check.name for check in report.checks if not check.acceptable]) or "nothing proven"
