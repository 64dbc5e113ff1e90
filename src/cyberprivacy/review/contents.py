"""What any file of a bundle may hold: no secrets, no text that misleads; programs and blobs are pointed out."""

import re
from typing import Final

from cyberprivacy.review import secrets
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.hidden import TURNING, first_unseen, looks_alike
from cyberprivacy.review.tree import Tree

_PROGRAMS: Final = {
    b"\x7fELF": "ELF",
    b"MZ": "Windows",
    b"\xfe\xed\xfa\xce": "Mach-O",
    b"\xfe\xed\xfa\xcf": "Mach-O",
    b"\xcf\xfa\xed\xfe": "Mach-O",
    b"\xca\xfe\xba\xbe": "Java class or Mach-O",
    b"\x00asm": "WebAssembly",
}
_BLANKS: Final = re.compile(rb"(?<![ \t\v\f])[ \t\v\f]{200,}")
_PYC: Final = b"\r\n"


def judge(tree: Tree) -> tuple[Finding, ...]:
    """Breaches and notes of all files of a tree."""
    found: list[Finding] = []
    for path in tree.files:
        data = tree.read(path)
        found += secrets.find(data, path)
        found += _form(data, path)
    return tuple(found)


def _form(data: bytes, path: str) -> tuple[Finding, ...]:
    report = Report(path)
    text = as_text(data)
    if text is None:
        program = _program(data, path)
        code = "blob.executable" if program else "blob.opaque"
        report.add(code, 0, f"{len(data)} bytes, {program or 'not text'}")
        return report.findings
    if not text.isascii():
        _hidden(text, report)
    blanks = _BLANKS.search(data)
    if blanks is not None:
        line = data.count(b"\n", 0, blanks.start()) + 1
        report.add("text.blanks", line, f"{len(blanks[0])} blanks in a row")
    return report.findings


def as_text(data: bytes) -> str | None:
    """The text of a file; None if it is not UTF-8 or holds NUL, which no text does."""
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _program(data: bytes, path: str) -> str:
    if path.endswith((".pyc", ".pyo")) and data[2:4] == _PYC:
        return "compiled Python"
    return next((name for start, name in _PROGRAMS.items() if data.startswith(start)), "")


def _hidden(text: str, report: Report) -> None:
    """At most one finding of each kind in a file, at its first line."""
    bidi = invisible = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii():
            continue
        if not bidi and (turning := sorted(TURNING.intersection(line))):
            bidi = True
            report.add("text.bidi", number, f"the character U+{ord(turning[0]):04X}")
        seen = line.removeprefix("\ufeff") if number == 1 else line
        shown = first_unseen("".join(one for one in seen if one not in TURNING and one != "\r"))
        mixed = looks_alike(line)
        if not invisible and (shown or mixed):
            invisible = True
            report.add("text.invisible", number, f"the character {shown}" if shown else f"the word {mixed}")
