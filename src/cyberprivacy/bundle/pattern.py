"""Patterns for text that administrators may set: a small part of regular expressions that no text makes slow.

A pattern is a row of pieces. A piece is a plain letter, digit, space or one of `_-.,:;/@#+`, or a set such as
`[a-z0-9 ]`; after it may stand `{n}` or `{least,most}`. There are no choices, groups, stars or escapes, so the
time to match is bounded by pieces x characters x characters.
"""

import re
from dataclasses import dataclass
from typing import Final

MAX_PIECES: Final = 32
MAX_REPEAT: Final = 200
_PIECE: Final = re.compile(
    r"(?P<one>[A-Za-z0-9 _.,:;/@#+-])|\[(?P<set>[A-Za-z0-9 _.,:;/@#+!?'()&%-]{1,80})\]", re.ASCII
)
_COUNT: Final = re.compile(r"\{(?P<least>0|[1-9][0-9]{0,2})(,(?P<most>[1-9][0-9]{0,2}))?\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """One set of characters, and how many of them in a row."""

    characters: frozenset[str]
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern; `source` is what the author wrote."""

    source: str
    pieces: tuple[Piece, ...]

    def matches(self, text: str) -> bool:
        """Whether the whole text is of this form."""
        at = {0}
        for piece in self.pieces:
            at = {end for start in at for end in _ends(piece, text, start)}
        return len(text) in at

    @property
    def longest(self) -> int:
        """Characters of the longest text that matches."""
        return sum(piece.most for piece in self.pieces)


def parse(source: str) -> Pattern:
    """The pattern that these characters are.

    Raises:
        ValueError: not in the part of regular expressions that the module describes.
    """
    pieces: list[Piece] = []
    at = 0
    while at < len(source):
        piece = _PIECE.match(source, at)
        if piece is None or len(pieces) == MAX_PIECES:
            raise ValueError(f"not a piece of a pattern, or too many, at character {at + 1}")
        at = piece.end()
        count = _COUNT.match(source, at)
        least = int(count["least"]) if count else 1
        most = int(count["most"] or least) if count else 1
        at = count.end() if count else at
        if not max(1, least) <= most <= MAX_REPEAT:
            raise ValueError(f"not 1 to {MAX_REPEAT} repetitions before character {at + 1}")
        pieces.append(Piece(_set(piece["set"]) if piece["set"] else frozenset(piece["one"]), least, most))
    if not pieces:
        raise ValueError("an empty pattern")
    return Pattern(source, tuple(pieces))


def _ends(piece: Piece, text: str, start: int) -> range:
    """Where a row of this piece's characters that begins at `start` may end."""
    end = start
    while end < len(text) and end - start < piece.most and text[end] in piece.characters:
        end += 1
    return range(start + piece.least, end + 1)


def _set(inside: str) -> frozenset[str]:
    """The characters of `a-z0-9 ` and the like; a `-` at an edge means itself."""
    found: set[str] = set()
    at = 0
    while at < len(inside):
        if at + 2 < len(inside) and inside[at + 1] == "-":
            first, last = inside[at], inside[at + 2]
            if not (first.isalnum() and last.isalnum()) or first >= last:
                raise ValueError(f"not a range: {first}-{last}")
            if [first.isdigit(), first.isupper()] != [last.isdigit(), last.isupper()]:
                raise ValueError(f"a range across kinds: {first}-{last}")
            found.update(map(chr, range(ord(first), ord(last) + 1)))
            at += 3
        else:
            found.add(inside[at])
            at += 1
    return frozenset(found)
