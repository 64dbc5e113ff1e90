"""How many lines of a file nobody has read yet: 3-line shingles, without any diff algorithm.

Diffs are no objective number: their authors' tools choose among many. Here a file is its 3-line windows, each
as often as it stands there. A line is fresh if it lies in a window that stands in no old file as often, so that
moving or deleting lines counts at the edges of the change, indentation counts, and lines that were read once
cannot be strung together again and again to say something new.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

LINES: Final = 3
"""Lines of a shingle."""

BYTES_A_LINE: Final = 32
TOKENS_A_LINE: Final = 9
"""What an ordinary line of code holds; denser text counts for more lines."""

BLOCK: Final = 64 << 10
"""Bytes of lines of which the tokens are counted at once."""

_TOKEN: Final = re.compile(rb"[A-Za-z_]\w*|\d+|\S")
_PADDING: Final = (b"",) * (LINES - 1)

Shingles = dict[bytes, int]
"""What was read: shingle -> how often it stands in the one old file that has most of it."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is new in one text file.

    Attributes:
        numbers: fresh lines, from 1, as an editor counts them (blank lines included).
        tokens: words, numbers and signs in them.
        size: bytes in them, without trailing blanks and line ends.
    """

    numbers: tuple[int, ...]
    tokens: int
    size: int

    @property
    def lines(self) -> int:
        """Lines to read: the most of lines, tokens / 9 and bytes / 32."""
        return max(len(self.numbers), -(-self.tokens // TOKENS_A_LINE), -(-self.size // BYTES_A_LINE))


def opaque_lines(size: int) -> int:
    """Lines that count for `size` bytes that are not text."""
    return -(-size // BYTES_A_LINE)


def lines_of(data: bytes) -> list[tuple[int, bytes]] | None:
    """Lines that are not blank, trailing blanks removed, with their numbers from 1; None if not text.

    Text is UTF-8 without NUL. CRLF counts as LF.
    """
    if b"\0" in data:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return [(n, line.rstrip()) for n, line in enumerate(data.split(b"\n"), 1) if line.strip()]


def shingles(lines: list[tuple[int, bytes]]) -> list[bytes]:
    """The windows of a file in order; the first one ends with its first line, the last starts with its last.

    A file of n lines has n + 2 of them; one without lines has none.
    """
    if not lines:
        return []
    # each line is hashed once, so that a huge line costs its size once and not three times
    hashes = [blake2b(line, digest_size=16).digest() for line in (*_PADDING, *(t for _, t in lines), *_PADDING)]
    return [
        blake2b(b"".join(hashes[at : at + LINES]), digest_size=16).digest()
        for at in range(len(hashes) - LINES + 1)
    ]


def remember(lines: list[tuple[int, bytes]], read: Shingles) -> None:
    """Add a file to what was read."""
    for shingle, count in Counter(shingles(lines)).items():
        if count > read.get(shingle, 0):
            read[shingle] = count


def fresh(lines: list[tuple[int, bytes]], read: Mapping[bytes, int]) -> Fresh:
    """What is new in a file beside the shingles that were read before."""
    new: set[int] = set()
    seen: Counter[bytes] = Counter()
    for at, shingle in enumerate(shingles(lines)):
        seen[shingle] += 1
        if seen[shingle] > read.get(shingle, 0):
            new.update(range(at - LINES + 1, at + 1))
    chosen = [lines[at] for at in sorted(new) if 0 <= at < len(lines)]
    return Fresh(
        numbers=tuple(number for number, _ in chosen),
        tokens=_tokens([text for _, text in chosen]),
        size=sum(len(text) for _, text in chosen),
    )


def hidden_lines(data: bytes) -> int:
    """Lines that count for blanks at line ends and in blank lines, which nobody sees but a program can read.

    An eighth of the visible bytes is free, as is CR before LF: careless editors leave that much.
    """
    dropped = kept = 0
    for line in data.split(b"\n"):
        visible = len(line.rstrip())
        dropped += len(line.removesuffix(b"\r")) - min(visible, len(line.removesuffix(b"\r")))
        kept += visible
    return opaque_lines(max(0, dropped - kept // 8))


def _tokens(lines: list[bytes]) -> int:
    """Words, numbers and signs; none reaches over a line end, so that lines can be counted in blocks."""
    total, block, size = 0, list[bytes](), 0
    for line in lines:
        if len(line) > BLOCK:
            total += sum(1 for _ in _TOKEN.finditer(line))  # a list of these could be larger than memory
            continue
        block.append(line)
        size += len(line)
        if size > BLOCK:
            total += len(_TOKEN.findall(b"\n".join(block)))
            block, size = [], 0
    return total + len(_TOKEN.findall(b"\n".join(block)))
