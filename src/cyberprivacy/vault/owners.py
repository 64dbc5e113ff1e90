"""Owners: an account as one application sees it, with a key of its own, a quota and a count of events."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from cyberprivacy.errors import Misuse
from cyberprivacy.vault.database import add
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.tables import ACCOUNTS, ERASURES, OWNERS

FIRST: Final = 1
"""The generation of an owner's first key."""


class NoOwner(Misuse):
    """Nobody is known here under this id."""

    code = "owner.none"
    hint = "Sign in first; an account that was erased has to begin anew."


@dataclass(slots=True)
class Owner:
    """An owner's row, locked for the rest of the transaction where it was taken for a change.

    Attributes:
        id: 32 bytes, pairwise.
        seq: of the last event.
        records: how many there are.
        bytes: of records and blobs, before sealing.
        generation: of the key; 0 while being erased.
        dirty: since when deleted records wait for another generation, POSIX seconds.
    """

    id: bytes
    seq: int
    records: int
    bytes: int
    generation: int
    dirty: int | None

    @property
    def holder(self) -> Holder:
        """Whose key opens what this owner has."""
        return Holder(self.id, self.generation)


_ROW: Final = select(
    OWNERS.c.id, OWNERS.c.seq, OWNERS.c.records, OWNERS.c.bytes, OWNERS.c.generation, OWNERS.c.dirty
).where(OWNERS.c.id == bindparam("wanted"))
# Not the strongest lock: two sign-ins at once both refer to the account already, and would wait for each other.
_ACCOUNT: Final = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == bindparam("wanted")).with_for_update(key_share=True)
_ERASING: Final = select(ERASURES.c.id).where(ERASURES.c.owner == bindparam("wanted"), ERASURES.c.done.is_(None))
_LOOKED: Final = Statement(_ROW)
_TAKEN: Final = Statement(_ROW.with_for_update())
_KEPT: Final = Statement(
    update(OWNERS)
    .where(OWNERS.c.id == bindparam("wanted"))
    .values({each: bindparam(each) for each in ("seq", "records", "bytes", "generation", "dirty")})
)


def admit(connection: Connection, store: KeyStore, owner: bytes, *, account: bytes, app: str, now: int) -> None:
    """Make an owner, with a key; an owner that is there already stays as it is.

    The key is on disk before the row: a crash in between leaves a key that nothing is sealed under, and that the
    next try takes. An owner that was erased gets another key, never the old one.

    Raises:
        NoOwner: there is no such account, or it is being erased.
    """
    if connection.execute(select(OWNERS.c.id).where(OWNERS.c.id == owner)).first() is not None:
        return
    stays = connection.execute(_ACCOUNT, {"wanted": account}).first() is not None
    if not stays or connection.execute(_ERASING, {"wanted": account}).first() is not None:
        raise NoOwner("no such account", account=account.hex())
    holder = Holder(owner, FIRST)
    if not store.holds(holder):
        store.create([holder])
    row = {"id": owner, "account": account, "app": app, "seq": 0, "records": 0, "bytes": 0}
    add(connection, OWNERS, {**row, "generation": FIRST, "dirty": None, "created": now})


def take(connection: Connection, owner: bytes) -> Owner:
    """The owner, for a change: others who want to change something wait until this transaction ends.

    Raises:
        NoOwner: there is none, or it is being erased.
    """
    return _found(connection, owner, locked=True)


def look(connection: Connection, owner: bytes) -> Owner:
    """The owner, for reading; raises as `take`."""
    return _found(connection, owner, locked=False)


def keep(connection: Connection, owner: Owner) -> None:
    """Write an owner back that was taken in this transaction."""
    changed = {"seq": owner.seq, "records": owner.records, "bytes": owner.bytes}
    key = {"generation": owner.generation, "dirty": owner.dirty}
    _KEPT.run(connection, {"wanted": owner.id, **changed, **key})


def _found(connection: Connection, owner: bytes, *, locked: bool) -> Owner:
    row = (_TAKEN if locked else _LOOKED).row(connection, wanted=owner)
    found = None if row is None else Owner(*row)
    if found is None or found.generation == 0:
        raise NoOwner("no such owner", owner=owner.hex())
    return found
