"""Where a log is read from: a node's address, any web server with its files, or a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.reading import FolderSource, Source
from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.node.logsource import WebSource

DAY: Final = 86_400


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
