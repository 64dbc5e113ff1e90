"""What the node lets this application be asked: it writes that into a file that only it can write.

The file is /run/cyberprivacy/parameters.json in every container (docs/reference/administration.md). Where there is
none, as on a developer's machine, nothing may be asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from cyberprivacy.bundle.declared import FromRecords, Take
from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import TryLater

PARAMETERS: Final = Path("/run/cyberprivacy/parameters.json")
MAX_BYTES: Final = 1 << 20


class BadParameters(TryLater):
    """The node's file is not what a node writes."""

    code = "statistics.file"
    hint = "The node replaces it within seconds; if it stays so, node and application are of different releases."


@dataclass(frozen=True, slots=True)
class Asked:
    """A statistic of records that the release declares.

    Attributes:
        doc: what it is, in the words of the release.
    """

    doc: str
    of: FromRecords


def asked(file: Path) -> Mapping[str, Asked]:
    """The statistics of records that the running release declares, by name.

    Raises:
        BadParameters: the file is no such file.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    try:
        value = json.loads(data) if len(data) <= MAX_BYTES and nested_within(data, 8) else None
        if isinstance(value, dict) and isinstance(found := value.get("statistics"), dict):
            return {str(name): _asked(said) for name, said in found.items()}
    except ValueError:
        pass
    raise BadParameters("the node's parameters cannot be read", path=str(file))


def _asked(said: object) -> Asked:
    """Raises ValueError."""
    match said:
        case {"doc": str(doc), "type": str(kind), "take": str(take), "field": str(field), "within": int(within)}:
            for each in get_args(Take):
                if take == each:
                    return Asked(doc, FromRecords(kind, each, field, within))
    raise ValueError("not a statistic of records")
