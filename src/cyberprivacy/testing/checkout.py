"""What tests and benchmarks share of the checkout that they belong to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import Town

PROJECT: Final = Path(__file__).resolve().parents[3]
ANVIL: Final = PROJECT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
DEBS: Final = Path.home() / ".cache/cyberprivacy/debs"
"""Debian packages that were fetched once; each is checked again whenever it is used."""


@contextmanager
def founded(folder: Path) -> Iterator[Story]:
    """A town with a DAO and no node yet, for as long as the block lasts."""
    with Town(folder, ANVIL) as town:
        story = Story(town, PROJECT / "examples", cache=DEBS)
        story.found()
        yield story
