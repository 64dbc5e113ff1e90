"""Sums of encrypted numbers over HTTP."""

from typing import Final

from cyberprivacy.vault import numberform
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.numberform import SCHEME
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.summing import Addends, added
from cyberprivacy.vault.types import Types
from cyberprivacy.vault.web import kept
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Reply, Who

_HEAVY: Final = 100
"""What a sum costs, against reading one record: a process of its own, and up to a thousand records."""


class Numbers:
    """The endpoint of sums."""

    def __init__(self, database: Database, records: Records, types: Types) -> None:
        self._database, self._records, self._types = database, records, types

    def endpoints(self) -> list[Endpoint]:
        """Its entry of the table."""
        return [
            Endpoint(
                method="GET", path="/udi/v1/sums", name="addNumbers", who=Who.SESSION, act=Act.READ, run=self._add,
                summary="The sum of a field that only the person can read, still encrypted.",
                query=kept.SumQuery, answer=kept.NumberSum, also=(404,), cost=_HEAVY,
            )
        ]  # fmt: skip

    def _add(self, call: Call) -> Reply:
        asked = call.asked(kept.SumQuery)
        selector = Selector.parse(asked.selector)
        with self._database.reading() as connection:
            addends = Addends(
                owner=call.who.owner(asked.app),
                judged=self._types.get(connection, asked.type),
                field=asked.field,
                selector=selector,
                after=bytes.fromhex(asked.after or ""),
                limit=asked.limit,
            )
            found = added(connection, self._records, addends)
        total = None if found.ciphertext is None else numberform.text(found.ciphertext)
        following = found.following.hex() if found.following else None
        return Reply(kept.NumberSum(scheme=SCHEME, ciphertext=total, count=found.count, next=following))
