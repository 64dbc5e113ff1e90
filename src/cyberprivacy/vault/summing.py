"""Adding up a field of somebody's records that the vault cannot read, page by page.

Source: docs/spec/udi-1.md, "Encrypted numbers".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from cyberprivacy import strict_json
from cyberprivacy.errors import Misuse
from cyberprivacy.vault import numbercell, numberform
from cyberprivacy.vault.numberform import LARGEST_SUM, BadNumber
from cyberprivacy.vault.records import Record, Records
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.types import MAX_BODY, Judged

PAGE: Final = 1_000
"""Records that are looked at for one sum, at most."""
_READ: Final = 50
"""Records in memory at a time: each may hold two ciphertexts."""


class NoNumber(Misuse):
    """A type has no such field that can be added up."""

    code = "number.field"
    hint = "`GET /udi/v1/types/{type}` shows its fields; those with `x-sensitivity` `he-sum` can be added up."


@dataclass(frozen=True, slots=True, kw_only=True)
class Addends:
    """What is to be added up.

    Attributes:
        owner: 32 bytes, pairwise.
        judged: the type of the records.
        field: of the type, in which numbers stand encrypted.
        selector: which records.
        after: id of the record from which on, b"" from the first.
        limit: records to look at, 1 to `PAGE`.
    """

    owner: bytes
    judged: Judged
    field: str
    selector: Selector
    after: bytes
    limit: int


@dataclass(frozen=True, slots=True)
class Added:
    """One page's sum.

    Attributes:
        ciphertext: for whoever has the key; None where there was nothing to add.
        count: how many numbers were added.
        following: the last record that was looked at, if there may be more; else None.
    """

    ciphertext: bytes | None
    count: int
    following: bytes | None


def added(connection: Connection, records: Records, asked: Addends) -> Added:
    """Add up one page; records without the field count nothing.

    Raises:
        NoNumber: the type has no such field.
        BadNumber: a record holds what is no ciphertext ("number.form"); the fact `record` says which.
        CellBusy: see `numbercell.add`.
    """
    if asked.field not in asked.judged.encrypted:
        raise NoNumber("no such encrypted field", type=asked.judged.type.name, field=asked.field)
    bound = max(map(abs, asked.judged.encrypted[asked.field]))
    page = _Page(connection, records, asked, most=min(asked.limit, LARGEST_SUM // bound))
    numbers = iter(page)
    first = next(numbers, None)
    if first is None:
        return Added(None, 0, page.following)
    try:
        total = numbercell.add(_with(first, numbers), bound=bound)
    except BadNumber as error:
        place = error.facts.get("n")
        if isinstance(place, int) and place < len(page.found):
            error.facts["record"] = page.found[place].hex()
        raise
    return Added(total, len(page.found), page.following)


class _Page:
    """The ciphertexts of one page of records, read as they are asked for.

    Attributes:
        found: ids of the records whose numbers were given out, in order.
        following: as in `Added`, once all were given out.
    """

    def __init__(self, connection: Connection, records: Records, asked: Addends, *, most: int) -> None:
        self._connection, self._records, self._asked, self._most = connection, records, asked, most
        self.found: list[bytes] = []
        self.following: bytes | None = None

    def __iter__(self) -> Iterator[bytes]:
        after, looked = self._asked.after, 0
        while looked < self._most:
            wanted = min(_READ, self._most - looked)
            some = self._records.page(
                self._connection, self._asked.owner, kind=self._asked.judged.type.name, after=after, limit=wanted
            )
            yield from self._of(some)
            if len(some) < wanted:
                return
            after, looked = some[-1].id, looked + wanted
        self.following = after

    def _of(self, some: Sequence[Record]) -> Iterator[bytes]:
        for each in some:
            value = strict_json.read(each.body, limit=MAX_BODY)
            number = value.get(self._asked.field) if isinstance(value, dict) else None
            if number is not None and self._asked.selector.matches(value, each.changed):
                self.found.append(each.id)
                yield numberform.octets(number)


def _with(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
