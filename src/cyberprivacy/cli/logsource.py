"""Where a log is read from: a node's address, any web server with its files, or a folder."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.wire import Wire
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.reading import FolderSource, Missing, Source
from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.ledger.tiles import BadTile
from cyberprivacy.ledger.trust import Trust

NODE: Final = "/.well-known/cyberprivacy/log"
DAY: Final = 86_400
_PATIENCE: Final = 60.0


class WebSource:
    """A log over HTTP; a `reading.Source`."""

    def __init__(self, url: str) -> None:
        """Prepare, without connecting.

        Raises:
            Misuse: "bundle.url".
        """
        # A node's certificate is its own and a log proves itself: what is read is checked against the log's key.
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        self._wire = Wire(url if urlsplit(url).path.strip("/") else url.rstrip("/") + NODE, tls=tls)

    @property
    def name(self) -> str:
        """Its address."""
        return self._wire.name

    def read(self, path: str, limit: int) -> bytes | None:
        """As `Source` says."""
        try:
            with self._wire.ask("GET", f"/{path}", {}, limit=limit, deadline=_PATIENCE) as answer:
                return None if answer is None else answer.whole()
        except BadSource as problem:
            raise BadTile(problem.what, code="log.source", source=self.name, path=path) from problem
        except Unavailable as problem:
            facts = {"source": self.name, "reason": str(problem.facts.get("reason", problem.what))}
            raise Missing(
                "the log does not answer", code="log.unreachable", hint="Ask again later.", **facts
            ) from None


def source_of(text: str) -> Source:
    """The source that a user names.

    Raises:
        Misuse: "log.source": neither an address nor a folder.
    """
    if text.startswith(("https:", "http:")):
        return WebSource(text)
    if Path(text).is_dir():
        return FolderSource(Path(text))
    raise Misuse("neither an http(s) address nor a folder", code="log.source", source=text[:200])


def trust_of(
    keys: Sequence[str],
    witnesses: Sequence[str],
    *,
    quorum: int | None,
    max_age: int | None,
    offline: bool = False,
) -> Trust:
    """What a user asks of a log.

    Args:
        keys: the log's keys, as text; their name is its origin.
        witnesses: keys of witnesses, as text.
        quorum: how many witnesses; None = all that are named.
        max_age: seconds; None = a day, if anybody whose key is given dates what they sign.
        offline: what was true once stays true: no age is asked for unless `max_age` says so.

    Raises:
        Misuse: "log.keys", "note.key", "log.trust".
    """
    log, others = [VerifierKey.parse(each) for each in keys], [VerifierKey.parse(each) for each in witnesses]
    origins = {key.name for key in log}
    if len(origins) != 1:
        raise Misuse(
            "give the keys of one log",
            code="log.keys",
            hint="--key; the node's operator publishes them, and `status` of the node repeats them.",
            origins=", ".join(sorted(origins)) or "none",
        )
    needed = len({key.name for key in others}) if quorum is None else quorum
    dated = needed or any(key.kind is not Kind.LOG for key in log)
    age = max_age if max_age is not None or offline or not dated else DAY
    return Trust.of(origins.pop(), log, others, quorum=needed, max_age=age)
