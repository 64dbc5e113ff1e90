"""Where a bundle comes from: the options of every command that reads one, and what they show meanwhile."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import structlog
import typer
from platformdirs import user_cache_path

from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.kubo import Kubo
from cyberprivacy.bundle.panel import Panel
from cyberprivacy.bundle.sources import BlockSource, Fault, Progress, Received
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import Cid
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import out

Store = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="Folder that keeps blocks; asked before any gateway.")
]
_GATEWAYS: Final = Annotated[
    list[str],
    typer.Option("--gateway", "-g", metavar="URL", help="Trustless gateway to ask; repeat for more."),
]
_KUBOS: Final = Annotated[
    list[str],
    typer.Option("--kubo", metavar="URL", help="RPC address of a Kubo to ask, such as http://127.0.0.1:5001."),
]
_OPTIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "gateway": (_GATEWAYS, []),
    "kubo": (_KUBOS, []),
    "store": (Store, None),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked for a bundle. Nobody is believed: each byte is checked against its address."""

    gateway: list[str]
    kubo: list[str]
    store: Path | None

    @property
    def named(self) -> bool:
        """Whether there is any."""
        return bool(self.gateway or self.kubo or self.store)

    def fetch(self, root: Cid, into: Path) -> VerifiedBundle:
        """All files, written there; the blocks stay in the store.

        Raises:
            BadBundle, BadCid, Unavailable: as `bundle.fetch.fetch`.
        """
        with _watching() as watch:
            return fetch(root, self._others(), kept(self.store), into, progress=watch)

    @contextmanager
    def bundle(self, root: Cid) -> Iterator[VerifiedBundle]:
        """All files, for as long as the block lasts.

        Raises:
            BadBundle, BadCid, Unavailable: as `fetch`.
        """
        with TemporaryDirectory(prefix="cyberprivacy-") as folder:
            yield self.fetch(root, Path(folder) / "tree")

    @contextmanager
    def panel(self) -> Iterator[Panel]:
        """All of them as one, the store first, for who reads only some of the blocks."""
        with _watching() as watch:
            yield Panel([kept(self.store), *self._others()], watch)

    def _others(self) -> list[BlockSource]:
        return [*(Gateway(url) for url in self.gateway), *(Kubo(url) for url in self.kubo)]


def with_sources(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Sources`; it takes them as one argument, `sources`."""
    return bundled(command, "sources", _OPTIONS, Sources)


def kept(store: Path | None) -> FolderStore:
    """The folder that keeps blocks: this one, or a user's own."""
    return FolderStore(store or user_cache_path("cyberprivacy") / "blocks")


@contextmanager
def _watching() -> Iterator[Progress]:
    """Shows what comes in: live on a terminal, a line for each doubling in a pipe; each dropped source by name."""
    shown = 1 << 20

    def line(event: Received | Fault) -> None:
        nonlocal shown
        if isinstance(event, Fault):
            out.progress(f"dropped {event.source}: {event.error.what} [{event.error.code}]")
        elif out.terminal:
            status.update(f"{event.blocks} blocks, {event.size >> 10} KiB from {event.source}")
        elif event.size >= shown:
            shown = event.size * 2
            out.progress(f"{event.blocks} blocks, {event.size >> 10} KiB")

    status = out.errors.status("asking")
    with _no_logs(), status if out.terminal else nullcontext():
        yield line


@contextmanager
def _no_logs() -> Iterator[None]:
    """What is logged of sources is shown as progress here; stdout is for results alone."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)
