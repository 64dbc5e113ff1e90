"""What pages of docs/ show to be typed."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shows(page: str, kind: str) -> list[str]:
    """The blocks of one kind, such as "json", that a page shows.

    Args:
        page: its path in docs/.
    """
    return [body for found, body in _BLOCK.findall((DOCS / page).read_text()) if found == kind]


def commands(page: str) -> list[str]:
    """The lines of a page that a person types, in its order; those that go on below are one."""
    return [line for block in shows(page, "sh") for line in block.replace("\\\n", " ").splitlines()]


def words(line: str, meant: Mapping[str, str]) -> list[str]:
    """A line as words after the program's name, each thing that stands for another replaced.

    Args:
        line: one of `commands`.
        meant: what stands on the page -> what is meant here; longer ones first.
    """
    for shown in sorted(meant, key=len, reverse=True):
        line = line.replace(shown, meant[shown])
    program, *rest = shlex.split(line)
    assert program == "cyberprivacy", line
    return rest
