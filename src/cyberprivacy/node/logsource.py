"""Somebody else's log over HTTP. Whoever answers is not believed: what is read is checked against its key."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from cyberprivacy.bundle.pace import DEFAULT_PACE
from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.wire import Wire
from cyberprivacy.ledger.reading import Missing
from cyberprivacy.ledger.tiles import BadTile
from cyberprivacy.trust import anybody

NODE: Final = "/.well-known/cyberprivacy/log"
_PATIENCE: Final = 60.0


class WebSource:
    """A log over HTTP; a `reading.Source`."""

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        """Prepare, without connecting.

        Args:
            url: of a node, or with a path the folder of the log itself.
            patience: seconds for one whole answer.

        Raises:
            Misuse: "bundle.url".
        """
        # A host that is gone lets a connection wait as long as we do: that counts as no answer, too.
        pace = replace(DEFAULT_PACE, connect=min(DEFAULT_PACE.connect, patience))
        self._wire = Wire(
            url if urlsplit(url).path.strip("/") else url.rstrip("/") + NODE, pace=pace, tls=anybody()
        )
        self._patience = patience

    @property
    def name(self) -> str:
        """Its address."""
        return self._wire.name

    def read(self, path: str, limit: int) -> bytes | None:
        """As `Source` says."""
        try:
            with self._wire.ask("GET", f"/{path}", {}, limit=limit, deadline=self._patience) as answer:
                return None if answer is None else answer.whole()
        except BadSource as problem:
            raise BadTile(problem.what, code="log.source", source=self.name, path=path) from problem
        except Unavailable as problem:
            facts = {"source": self.name, "reason": str(problem.facts.get("reason", problem.what))}
            raise Missing(
                "the log does not answer", code="log.unreachable", hint="Ask again later.", **facts
            ) from None
