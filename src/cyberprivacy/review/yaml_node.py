"""YAML values with the place where they stand, so that a breach is named by field and line.

Nothing here raises on bad input: it reports, and hands back a harmless value of the right type, so that
one reading finds every breach. Whoever reads must not use the result if anything was reported.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from cyberprivacy.review.finding import Report

Path = tuple[str | int, ...]
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document.

    Attributes:
        value: from `strict_yaml`.
        path: keys and positions that lead to it.
        lines: of the document: path -> line, from 1.
        report: where breaches go.
    """

    value: object
    path: Path
    lines: Mapping[Path, int]
    report: Report

    @property
    def line(self) -> int:
        """Where it stands; where its parent stands, if it does not exist."""
        path = self.path
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    @property
    def name(self) -> str:
        """The path as people write it: `spec.containers[0].image`."""
        return name_of(self.path) or "the document"

    @property
    def missing(self) -> bool:
        """Whether nobody wrote it; `fields` has reported that if it is required."""
        return bool(self.path) and self.path not in self.lines

    def refuse(self, code: str, what: str = "", *, hint: str = "") -> None:
        """Report a breach at this place."""
        self.report.add(code, self.line, f"{self.name}: {what}" if what else self.name, hint=hint)

    def fields(
        self, required: Collection[str], optional: Collection[str] = (), *, denied: Mapping[str, str]
    ) -> "Fields":
        """The fields of a mapping; unknown and missing ones are reported.

        Args:
            required: fields that must be there.
            optional: fields that may be there.
            denied: field -> rule that it breaks, for fields better named than by "k8s.field".
        """
        if not isinstance(self.value, dict):
            if not self.missing:
                self.refuse("k8s.type", "must be a mapping")
            return Fields(self, {})
        for key in self.value:
            if key not in required and key not in optional:
                self.child(key).refuse(denied.get(key, "k8s.field"))
        for key in required:
            if key not in self.value:
                self.child(key).refuse("k8s.required", "is missing")
        return Fields(self, self.value)

    def child(self, key: str | int) -> "Node":
        """The value under a key or position; None if there is none."""
        value: object = None
        if isinstance(self.value, dict):
            value = self.value.get(key)
        elif isinstance(self.value, list) and isinstance(key, int):
            value = self.value[key]
        return Node(value, (*self.path, key), self.lines, self.report)

    def items(self, limit: int) -> "list[Node]":
        """The items of a list of at most `limit`."""
        if not isinstance(self.value, list):
            if not self.missing:
                self.refuse("k8s.type", "must be a list")
            return []
        if len(self.value) > limit:
            self.refuse("k8s.type", f"has {len(self.value)} items, the limit is {limit}")
        return [self.child(position) for position in range(min(len(self.value), limit))]

    def text(self, pattern: str = r"(?s).{0,4096}", *, code: str = "k8s.type") -> str:
        """Text that matches `pattern` as a whole; "" after a breach."""
        if not isinstance(self.value, str):
            if not self.missing:
                self.refuse(code, "must be text")
            return ""
        if re.fullmatch(pattern, self.value) is None:
            self.refuse(code, repr(self.value[:80]))
            return ""
        return self.value

    def integer(self, least: int, most: int, *, code: str = "k8s.type") -> int:
        """A whole number in a range; `least` after a breach."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            if not self.missing:
                self.refuse(code, "must be a whole number")
            return least
        if not least <= self.value <= most:
            self.refuse(code, f"{self.value} is not within {least}-{most}")
            return least
        return self.value

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.refuse("k8s.type", "must be true or false")
            return False
        return self.value

    def forced(self, value: object, code: str) -> None:
        """Refuse any value but the one that the cluster forces anyhow."""
        if type(self.value) is not type(value) or self.value != value:
            self.refuse(code, f"must be {json.dumps(value)}")


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a mapping, unknown ones already reported."""

    node: Node
    values: Mapping[str, object]

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __getitem__(self, key: str) -> Node:
        return self.node.child(key)

    def integer(self, key: str, least: int, most: int, default: int) -> int:
        """A whole number, or `default` if the field was left out."""
        return self[key].integer(least, most) if key in self else default

    def texts(self, key: str, limit: int) -> tuple[str, ...]:
        """A list of texts, () if the field was left out."""
        return tuple(item.text() for item in self[key].items(limit)) if key in self else ()

    def forced(self, values: Mapping[str, tuple[object, str]]) -> None:
        """Refuse other values for fields that the cluster forces: field -> (value, rule)."""
        for key, (value, code) in values.items():
            if key in self:
                self[key].forced(value, code)


def name_of(path: Path) -> str:
    """A path as people write it; "" for the document itself."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            name += ("." if name else "") + (step if _PLAIN.match(step) else repr(step))
    return name


def lines_of(text: str) -> list[dict[Path, int]]:
    """For each document of text that `strict_yaml` accepted: path -> line, from 1."""
    events = iter(YAML(typ="safe", pure=True).parse(text))
    documents: list[dict[Path, int]] = []
    for event in events:
        if isinstance(event, DocumentStartEvent):
            lines: dict[Path, int] = {}
            _walk(next(events), events, (), lines)
            documents.append(lines)
    return documents


def _walk(event: Event, events: Iterator[Event], path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, event.start_mark.line + 1)
    if isinstance(event, SequenceStartEvent):
        position = 0
        while not isinstance(event := next(events), SequenceEndEvent):
            _walk(event, events, (*path, position), lines)
            position += 1
    elif isinstance(event, MappingStartEvent):
        while not isinstance(event := next(events), MappingEndEvent):
            key = (*path, event.value) if isinstance(event, ScalarEvent) else path
            lines[key] = event.start_mark.line + 1
            _walk(next(events), events, key, lines)
