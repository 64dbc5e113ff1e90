"""Cases that every verifier of evidence should judge alike: JSON in, JSON out, one line each. Pure.

A case says everything that its verdict depends on, so that it can be judged without network, clock or disk, and by
any other verifier: docs/spec/conformance.md.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from cyberprivacy.attest import policy as policies
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.judge import judge_evidence, judge_worth, proven
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Answer, Level, Report
from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Misuse

MAX_LINE: Final = 1 << 20
MAX_FILE: Final = 64 << 20
"""Of a file of cases, unpacked."""
MAX_CASES: Final = 10_000
MAX_CODES: Final = 32
MAX_DEPTH: Final = 16
MAX_TIME: Final = 1 << 40
GZIP: Final = b"\x1f\x8b"

_ID: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")
_ABOUT: Final = re.compile(r"[ -~]{1,200}")
_CODE: Final = re.compile(r"[a-z0-9-]{1,40}(\.[a-z0-9-]{1,40}){0,3}")
_ROOT: Final = re.compile(r"sha256:[0-9a-f]{64}")
_ANSWERS: Final = {answer.value: answer for answer in Answer}
_ASKED: Final = frozenset({"v", "id", "about", "evidence", "binding", "roots", "policy", "at"})


class BadCase(Misuse):
    """A line is no case, or no answer to one."""

    code = "conformance.form"
    hint = "docs/spec/conformance.md describes both, with an example."


@dataclass(frozen=True, slots=True)
class Said:
    """How a verifier judges a case.

    Attributes:
        id: the case.
        verdict: in the words of reports.
        codes: reason codes of what failed, sorted; may be empty where another verifier has none of ours.
    """

    id: str
    verdict: Answer
    codes: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"id": self.id, "verdict": self.verdict.value, "codes": list(self.codes)}

    @classmethod
    def read(cls, line: bytes) -> Self:
        """The value of a line.

        Raises:
            BadCase: another form.
        """
        try:
            document = Document(_json(line), "answer", frozenset({"id", "verdict", "codes"}))
            return cls(document.text("id", _ID), _verdict(document), _codes(document))
        except BadDocument as error:
            raise BadCase(str(error)) from None

    def agrees(self, other: "Said", *, exact: bool) -> bool:
        """Whether both come to the same: accept or not, or exactly the same word and codes."""
        if exact:
            return (self.verdict, self.codes) == (other.verdict, other.codes)
        return (self.verdict is Answer.ACCEPT) == (other.verdict is Answer.ACCEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Evidence, and everything that its verdict depends on.

    Attributes:
        id: such as "sev-snp.debug".
        about: what is special about it, for people.
        evidence: what is judged.
        binding: the 64 bytes that it must carry.
        roots: the only roots that are trusted, and what they are worth.
        policy: the rest of a policy file, as JSON.
        at: seconds since 1970.
        expect: what is right; None where it was left out, as for the verifier that is tried.
    """

    id: str
    about: str
    evidence: Evidence
    binding: bytes
    roots: Mapping[bytes, Level]
    policy: Mapping[str, object]
    at: int
    expect: Said | None

    def line(self, *, told: bool) -> bytes:
        """The JSON line, with or without what is expected."""
        document: dict[str, object] = {
            "v": 1,
            "id": self.id,
            "about": self.about,
            "evidence": self.evidence.document(),
            "binding": self.binding.hex(),
            "roots": {f"sha256:{root.hex()}": level.label for root, level in self.roots.items()},
            "policy": dict(self.policy),
            "at": self.at,
        }
        if told and self.expect is not None:
            document["expect"] = {"verdict": self.expect.verdict.value, "codes": list(self.expect.codes)}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """The value of a line.

        Raises:
            BadCase: another form.
        """
        try:
            value = _json(line)
            told = isinstance(value, dict) and "expect" in value
            document = Document(value, "case", _ASKED | {"expect"} if told else _ASKED)
            document.version()
            name = document.text("id", _ID)
            return cls(
                id=name,
                about=document.text("about", _ABOUT),
                evidence=Evidence.read(document.raw("evidence")),
                binding=document.octets("binding", size=64),
                roots=_roots(document),
                policy=document.mapping("policy", limit=32),
                at=document.integer("at", most=MAX_TIME - 1),
                expect=_expected(name, document.raw("expect")) if told else None,
            )
        except BadDocument as error:
            raise BadCase(str(error)) from None

    def judge(self) -> Said:
        """What our own verifier says.

        Raises:
            BadPolicy: the policy of the case is none, or names roots of its own.
        """
        policy = self._policy()
        findings = judge_evidence(self.evidence, self.binding, policy, self.at)
        checks = (*findings.checks, *judge_worth(self.evidence.kind, findings, policy))
        report = Report(checks, findings.level if proven(findings) else None)
        return Said(self.id, report.verdict, tuple(sorted({check.code for check in report.failures})))

    def _policy(self) -> Policy:
        if self.policy.keys() & {"roots", "vendors"}:
            raise policies.BadPolicy("a case names its roots beside its policy", case=self.id)
        asked = policies.parse(json.dumps({**self.policy, "v": 1}).encode())
        return replace(asked, roots=self.roots, any_software=asked.measurements is None)


def cases(data: bytes) -> Iterator[Case]:
    """The cases of a file: JSON lines, plain or packed by gzip.

    Raises:
        BadCase: too large, too many, a line that is no case, or the same case twice.
    """
    seen: set[str] = set()
    for line in lines(_unpacked(data)):
        case = Case.read(line)
        if case.id in seen:
            raise BadCase("a case stands twice", case=case.id)
        seen.add(case.id)
        yield case


def lines(data: bytes) -> Iterator[bytes]:
    """The lines of bytes from outside, each at most 1 MiB, at most 10,000.

    Raises:
        BadCase: longer, or more.
    """
    for number, line in enumerate(io.BytesIO(data), 1):
        if len(line) > MAX_LINE or number > MAX_CASES:
            raise BadCase("too much", line=number, size=len(line), limits=(MAX_CASES, MAX_LINE))
        yield line


def pack(made: Iterable[Case]) -> bytes:
    """The file of these cases, packed; the same for the same cases."""
    return gzip.compress(b"".join(case.line(told=True) for case in made), compresslevel=9, mtime=0)


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(MAX_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadCase("the file is damaged", reason=str(error)[:200]) from None
    if len(plain) > MAX_FILE:
        raise BadCase("the file is too large", limit=MAX_FILE)
    return plain


def _json(line: bytes) -> object:
    if len(line) > MAX_LINE or not nested_within(line, MAX_DEPTH):
        raise BadDocument("a line is too long, or nested too deep", size=len(line))
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise BadDocument("a line is not JSON") from None


def _expected(name: str, value: object) -> Said:
    document = Document(value, "expect", frozenset({"verdict", "codes"}))
    return Said(name, _verdict(document), _codes(document))


def _verdict(document: Document) -> Answer:
    return _ANSWERS[document.text("verdict", re.compile("|".join(_ANSWERS)))]


def _codes(document: Document) -> tuple[str, ...]:
    return tuple(sorted(document.texts("codes", _CODE, limit=MAX_CODES)))


def _roots(document: Document) -> dict[bytes, Level]:
    named = document.mapping("roots", limit=16)
    levels = Document(named, "case.roots", frozenset(named))
    roots: dict[bytes, Level] = {}
    for name in named:
        level = Level.parse(levels.text(name, re.compile(r"[a-z-]{1,32}")))
        if level is None or not _ROOT.fullmatch(name):
            raise BadDocument("not a root and its worth", root=name[:80])
        roots[bytes.fromhex(name[7:])] = level
    return roots
