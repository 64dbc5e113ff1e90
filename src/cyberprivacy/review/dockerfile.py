"""Dockerfiles, read strictly: one instruction a logical line, nothing fetched, nothing guessed.

Builders read more than people see (parser directives, here-documents, flags that mount other builds'
caches). Here a Dockerfile is read into a few plain instructions, and builders only ever get those, written
out again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cyberprivacy.review import docker_words
from cyberprivacy.review.docker_words import Broken
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.hidden import unseen
from cyberprivacy.review.instructions import Copy, Exec, From, Instruction, Pairs, Plain, Run, User

MAX_BYTES: Final = 64 << 10
MAX_LINE: Final = 16 << 10
MAX_STEPS: Final = 128

_DIRECTIVE: Final = re.compile(r"[ \t]*#[ \t]*(syntax|escape|check)[ \t]*=", re.IGNORECASE)
_INSTRUCTION: Final = re.compile(r"[ \t]*([A-Za-z]+)(?:[ \t]+(.*))?\Z")
_FLAG: Final = re.compile(r"--([^\s=]*)(?:=(\S*))?(?:[ \t]+|\Z)")
_MOUNT_TYPES: Final = ("cache", "secret", "ssh", "bind", "tmpfs")
_REFUSED: Final = ("VOLUME", "ONBUILD", "HEALTHCHECK", "SHELL")

Lines = tuple[tuple[int, Instruction], ...]
"""Instructions with the line on which each starts, from 1."""


def parse(data: bytes, path: str) -> tuple[Lines, tuple[Finding, ...]]:
    """Read a Dockerfile, instruction by instruction.

    Args:
        data: the file.
        path: its name, for the findings.

    Returns:
        What could be read, and every breach. Only a Dockerfile without breaches may be used: the
        instructions beside a breach are incomplete.
    """
    report = Report(path)
    text = _text(data, report)
    found: list[tuple[int, Instruction]] = []
    for line, logical in _logical_lines(text, report):
        try:
            instruction = _instruction(logical, line, report)
            if len(str(instruction)) > MAX_LINE:
                report.add("dockerfile.size", line, "an instruction too long to be written out")
            found.append((line, instruction))
        except Broken as broken:
            report.add(broken.code, line, broken.what)
        if len(found) > MAX_STEPS:
            report.add("dockerfile.steps", line, f"more than {MAX_STEPS} instructions")
            break
    if len(render(tuple(found)).encode()) > MAX_BYTES:
        report.add("dockerfile.size", 0, "a file too long to be written out")
    return tuple(found), report.findings


def render(lines: Lines) -> str:
    """The instructions in the one spelling that is built; `parse` reads it back to the same values."""
    return "".join(f"{instruction}\n" for _, instruction in lines)


def _text(data: bytes, report: Report) -> str:
    if len(data) > MAX_BYTES:
        report.add("dockerfile.size", 0, f"{len(data)} bytes")
        return ""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        report.add("dockerfile.encoding", 0, f"not UTF-8 at byte {error.start}")
        return ""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            report.add("dockerfile.size", number, f"a line of {len(line)} characters")
            return ""
        bad = next((one for one in line if unseen(one)), None)
        if bad is not None:
            report.add("dockerfile.encoding", number, f"the character U+{ord(bad):04X}")
            return ""
    return text


def _logical_lines(text: str, report: Report) -> Iterator[tuple[int, str]]:
    """Lines joined at their backslashes, without comments and blank lines, each with its first number."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip(" \t").startswith("#"):
            if _DIRECTIVE.match(line):
                report.add("dockerfile.directive", number, "a parser directive")
            continue
        body = line.strip(" \t") if not parts else line.rstrip(" \t")
        if not body.strip():
            if parts:
                report.add("dockerfile.continuation", number, "an empty line after a backslash")
                parts = []
            continue
        start = start if parts else number
        if body.endswith("\\\\"):
            report.add("dockerfile.continuation", number, "two backslashes end the line")
            body = body.rstrip("\\")
        elif body.endswith("\\"):
            parts.append(body[:-1])
            continue
        yield start, "".join([*parts, body])
        parts = []
    if parts:
        report.add("dockerfile.continuation", start, "the file ends after a backslash")


