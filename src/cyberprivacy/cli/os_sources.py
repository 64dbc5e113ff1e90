"""Where the sources of a Privacy OS come from: the options that every command about them has, once."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cyberprivacy.cid import Cid
from cyberprivacy.cli.bundle import Gateways, Kubos, Store, panel, temporary
from cyberprivacy.cli.keys import bundled
from cyberprivacy.errors import Untrusted

if TYPE_CHECKING:
    from cyberprivacy.bundle.verified import VerifiedBundle
    from cyberprivacy.privacy_os.release import Measured

Bundle = Annotated[str, typer.Argument(metavar="CID", help="The sources: bafybei…")]

_OPTIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "gateway": (Gateways, []),
    "kubo": (Kubos, []),
    "store": (Store, None),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked for sources. Nobody is believed: each byte is checked against their address."""

    gateway: list[str]
    kubo: list[str]
    store: Path | None

    def tree(self, bundle: str) -> "AbstractContextManager[VerifiedBundle]":
        """All files, for as long as the block lasts."""
        return temporary(Cid.parse(bundle), self.gateway, self.kubo, self.store)

    def saying(self, bundle: str) -> "tuple[bytes, Measured]":
        """The root block, and what the sources say that they measure."""
        from cyberprivacy.bundle.reading import Reading
        from cyberprivacy.privacy_os.release import MAX_LINE, Measured

        cid, take = Cid.parse(bundle), panel(self.gateway, self.kubo, self.store).take
        reading = Reading(take)

        def read(name: str) -> bytes:
            file = reading.at(cid, PurePosixPath(name))
            if file.size is None or file.size > MAX_LINE:
                raise Untrusted("the sources do not say what they measure", code="os.said", size=file.size)
            return b"".join(reading.content(file.cid, file.size))

        return take(cid), Measured.said(read)


def with_sources(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Sources`; it takes them as one argument, `sources`."""
    return bundled(command, "sources", _OPTIONS, Sources)
