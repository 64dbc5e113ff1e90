"""The words of Dockerfile instructions: bases, pairs, lists, paths, users."""

import json
import re
from typing import Final

from cyberprivacy.review.hidden import unseen

_REFERENCE: Final = re.compile(
    r"([a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?@(sha256:[0-9a-f]{64})\Z"
)
_STAGE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}\Z")
_PAIR: Final = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\["\\])*"|[^\s"\'\\]*)(?:[ \t]+|\Z)')
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?\Z")
_WORKDIR: Final = re.compile(r"/[A-Za-z0-9_.+@/-]*\Z")
_SIGNALS: Final = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2")
_BUILDERS_OWN: Final = frozenset(
    (
        "http_proxy",
        "https_proxy",
        "ftp_proxy",
        "no_proxy",
        "all_proxy",
        "source_date_epoch",
        "targetplatform",
        "targetos",
        "targetarch",
        "targetvariant",
        "buildplatform",
        "buildos",
        "buildarch",
        "buildvariant",
    )
)


class Broken(Exception):
    """An instruction breaks a rule."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


def base(rest: str) -> tuple[str, str, str]:
    """Repository, digest and stage name ("" if none) of FROM."""
    if "$" in rest:
        raise Broken("dockerfile.from-variable", f"FROM {rest}")
    words = rest.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        raise Broken("dockerfile.from-form", f"FROM {rest}")
    if words[0].lower() == "scratch":
        raise Broken("dockerfile.from-scratch", f"FROM {rest}")
    match = _REFERENCE.match(words[0])
    if match is None:
        raise Broken("dockerfile.from-unpinned", f"FROM {rest}")
    if match[2]:
        raise Broken("dockerfile.from-tag", f"FROM {rest}")
    name = stage_name(words[2], code="dockerfile.stage-name") if len(words) == 3 else ""
    return match[1], match[3], name


def stage_name(name: str, *, code: str) -> str:
    """A stage's name; `code` is the rule that any other word breaks."""
    if not _STAGE.match(name):
        raise Broken(code, f"{name!r} is not the name of a stage")
    return name


def exec_form(rest: str) -> tuple[str, ...]:
    """A JSON list of at least one text; the first is not empty."""
    words = _json_list(rest, "dockerfile.exec-form")
    if not words or not words[0]:
        raise Broken("dockerfile.exec-form", "the list names no program")
    return words


def pairs(keyword: str, rest: str) -> tuple[tuple[str, str], ...]:
    """NAME=value pairs of ENV or LABEL; no name twice."""
    found: list[tuple[str, str]] = []
    position = 0
    names = _LABEL_NAME if keyword == "LABEL" else _ENV_NAME
    while position < len(rest):
        match = _PAIR.match(rest, position)
        if match is None or not names.match(match[1]):
            raise Broken("dockerfile.quoting", f"{keyword} {rest[position:]}")
        found.append((match[1], _unquoted(match[2])))
        position = match.end()
    if not found or len(dict(found)) != len(found):
        raise Broken("dockerfile.quoting", f"{keyword} without a pair, or with one name twice")
    return tuple(found)


def argument(rest: str) -> tuple[str, str]:
    """The name and default of ARG."""
    name, has_default, _ = rest.partition("=")
    if name.lower() in _BUILDERS_OWN:
        raise Broken("dockerfile.arg-name", f"ARG {name}")
    if not has_default:
        raise Broken("dockerfile.arg-default", f"ARG {rest}")
    found = pairs("ARG", rest)
    if len(found) != 1:
        raise Broken("dockerfile.quoting", "ARG with more than one pair")
    return found[0]


def user(rest: str) -> tuple[int, int | None]:
    """Numeric user and group."""
    _no_variable(rest)
    match = re.fullmatch(r"([0-9]{1,5})(?::([0-9]{1,5}))?", rest)
    if match is None or any(int(number) > 65533 for number in match.groups() if number):
        raise Broken("dockerfile.user-name", f"USER {rest}")
    return int(match[1]), int(match[2]) if match[2] else None


def plain(keyword: str, rest: str) -> tuple[str, ...]:
    """The words of WORKDIR, EXPOSE or STOPSIGNAL, in their one spelling."""
    _no_variable(rest)
    if keyword == "WORKDIR":
        if not _WORKDIR.match(rest) or ".." in rest.split("/"):
            raise Broken("dockerfile.workdir", f"WORKDIR {rest}")
        return (rest,)
    if keyword == "STOPSIGNAL":
        if rest not in _SIGNALS:
            raise Broken("dockerfile.stop-signal", f"STOPSIGNAL {rest}")
        return (rest,)
    ports = [word.removesuffix("/tcp") for word in rest.split()]
    if not ports or not all(re.fullmatch(r"[1-9][0-9]{3,4}", p) and 1024 <= int(p) <= 65535 for p in ports):
        raise Broken("dockerfile.expose", f"EXPOSE {rest}")
    return tuple(ports)


def paths(rest: str) -> tuple[str, ...]:
    """The sources and the target of COPY, at least two words."""
    words = _json_list(rest, "dockerfile.copy-form") if rest.startswith("[") else tuple(rest.split())
    if len(words) < 2 or not all(words):
        raise Broken("dockerfile.copy-form", f"COPY {rest}")
    for word in words:
        _no_variable(word)
        if re.search(r"""["'\\\[\]\n\t]""", word):
            raise Broken("dockerfile.copy-form", f"COPY {rest}")
        if ".." in word.split("/"):
            raise Broken("dockerfile.copy-path", f"COPY {rest}")
    return words


def _json_list(rest: str, code: str) -> tuple[str, ...]:
    try:
        words = json.loads(rest)
    except (ValueError, RecursionError):
        raise Broken(code, rest[:80]) from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Broken(code, f"not a list of texts: {rest[:80]}")
    if any(unseen(one) for word in words for one in word):
        raise Broken("dockerfile.encoding", f"an escape for an unseen character in {rest[:80]}")
    if any("<<" in word for word in words):
        raise Broken("dockerfile.heredoc", f"<< in {rest[:80]}")
    return tuple(words)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r'\\(["\\])', r"\1", value[1:-1])


def _no_variable(text: str) -> None:
    if "$" in text:
        raise Broken("dockerfile.variable", text)
