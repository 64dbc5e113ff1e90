"""What a command prints: results on stdout, progress on stderr, one JSON document with --json."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cyberprivacy.errors import CyberPrivacyError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

PIPE: Final = 200
"""Columns of a table where nobody's window is asked: long enough for a CID beside an address."""


def verbatim(text: str) -> str:
    """The end of a help text in which paragraphs with indented lines, such as files, are printed as they stand.

    Source: Click's documentation, "Preventing Rewrapping".
    """
    return "\n\n".join(f"\b\n{each}" if "\n  " in f"\n{each}" else each for each in text.split("\n\n"))


class Output:
    """Where commands write. Colours and live progress appear only on a terminal; NO_COLOR is respected."""

    def __init__(self) -> None:
        self._stdout = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE)
        self._stderr = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def terminal(self) -> bool:
        """Whether somebody watches progress as it moves."""
        return self._stderr.is_terminal

    @property
    def one_terminal(self) -> bool:
        """Whether results and progress are on one terminal."""
        return self._stdout.is_terminal and self._stderr.is_terminal

    @property
    def errors(self) -> Console:
        """The console of stderr, for live progress."""
        return self._stderr

    def result(self, value: Mapping[str, object], human: str | Table | Text, *, as_json: bool) -> None:
        """Print what a command found or changed: `value` as JSON, or `human` for people."""
        if as_json:
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        else:
            self.human(human)

    def document(self, data: bytes) -> None:
        """Print a document as it is, to the byte: one more line end would be another spelling of it."""
        sys.stdout.flush()
        sys.stdout.write(data.decode())

    def human(self, text: str | Table | Text) -> None:
        """Print for people, on stdout. Plain strings are never read as markup."""
        self._stdout.print(Text(text) if isinstance(text, str) else text)

    def progress(self, text: str) -> None:
        """One line of progress, on stderr."""
        self._stderr.print(Text(text, style="dim"))

    def warning(self, text: str) -> None:
        """What somebody must not overlook, on stderr."""
        self._stderr.print(Text(text, style="bold yellow"))

    def refusal(self, error: CyberPrivacyError) -> None:
        """Print why something was refused: what, code, facts and hint, on stderr."""
        line = Text("refused: " if error.exit_code == 1 else "error: ", style="bold red")
        line.append(error.what, style="default")
        line.append(f"  [{error.code}]", style="bold")
        self._stderr.print(line)
        for name, value in error.facts.items():
            self._stderr.print(Text(f"  {name}: {value}", style="dim"))
        if error.hint:
            self._stderr.print(Text(f"  → {error.hint}"))


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, title: str = "") -> Table:
    """A table for people; a CID or a digest is never cut, and numbers end in one line."""
    made = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False)
    lines = list(rows)
    for place, column in enumerate(columns):
        numbers = all(str(row[place]).isdecimal() or not row[place] for row in lines)
        made.add_column(column, overflow="fold", justify="right" if numbers else "left")
    for row in lines:
        made.add_row(*row)
    return made


out: Final = Output()
