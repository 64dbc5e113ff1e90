"""What a place remembers of one owner's grants, and who used them: rows beside the records that they are about.

Everything here happens inside the caller's transaction, so that a use is counted exactly if what it was for
happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from cyberprivacy.vault.carriage import SignedGrant, SignedRevoke
from cyberprivacy.vault.change import Ids
from cyberprivacy.vault.granting import Admitted, GrantRefused, Registered
from cyberprivacy.vault.keylog import SKEW
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.tables import ACCESSES, GRANTS, NONCES

MAX_GRANTS: Final = 4_096
"""Of one owner."""
_PURPOSE: Final = "grant"
_IDS: Final = Ids()
"""Of accesses: those of one second are told apart by their order, too."""
_REMEMBERED: Final = 10 * 366 * 86_400
"""Seconds."""


class GrantGone(GrantRefused):
    """There is no such grant here, for this owner."""

    code = "grant.unknown"
    hint = "Look at the list of grants; it may have been made elsewhere."


@dataclass(frozen=True, slots=True)
class Access:
    """One use of somebody's records, for the person to read.

    Attributes:
        who: the application, or "owner".
        grant: id of the grant under which it was, 16 bytes; None for the owner.
        records: how many.
        at: POSIX seconds.
    """

    who: str
    grant: bytes | None
    action: Action
    data_type: str
    records: int
    at: int


class GrantBook:
    """The grants of one owner (pairwise id, 32 bytes); a `granting.Memory`."""

    def __init__(self, connection: Connection, owner: bytes) -> None:
        """Work inside the transaction of a connection."""
        self._connection, self._owner = connection, owner

    def nonce_used(self, subject: bytes, nonce: bytes) -> bool:
        """See `granting.Memory.nonce_used`."""
        return self._any(select(NONCES.c.nonce).where(NONCES.c.nonce == self._nonce(subject, nonce)))

    def revoked(self, subject: bytes, grant: bytes) -> bool:
        """See `granting.Memory.revoked`: the id came before, whatever became of it."""
        early = select(NONCES.c.nonce).where(NONCES.c.nonce == self._nonce(subject, grant))
        return self._row(grant) is not None or self._any(early)

    def met(self, subject: bytes, app: str) -> bool:  # noqa: ARG002  (the owner is the subject, as one application knows it)
        """See `granting.Memory.met`."""
        return self._any(
            select(GRANTS.c.id).where(GRANTS.c.owner == self._owner, GRANTS.c.recipient == app).limit(1)
        )

    def register(self, admitted: Admitted) -> None:
        """Keep a grant.

        Raises:
            GrantRefused: the owner has too many ("grant.full").
        """
        grant = admitted.signed.grant
        counted = select(func.count()).select_from(GRANTS).where(GRANTS.c.owner == self._owner)
        if self._connection.execute(counted).scalar_one() >= MAX_GRANTS:
            raise GrantRefused("too many grants", code="grant.full", hint="Take some back.", limit=MAX_GRANTS)
        self._spend(grant.subject, grant.nonce, grant.expires, now=admitted.at)
        self._connection.execute(
            insert(GRANTS).values(
                owner=self._owner,
                id=grant.id,
                digest=admitted.digest,
                recipient=grant.recipient.app,
                document=admitted.signed.encode(),
                registered=admitted.at,
                expires=grant.expires,
                uses=0,
            )
        )

    def revoke(self, signed: SignedRevoke, now: float) -> bool:
        """Take a grant back, also one that has not come yet. Whether there was one that counted.

        The revocation of a grant that comes later is remembered for ten years.
        """
        said = signed.revoke
        self._spend(said.subject, said.nonce, said.at + 2 * SKEW, now=now)
        held = self._row(said.grant)
        if held is None:
            self._spend(said.subject, said.grant, int(now) + _REMEMBERED, now=now)
            return False
        if held.revoked is not None:
            return False
        self._connection.execute(
            update(GRANTS).where(self._is(said.grant)).values(revoked=int(now), revocation=signed.encode())
        )
        return True

    def end(self, signed: SignedRevoke, now: int) -> None:
        """Note that a grant that is here was taken back, by words that were used elsewhere before."""
        said = update(GRANTS).where(self._is(signed.revoke.grant)).values(revoked=now, revocation=signed.encode())
        self._connection.execute(said)

    def held(self, grant: bytes) -> Registered:
        """A grant of this id.

        Raises:
            GrantGone: there is none.
        """
        found = self.find(grant)
        if found is None:
            raise GrantGone("no such grant", grant=grant.hex())
        return found

    def find(self, grant: bytes) -> Registered | None:
        """A grant of this id; None if there is none."""
        row = self._row(grant)
        return None if row is None else _registered(row)

    def listed(self, *, after: bytes = b"", limit: int = MAX_GRANTS) -> Sequence[Registered]:
        """The grants, newest first; those that come after one of them (its id)."""
        found = select(GRANTS).where(GRANTS.c.owner == self._owner)
        if after:
            row = self._row(after)
            if row is None:
                raise GrantGone("no such grant", grant=after.hex())
            older = GRANTS.c.registered < row.registered
            found = found.where(or_(older, and_(GRANTS.c.registered == row.registered, GRANTS.c.id > after)))
        newest = found.order_by(GRANTS.c.registered.desc(), GRANTS.c.id).limit(limit)
        return [_registered(row) for row in self._connection.execute(newest)]

    def use(self, held: Registered, access: Access) -> None:
        """Count one use and write down who did what; ask `granting.check_use` first, in the same transaction.

        Raises:
            GrantRefused: somebody else took the last use meanwhile ("grant.used"), or it was taken back.
        """
        grant = held.grant
        counted = update(GRANTS).where(self._is(grant.id), GRANTS.c.revoked.is_(None))
        if grant.max_uses:
            counted = counted.where(GRANTS.c.uses < grant.max_uses)
        if self._connection.execute(counted.values(uses=GRANTS.c.uses + 1)).rowcount != 1:
            if self.held(grant.id).revoked:
                raise GrantRefused("the person has taken this back", code="grant.revoked")
            raise GrantRefused("it was used as often as it may be", code="grant.used", uses=held.uses)
        self.note(access)

    def note(self, access: Access) -> None:
        """Write down who did what."""
        self._connection.execute(
            insert(ACCESSES).values(
                owner=self._owner,
                id=_IDS.new(clock=lambda: access.at),
                grant=access.grant,
                who=access.who,
                action=access.action.value,
                type=access.data_type,
                records=access.records,
                at=access.at,
            )
        )

    def accesses(
        self, grant: bytes | None = None, *, after: bytes = b"", limit: int = 100
    ) -> Sequence[tuple[bytes, Access]]:
        """Who did what, oldest first, each with a cursor; of one grant or of all, those after a cursor."""
        found = select(ACCESSES).where(ACCESSES.c.owner == self._owner, ACCESSES.c.id > after)
        if grant is not None:
            found = found.where(ACCESSES.c.grant == grant)
        rows = self._connection.execute(found.order_by(ACCESSES.c.id).limit(limit))
        return [(r.id, Access(r.who, r.grant, Action(r.action), r.type, r.records, r.at)) for r in rows]

    def _spend(self, subject: bytes, nonce: bytes, until: int, *, now: float) -> None:
        """Once, until a time from which on what it came with is refused by its own time."""
        over = delete(NONCES).where(NONCES.c.expires <= int(now), NONCES.c.purpose == _PURPOSE)
        self._connection.execute(over)
        row = {"nonce": self._nonce(subject, nonce), "purpose": _PURPOSE, "expires": until}
        try:
            self._connection.execute(insert(NONCES).values(row))
        except IntegrityError:
            # Two who come at once are told apart here at the latest.
            raise GrantRefused("this nonce came before", code="grant.nonce") from None

    def _nonce(self, subject: bytes, nonce: bytes) -> bytes:
        return sha256(b"udi/1 nonce\0" + self._owner + subject + nonce).digest()

    def _row(self, grant: bytes) -> Row[Any] | None:
        return self._connection.execute(select(GRANTS).where(self._is(grant))).one_or_none()

    def _is(self, grant: bytes) -> ColumnElement[bool]:
        return and_(GRANTS.c.owner == self._owner, GRANTS.c.id == grant)

    def _any(self, query: Select[Any]) -> bool:
        return self._connection.execute(query).first() is not None


def _registered(row: Row[Any]) -> Registered:
    kept = SignedGrant.decode(row.document).grant
    return Registered(kept, row.registered, row.uses, revoked=row.revoked is not None)
