"""What a person has ordered to come here: a signed grant, where its source is, and how far it has come.

Each order has a key of its own, to which its chunks are sealed. It lies under the owner's key and goes when the
transfer ends: what somebody recorded on the way cannot be opened afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from secrets import token_bytes
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import owners, sealing
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.tables import ARRIVALS
from cyberprivacy.vault.transfer.states import TransferRefused

PENDING: Final = 8
"""Orders of one owner that run at the same time."""
_ARRIVALS: Final = ARRIVALS


class Stage(Enum):
    """How it stands with an order."""

    RUNNING = "running"
    INCOMPLETE = "incomplete"
    """All was read, some records were not taken, and both have signed that."""
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    """Its person took it back, and what came is erased."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One order.

    Attributes:
        owner: whose, as this application knows them, 32 bytes. id: of the transfer, 16 bytes.
        source: site of the vault that holds the records. holder: its Ed25519 key, 32 bytes.
        key: opens what is sealed for this transfer; None once it has ended.
    """

    owner: bytes
    id: bytes
    grant: Grant
    document: bytes
    source: str
    holder: bytes
    key: X25519PrivateKey | None
    stage: Stage


class Arrivals:
    """The orders of one place."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Keep keys under those of `ring`."""
        self._database, self._ring = database, ring

    def order(
        self, connection: Connection, owner: bytes, document: bytes, *, source: str, holder: bytes, now: float
    ) -> bytes:
        """Remember a grant that was admitted in this transaction; the id of the transfer, 16 bytes.

        Raises:
            Misuse: too many orders of this owner run already ("transfer.pending").
        """
        running = select(func.count()).where(_ARRIVALS.c.owner == owner, _ARRIVALS.c.state == Stage.RUNNING.value)
        if connection.execute(running).scalar_one() >= PENDING:
            raise Misuse("too many transfers run", code="transfer.pending", hint="Wait for one.", limit=PENDING)
        id_, secret = token_bytes(16), X25519PrivateKey.generate().private_bytes_raw()
        wrapped = sealing.wrap(self._ring.key(owners.look(connection, owner).holder), secret)
        row = {"owner": owner, "id": id_, "grant": SignedGrant.decode(document).grant.id, "document": document}
        said = {"source": source, "state": Stage.RUNNING.value, "why": ""}
        times = {"asked": int(now), "heard": int(now)}
        connection.execute(insert(_ARRIVALS).values(**row, holder=holder, key=wrapped, **said, **times))
        return id_

    def under(self, connection: Connection, owner: bytes, document: bytes) -> bytes | None:
        """The transfer that was ordered by this very document."""
        mine = (_ARRIVALS.c.owner == owner, _ARRIVALS.c.grant == SignedGrant.decode(document).grant.id)
        row = connection.execute(select(_ARRIVALS.c.id, _ARRIVALS.c.document).where(*mine)).first()
        return row.id if row is not None and row.document == document else None

    def running(self) -> Sequence[tuple[bytes, bytes]]:
        """Owner and transfer of every order that is not at its end."""
        found = select(_ARRIVALS.c.owner, _ARRIVALS.c.id).where(_ARRIVALS.c.state == Stage.RUNNING.value)
        with self._database.reading() as connection:
            return [(row.owner, row.id) for row in connection.execute(found)]

    def one(self, owner: bytes, transfer: bytes) -> Arrival:
        """One order.

        Raises:
            TransferRefused: there is none ("transfer.unknown").
            NoOwner, Untrusted: the owner's key is gone.
        """
        with self._database.reading() as connection:
            row = known(connection, owner, transfer)
            key = None
            if row.key is not None:
                user = self._ring.key(owners.look(connection, owner).holder)
                key = X25519PrivateKey.from_private_bytes(sealing.unwrap(user, row.key))
        grant = SignedGrant.decode(row.document).grant
        return Arrival(owner, row.id, grant, row.document, row.source, row.holder, key, Stage(row.state))

    def stands(self, arrival: Arrival, stage: Stage, why: str, now: float) -> None:
        """Note how it stands with an order that runs; whoever ended it meanwhile is right."""
        runs = and_(_this(arrival.owner, arrival.id), _ARRIVALS.c.state == Stage.RUNNING.value)
        changed = {"state": stage.value, "why": why[:64], "heard": int(now)}
        gone = {"key": None} if stage is Stage.DONE else {}
        with self._database.transaction() as connection:
            connection.execute(update(_ARRIVALS).where(runs).values(**changed, **gone))

    def resume(self, owner: bytes, transfer: bytes, *, now: float) -> None:
        """Try again what failed, or the records that were rejected.

        Raises:
            TransferRefused: "transfer.unknown", or it has ended ("transfer.ended").
        """
        with self._database.transaction() as connection:
            row = known(connection, owner, transfer)
            if Stage(row.state) in (Stage.DONE, Stage.UNDONE):
                raise TransferRefused("the transfer has ended", code="transfer.ended", state=row.state)
            again = {"state": Stage.RUNNING.value, "why": "", "heard": int(now)}
            connection.execute(update(_ARRIVALS).where(_this(owner, transfer)).values(again))


def known(connection: Connection, owner: bytes, transfer: bytes) -> Any:
    """The row of an order; raises TransferRefused ("transfer.unknown")."""
    row = connection.execute(select(_ARRIVALS).where(_this(owner, transfer))).one_or_none()
    if row is None:
        raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())
    return row


def undo(connection: Connection, owner: bytes, grant: bytes) -> None:
    """Its person has taken this grant back: what was ordered by it has ended."""
    mine = (_ARRIVALS.c.owner == owner, _ARRIVALS.c.grant == grant)
    connection.execute(update(_ARRIVALS).where(*mine).values(state=Stage.UNDONE.value, why="", key=None))


def _this(owner: bytes, transfer: bytes) -> ColumnElement[bool]:
    return and_(_ARRIVALS.c.owner == owner, _ARRIVALS.c.id == transfer)