def _instruction(logical: str, line: int, report: Report) -> Instruction:
    if len(logical) > MAX_LINE:
        raise Broken("dockerfile.size", f"an instruction of {len(logical)} characters")
    match = _INSTRUCTION.match(logical)
    if match is None:
        raise Broken("dockerfile.instruction", logical[:60])
    keyword, rest = match[1].upper(), (match[2] or "").strip(" \t")
    if keyword in _REFUSED:
        raise Broken(f"dockerfile.{keyword.lower()}", keyword)
    if keyword == "ADD":
        address = re.search(r"(?i)[a-z0-9+.-]://|\bgit@", rest)
        raise Broken("dockerfile.add-url" if address else "dockerfile.add", f"ADD {rest}")
    if "<<" in rest:
        raise Broken("dockerfile.heredoc", f"{keyword} with <<")
    flags, rest = _flags(rest)
    allowed = _allowed(keyword, flags, line, report)
    if keyword == "COPY":
        return _copy(allowed, rest)
    if keyword not in _READERS:
        raise Broken("dockerfile.instruction", keyword)
    return _READERS[keyword](keyword, rest)


def _flags(rest: str) -> tuple[list[tuple[str, str]], str]:
    flags: list[tuple[str, str]] = []
    while match := _FLAG.match(rest):
        flags.append((match[1], match[2] or ""))
        rest = rest[match.end() :]
    return flags, rest


def _allowed(keyword: str, flags: list[tuple[str, str]], line: int, report: Report) -> dict[str, str]:
    """The flags of COPY; every other flag is a breach of its own rule."""
    allowed: dict[str, str] = {}
    for name, value in flags:
        if keyword == "COPY" and name in ("from", "chown", "chmod") and name not in allowed:
            allowed[name] = value
        elif keyword == "RUN" and name == "mount":
            kind = re.search(r"(?:^|,)type=([a-z]+)", value)
            family = kind[1] if kind else "bind"  # what builders take when no type is given
            code = f"dockerfile.run-mount-{family}" if family in _MOUNT_TYPES else "dockerfile.run-mount"
            report.add(code, line, f"RUN --mount={value}")
        elif keyword == "RUN" and name in ("network", "security"):
            report.add(f"dockerfile.run-{name}", line, f"RUN --{name}={value}")
        else:
            report.add("dockerfile.flag", line, f"{keyword} --{name}")
    return allowed


def _copy(flags: dict[str, str], rest: str) -> Copy:
    stage, owner, mode = flags.get("from", ""), flags.get("chown", ""), flags.get("chmod", "")
    if "from" in flags:
        docker_words.stage_name(stage, code="dockerfile.copy-from")
    if "chown" in flags and not re.fullmatch(r"[0-9]{1,5}(:[0-9]{1,5})?", owner):
        raise Broken("dockerfile.copy-owner", f"--chown={owner}")
    if "chmod" in flags and not re.fullmatch(r"0?[0-7]{3}", mode):
        raise Broken("dockerfile.copy-mode", f"--chmod={mode}")
    *sources, target = docker_words.paths(rest)
    return Copy(stage, owner, mode, tuple(sources), target)


def _run(rest: str) -> Run:
    if not rest:
        raise Broken("dockerfile.run-empty", "RUN without a command")
    if rest.startswith("["):
        return Run("", docker_words.exec_form(rest))
    return Run(rest, ())


def _pairs(keyword: str, rest: str) -> Pairs:
    return Pairs(keyword, docker_words.pairs(keyword, rest))


def _exec(keyword: str, rest: str) -> Exec:
    return Exec(keyword, docker_words.exec_form(rest))


def _plain(keyword: str, rest: str) -> Plain:
    return Plain(keyword, docker_words.plain(keyword, rest))


_READERS: Final[Mapping[str, Callable[[str, str], Instruction]]] = {
    "FROM": lambda _, rest: From(*docker_words.base(rest)),
    "RUN": lambda _, rest: _run(rest),
    "CMD": _exec,
    "ENTRYPOINT": _exec,
    "ENV": _pairs,
    "LABEL": _pairs,
    "ARG": lambda keyword, rest: Pairs(keyword, (docker_words.argument(rest),)),
    "USER": lambda _, rest: User(*docker_words.user(rest)),
    "WORKDIR": _plain,
    "EXPOSE": _plain,
    "STOPSIGNAL": _plain,
}
