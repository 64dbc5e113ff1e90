"""Which records of a type: a closed grammar without choices, nesting or functions, so that all read it alike.

    selector  = "all" / condition *(" AND " condition)
    condition = "since:" seconds / field " = " literal

`since` comes first and once; fields follow in ascending order, each once. So a selection has one spelling, and one
selects no more than another exactly if it has all of the other's conditions.
Source: docs/spec/udi-1.md, "Selectors".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.errors import Untrusted

LIMIT: Final = 1_024
"""Bytes of a selector."""
MAX_CONDITIONS: Final = 8
LAST: Final = 253_402_300_799
"""The end of the year 9999, POSIX seconds."""
ALL: Final = "all"

Literal = str | int | bool
"""What a field is compared with."""

_SINCE: Final = re.compile(r"since:(0|[1-9][0-9]{0,11})\Z")
_NUMBER: Final = r"0|-?[1-9][0-9]{0,15}"
_CONDITION: Final = re.compile(
    r"(?P<field>[A-Za-z_][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}){0,3}) = "
    rf'(?:"(?P<text>[ !#-\[\]-~]{{0,128}})"|(?P<truth>true|false)|(?P<number>{_NUMBER}))'
)
_AND: Final = " AND "


class BadSelector(Untrusted):
    """Not a selector in its one spelling."""

    code = "selector.form"
    hint = "The specification has the grammar; conditions stand in order, since first."


@dataclass(frozen=True, slots=True)
class Selector:
    """A conjunction of conditions.

    Attributes:
        since: POSIX seconds; records that changed earlier are left out. None = of any age.
        equal: what a field must be, by its path from the top of the record ("address.country"), in order of paths.
    """

    since: int | None = None
    equal: tuple[tuple[str, Literal], ...] = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """The selector of this spelling.

        Raises:
            BadSelector: too long, outside the grammar, or a second spelling.
        """
        if not isinstance(text, str) or len(text) > LIMIT:
            raise BadSelector("not a text of this size", limit=LIMIT)
        rest, since = text, None
        found = _SINCE.match(text.partition(_AND)[0])
        if found:
            since, rest = int(found[1]), text[found.end() :]
        if since is not None and since > LAST:
            raise BadSelector("a time after the year 9999")
        made = cls(since, () if text == ALL else tuple(_conditions(rest, first=found is None)))
        if str(made) != text or len(made.equal) + (since is not None) > MAX_CONDITIONS:
            raise BadSelector("a second spelling, or too many conditions", most=MAX_CONDITIONS)
        return made

    def __str__(self) -> str:
        since = [] if self.since is None else [f"since:{self.since}"]
        return (
            _AND.join(since + [f"{field} = {spelled(value)}" for field, value in sorted(dict(self.equal).items())])
            or ALL
        )

    def matches(self, record: object, changed: int) -> bool:
        """Whether a record (parsed JSON) that last changed at a time (POSIX seconds) is selected.

        A field that is absent equals nothing; a text never equals a number, nor does a truth.
        """
        if self.since is not None and changed < self.since:
            return False
        return all(_same(_at(record, field), value) for field, value in self.equal)

    def within(self, other: "Selector") -> bool:
        """Whether everything that this selects, `other` selects too."""
        if other.since is not None and (self.since is None or self.since < other.since):
            return False
        # Of one type too: 1 and true are equal to Python, and to nobody else.
        mine = {(field, type(value), value) for field, value in self.equal}
        return all((field, type(value), value) in mine for field, value in other.equal)


def spelled(value: Literal) -> str:
    """A literal as it stands in a selector."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return f'"{value}"'


def _conditions(text: str, *, first: bool) -> list[tuple[str, Literal]]:
    """The equations of a text that begins with one, or, if something stood before, with " AND "."""
    made: list[tuple[str, Literal]] = []
    at = 0
    while first or at < len(text):
        if not first:
            if not text.startswith(_AND, at):
                raise BadSelector("conditions are joined by AND", at=at)
            at += len(_AND)
        found = _CONDITION.match(text, at)
        if found is None:
            raise BadSelector("not a condition", at=at)
        made.append((found["field"], _literal(found)))
        at, first = found.end(), False
    return made


def _literal(found: re.Match[str]) -> Literal:
    if found["text"] is not None:
        return found["text"]
    if found["truth"] is not None:
        return found["truth"] == "true"
    number = int(found["number"])
    if abs(number) >= 1 << 53:  # beyond it some languages take two numbers for one
        raise BadSelector("an integer past 2**53", field=found["field"])
    return number


def _at(record: object, path: str) -> object:
    for name in path.split("."):
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record


def _same(found: object, wanted: Literal) -> bool:
    match wanted:
        case bool():
            return found is wanted
        case int():
            # By value: JSON does not say whether 1.0 is another number than 1.
            return isinstance(found, int | float) and not isinstance(found, bool) and found == wanted
        case _:
            return isinstance(found, str) and found == wanted
