"""YAML with one meaning: what a reviewer's tool reads is what our machines read.

Built on the events of ruamel.yaml's parser; values are made here. Accepted: mappings with text keys,
sequences, text, integers, true, false and null of the YAML 1.2 core schema. Refused: whatever two readers
may take differently (anchors, aliases, tags, merge keys, directives, repeated keys, fractions, and plain
words such as `yes`, `010` or `2026-01-01` that YAML 1.1 reads as something else) and what nobody can see.

Source: yaml.org/spec/1.2.2 section 10.3; yaml.org/type for the words of YAML 1.1.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from cyberprivacy.errors import Untrusted

MAX_DEPTH: Final = 32
"""Mappings and sequences inside one another."""

MAX_DOCUMENTS: Final = 100

_NULL: Final = ("", "~", "null", "Null", "NULL")
_TRUE: Final = ("true", "True", "TRUE")
_FALSE: Final = ("false", "False", "FALSE")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z|[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z"
)
_ELSEWHERE: Final = re.compile(
    r"(y|n|yes|no|on|off)\Z"  # booleans of YAML 1.1
    r"|[-+]?0[0-9_]+\Z|[-+]?0b[01_]+\Z|[-+]?0[xo][0-9a-f_]+\Z"  # number bases
    r"|[-+]?[0-9][0-9_]*(_|:[0-5]?[0-9])[0-9_:.]*\Z"  # 1_000 and 12:30
    r"|[-+]?[0-9][0-9_]*\.[0-9_.]*(e[-+][0-9]+)?\Z"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\Z|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t ]|[ \t]+)[0-9]"  # dates
    r"|=\Z",
    re.IGNORECASE,
)
_VERSION: Final = re.compile(r"[0-9]+(\.[0-9]+){2,}\Z")


class BadYaml(Untrusted):
    """A document is not in the part of YAML that everybody reads alike."""

    code = "yaml.form"
    hint = "Write plain mappings, lists, text and whole numbers; put quotes around anything else."


def load(data: bytes, *, limit: int) -> object:
    """The one document in `data`, as dict, list, str, int, bool and None.

    Args:
        data: UTF-8, lines ended by LF.
        limit: bytes of `data` at most.

    Raises:
        BadYaml: codes yaml.size, yaml.encoding, yaml.form, yaml.empty, yaml.documents, yaml.directive,
            yaml.anchor, yaml.tag, yaml.merge, yaml.duplicate, yaml.key, yaml.float, yaml.ambiguous,
            yaml.integer, yaml.depth; facts `line` and `column` count from 1.
    """
    documents = load_all(data, limit=limit)
    if not documents:
        raise BadYaml("there is no document", code="yaml.empty")
    if len(documents) > 1:
        raise BadYaml("more than one document", code="yaml.documents", documents=len(documents))
    return documents[0]


def load_all(data: bytes, *, limit: int) -> list[object]:
    """Every document in `data`, in order; a document without content is None.

    Raises:
        BadYaml: as `load`; yaml.documents means more than `MAX_DOCUMENTS`.
    """
    events = _events(_text(data, limit))
    documents: list[object] = []
    for event in events:
        if isinstance(event, DocumentStartEvent):
            if len(documents) == MAX_DOCUMENTS:
                _refuse(event, "yaml.documents", "too many documents")
            documents.append(_value(next(events), events, 0))
    return documents


def _text(data: bytes, limit: int) -> str:
    """The characters, all of them visible to a reviewer."""
    if len(data) > limit:
        raise BadYaml("document is too large", code="yaml.size", size=len(data), limit=limit)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadYaml("not UTF-8", code="yaml.encoding", offset=error.start) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("%"):
            raise BadYaml("directives are not read", code="yaml.directive", line=number)
        if line.isascii() and line.isprintable():
            continue
        for column, character in enumerate(line, 1):
            if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
                name = f"U+{ord(character):04X}"
                raise BadYaml(
                    "a character that cannot be seen",
                    code="yaml.encoding",
                    hint="Use LF line ends and spaces; write other control characters as escapes.",
                    character=name,
                    line=number,
                    column=column,
                )
    return text


def _events(text: str) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        problem = str(getattr(error, "problem", None) or "not YAML")
        raise BadYaml(problem, line=line, column=column) from None
    except (ValueError, OverflowError, IndexError, AttributeError, TypeError, AssertionError) as error:
        # ruamel's scanner lets a few of these through on broken input, such as "\Uffffffff"
        raise BadYaml("not YAML", reason=type(error).__name__) from None


def _value(event: Event, events: Iterator[Event], depth: int) -> object:
    if isinstance(event, AliasEvent):
        _refuse(event, "yaml.anchor", "aliases are not read: write the value again")
    if not isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
        _refuse(event, "yaml.form", "not a value")
    _check_plain_node(event)
    if isinstance(event, ScalarEvent):
        return _scalar(event)
    if depth == MAX_DEPTH:
        _refuse(event, "yaml.depth", "nested too deep")
    if isinstance(event, MappingStartEvent):
        return _mapping(events, depth)
    items: list[object] = []
    while not isinstance(event := next(events), SequenceEndEvent):
        items.append(_value(event, events, depth + 1))
    return items


def _mapping(events: Iterator[Event], depth: int) -> dict[str, object]:
    mapping: dict[str, object] = {}
    while not isinstance(event := next(events), MappingEndEvent):
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            _refuse(event, "yaml.key", "a key is not text")
        key = _value(event, events, depth)
        if not isinstance(key, str):
            _refuse(event, "yaml.key", "a key is not text: put quotes around it", seen=repr(key))
        if key in mapping:
            _refuse(event, "yaml.duplicate", "the same key twice", seen=key)
        mapping[key] = _value(next(events), events, depth + 1)
    return mapping


def _check_plain_node(event: NodeEvent) -> None:
    if event.anchor is not None:
        _refuse(event, "yaml.anchor", "anchors are not read: write the value where it is needed")
    if getattr(event, "ctag", None) is not None:
        _refuse(event, "yaml.tag", "tags are not read: the form of a value says what it is")


def _scalar(event: ScalarEvent) -> str | int | bool | None:
    text = str(event.value)
    if event.style is not None:  # quoted or block: text, whatever it looks like
        if any("\ud800" <= character <= "\udfff" for character in text):
            _refuse(event, "yaml.encoding", "half of a surrogate pair")
        return text
    if text == "<<":
        _refuse(event, "yaml.merge", "merge keys are not read: write the fields out")
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.match(text):
        if len(text) > 20 or abs(int(text)) >= 1 << 63:
            _refuse(event, "yaml.integer", "integer past 64 bits", seen=text)
        return int(text)
    if _FLOAT.match(text) and not _ELSEWHERE.match(text.partition(".")[0]):
        _refuse(event, "yaml.float", "fractions are not read: quote it if it is text", seen=text)
    if _ELSEWHERE.match(text) and not _VERSION.match(text):
        _refuse(event, "yaml.ambiguous", "other YAML readers see something else: quote it", seen=text)
    return text


def _refuse(event: Event, code: str, what: str, *, seen: str = "") -> NoReturn:
    mark = event.start_mark
    raise BadYaml(what, code=code, seen=seen[:80], line=mark.line + 1, column=mark.column + 1)
