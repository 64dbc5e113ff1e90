"""Which entries of the table stand at a path: one look into a dictionary, or one match, for each part of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cyberprivacy.errors import Misuse
from cyberprivacy.vault.web.endpoint import PARAMETER, PARAMETERS, Endpoint

DEPTH: Final = 12
"""Parts of a path that are told apart: more than any entry has."""


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path: its entries by their methods, and the parameters, each of its declared form."""

    methods: Mapping[str, Endpoint]
    path: Mapping[str, str]


@dataclass(slots=True)
class _Part:
    """What may follow a part of a path.

    Attributes:
        fixed: parts that are spelled out.
        formed: parts that hold a parameter, by the words of their form.
        methods: entries whose path ends here.
    """

    fixed: dict[str, "_Part"] = field(default_factory=dict)
    formed: dict[str, tuple[re.Pattern[str], "_Part"]] = field(default_factory=dict)
    methods: dict[str, Endpoint] = field(default_factory=dict)


class Routes:
    """The paths of a table."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        """Take a table.

        Raises:
            Misuse: two entries for one method and path, or a path that two entries could mean ("api.table").
        """
        self._root = _Part()
        for each in endpoints:
            part = self._root
            for text in each.path.split("/"):
                part = _below(part, text)
            if each.method in part.methods:
                raise Misuse("two entries for one method and path", code="api.table", path=each.path)
            part.methods[each.method] = each
        _check(self._root)

    def find(self, path: str) -> Found | None:
        """What stands at a path; None if nothing does, or a parameter is not of its form."""
        part, given = self._root, dict[str, str]()
        for text in path.split("/", DEPTH):
            below = part.fixed.get(text) or _formed(part, text, given)
            if below is None:
                return None
            part = below
        return Found(part.methods, given) if part.methods else None


def _formed(part: _Part, text: str, given: dict[str, str]) -> _Part | None:
    """The part after one that holds a parameter, which is added to `given`."""
    for form, below in part.formed.values():
        match = form.fullmatch(text)
        if match is not None:
            given |= match.groupdict()
            return below
    return None


def _below(part: _Part, text: str) -> _Part:
    """The part after this one, made if it is not there yet."""
    if PARAMETER.search(text) is None:
        return part.fixed.setdefault(text, _Part())
    pieces = PARAMETER.split(text)  # text, name, text, name, …, text
    named = (f"(?P<{name}>{PARAMETERS[name][0]})" for name in pieces[1::2])
    form = re.escape(pieces[0]) + "".join(
        group + re.escape(after) for group, after in zip(named, pieces[2::2], strict=True)
    )
    return part.formed.setdefault(form, (re.compile(form), _Part()))[1]


def _check(part: _Part) -> None:
    for form, below in part.formed.values():
        twice = [text for text in part.fixed if form.fullmatch(text)]
        if twice:
            raise Misuse("a path could mean two entries", code="api.table", part=twice[0])
        _check(below)
    for each in part.fixed.values():
        _check(each)
