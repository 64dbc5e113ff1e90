"""Where records go at the recipient."""

from enum import Enum
from typing import Protocol

from sqlalchemy import Connection

from cyberprivacy.vault.transfer.parcel import Item


class Put(Enum):
    """What became of a record."""

    NEW = "new"
    THERE = "there"


class Shelf(Protocol):
    """Where records go."""

    def put(self, connection: Connection, owner: bytes, item: Item) -> Put:
        """Take a record in under its own id, inside the caller's transaction; the same one again changes nothing.

        Raises:
            Untrusted, Misuse: it cannot be taken; the code goes into the receipt.
            TryLater: not now; the whole chunk comes again.
        """
        ...
