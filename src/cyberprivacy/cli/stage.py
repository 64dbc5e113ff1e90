"""What demos share: how a story is told on a screen, and a folder that is theirs alone."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from cyberprivacy.attest.report import Verdict
from cyberprivacy.cli.output import out
from cyberprivacy.cli.verdict import MARKS
from cyberprivacy.errors import Misuse

DEEDS: Final = {
    "release.fetched": "fetched and verified {entries} files, {size} bytes",
    "release.built": "built {images}",
    "release.reported": "reported the build on chain: {images}",
    "release.pushed": "pushed to the registry, digest read back",
    "release.deployed": "deployed; image ids read back from the engine",
    "release.announced": "announced on chain, with the digest of a proof",
    "release.failed": "failed at {step}: {what} [{code}]",
}
"""What the node's ledger says, in words."""

SAME: Final = frozenset({"--rpc", "--dao", "--password-file", "--clusters", "--factory", "--store", "--bases"})
"""Options that are the same in every command of the demo; left out of what is shown."""

MARK: Final = ".cyberprivacy-demo"
"""A file that the demo puts into its folder: what is beside it is its own, and the next demo removes it."""

KEPT: Final = frozenset({MARK, "debs"})
"""What stays when the folder is emptied: packages of Debian are kept by hash."""


class Screen:
    """Tells the story in lines with the seconds since its beginning; spinners only on a terminal."""

    def __init__(self, folder: Path, *, aside: bool = False) -> None:
        """Begin; `aside` = on stderr, where stdout is for a program."""
        self._folder, self.began = folder, time.monotonic()
        self._say: Callable[[Text | str], None] = out.errors.print if aside else out.human

    def chapter(self, title: str) -> None:
        """A heading."""
        self._say("")
        self._line(title, "bold")

    def note(self, text: str) -> None:
        """A line below it."""
        self._line("  " + text, "")

    def typed(self, words: Sequence[str]) -> None:
        """A command as a person would type it, without what is the same in each."""
        shown, skip = [], False
        for word in words:
            if skip or word in SAME or word.startswith("--organisation"):
                skip = not skip and word in SAME
                continue
            shown.append(word.replace(f"{self._folder}/", ""))
        self._line("$ " + " ".join(shown), "cyan")

    def report(self, report: Mapping[str, Any]) -> str:
        """What a verifier found, a line for each check; gives its verdict in words."""
        for check in report["checks"]:
            verdict = Verdict(check["verdict"])
            mark, style = MARKS[verdict]
            plain = verdict is Verdict.PASS  # what is good need not stand out
            self._line(f"  {mark} {check['name']:<20} {check['detail'][:150]}", "" if plain else style)
        said = f"{report['verdict']}ed, level {report['level']}"
        self._line(f"  {said}", "bold green" if report["verdict"] == "accept" else "bold red")
        return said

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A spinner on a terminal, with lines above it; one line in a pipe."""
        if not out.terminal:
            self.note(f"… {what}")
            yield
            return
        before = self._say
        if out.one_terminal:  # whoever draws the spinner has to print, too, or both are on one line
            self._say = out.errors.print
        try:
            with out.errors.status(f"waiting: {what}"):
                yield
        finally:
            self._say = before

    def deed(self, entry: dict[str, Any]) -> None:
        """Something that a node did."""
        self.note(DEEDS[entry["kind"]].format(**entry["facts"]))

    def _line(self, text: str, style: str) -> None:
        stamp = f"{time.monotonic() - self.began:5.1f} s  "
        self._say(Text().append(stamp, style="dim").append(text, style=style))


def empty(folder: Path) -> None:
    """Make the folder, or end what an earlier demo left running there and remove all that it made.

    Raises:
        Misuse: there is something in it, and not from a demo.
    """
    from cyberprivacy.deploy.kubernetes.api import ClusterSilent
    from cyberprivacy.testing.townnode import sweep

    if folder.exists() and not folder.is_dir():
        raise Misuse("not a folder", code="demo.folder", folder=str(folder))
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise Misuse(
            "the folder is not empty, and no demo has marked it as its own",
            code="demo.folder",
            hint=f"Choose another --folder. If all of it may be removed, say so: touch {folder / MARK}",
            folder=str(folder),
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("All that is beside this file is removed by the next `cyberprivacy demo`.\n")
    if (folder / "node" / "node.toml").exists():
        with suppress(ClusterSilent):  # a cluster of a demo ends with it
            sweep(folder / "node" / "node.toml")
    for old in folder.iterdir():
        if old.name not in KEPT:
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
