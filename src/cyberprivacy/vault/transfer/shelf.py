"""Where records go at the recipient."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from sqlalchemy import Connection

from cyberprivacy.vault.transfer.parcel import Item


class Put(Enum):
    """What became of a record."""

    NEW = "new"
    THERE = "there"


class Shelf(Protocol):
    """Takes records in."""

    def put(self, connection: Connection, owner: bytes, items: Sequence[Item]) -> Sequence[Put]:
        """Take 1 to 1,000 records in under their own ids, inside the caller's transaction: all, or raise.

        One that is there already, the same, changes nothing.

        Raises:
            Untrusted, Misuse: one of them cannot be taken; its code goes into the receipt.
            TryLater: not now; the whole chunk comes again.
        """
        ...
