"""Orders to erase: what a recipient got under a grant shall go, and whether it has confirmed that it did.

An order is written in the transaction of the revocation that it carries out, and stays until the recipient's
receipt is here: whenever a process dies, the next one goes on. Telling twice is harmless, as the recipient answers
with the same erasure. Source: docs/spec/udi-1.md, "Erasing at recipients".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from cyberprivacy import canonical, strict_json
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault import receipt
from cyberprivacy.vault.carriage import SignedRevoke
from cyberprivacy.vault.erasing import Scope, What
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.receipt import BadReceipt
from cyberprivacy.vault.tables import ORDERS, SHARINGS

FIRST: Final = 2
"""Seconds before the second try; each pause is twice the one before."""
LONGEST: Final = 6 * 3_600
"""Seconds between two tries."""
GIVEN_UP: Final = 90 * 86_400
"""Seconds after which a recipient that has not confirmed is told no more."""
FINAL: Final = ("grant.unknown", "grant.form", "account.unknown", "recipient.site")
"""Answers after which telling it again would change nothing."""


class State(Enum):
    """How an order stands."""

    TOLD = "told"
    """The recipient has not confirmed yet."""
    CONFIRMED = "confirmed"
    """Its signed receipt is here."""
    REFUSED = "refused"
    """It will not be told again: it never got the grant, has no address, or was silent for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One recipient that has to erase.

    Attributes:
        owner: whose records these were, 32 bytes. account: the same person at the recipient, 32 bytes.
        grant: id, 16 bytes.
        recipient: name of the application.
        holder: Ed25519 key that signs its receipt, 32 bytes.
        site: where it answers; "" = nowhere.
        document: the person's signed words.
        why: reason code of the last try; "" = none, or it went well.
        asked, due: POSIX seconds; `due` is when it is told next, None = never.
        receipt: of the recipient, as it came; None before it confirmed.
    """

    owner: bytes
    grant: bytes
    recipient: str
    account: bytes
    holder: bytes
    site: str
    document: bytes
    state: State
    why: str
    tries: int
    asked: int
    due: int | None
    receipt: bytes | None

    def check(self, document: bytes) -> None:
        """Refuse a receipt that does not confirm this order.

        Raises:
            Untrusted: not signed with the recipient's key, or malformed ("receipt.*", "json.form"), or about
                something else ("receipt.scope").
        """
        said = receipt.check(document, self.holder)
        about = (said.get("scope"), said.get("subject"))
        if about != (Scope(What.GRANT, self.grant.hex()).document(), self.account.hex()):
            raise BadReceipt("a receipt about something else", code="receipt.scope", grant=self.grant.hex())


def order(connection: Connection, owner: bytes, grant: Grant, signed: SignedRevoke, *, now: int) -> None:
    """Have the recipient of a grant erase; an order that is confirmed already stays so."""
    row = connection.execute(
        select(SHARINGS.c.holder, SHARINGS.c.site).where(SHARINGS.c.owner == owner, SHARINGS.c.grant == grant.id)
    ).first()
    if row is None:
        return  # nobody has ever registered as its recipient here, so nothing went out
    mine = (ORDERS.c.owner == owner, ORDERS.c.grant == grant.id)
    connection.execute(delete(ORDERS).where(*mine, ORDERS.c.state != State.CONFIRMED.value))
    if connection.execute(select(ORDERS.c.grant).where(*mine)).first() is not None:
        return
    site = row.site or ""
    state = (State.TOLD, "", now) if site else (State.REFUSED, "recipient.site", None)
    connection.execute(
        insert(ORDERS).values(
            owner=owner,
            grant=grant.id,
            recipient=grant.recipient.app,
            account=grant.recipient.account,
            holder=row.holder,
            site=site,
            document=signed.encode(),
            tries=0,
            asked=now,
            **dict(zip(("state", "why", "due"), (state[0].value, *state[1:]), strict=True)),
        )
    )


def of(connection: Connection, owners: Sequence[bytes]) -> list[Order]:
    """The orders about some owners' records, oldest first."""
    found = select(ORDERS).where(ORDERS.c.owner.in_(owners)).order_by(ORDERS.c.asked, ORDERS.c.grant)
    return [_read(row) for row in connection.execute(found)]


def due(connection: Connection, now: float, *, limit: int = 16) -> list[Order]:
    """Whom to tell now, those first who wait longest."""
    found = select(ORDERS).where(ORDERS.c.due <= int(now)).order_by(ORDERS.c.due).limit(limit)
    return [_read(row) for row in connection.execute(found)]


def next_due(connection: Connection) -> int | None:
    """When somebody has to be told next, POSIX seconds; None = nobody."""
    return connection.execute(select(func.min(ORDERS.c.due))).scalar()


def confirmed(connection: Connection, told: Order, document: bytes) -> None:
    """Keep the receipt of a recipient, which `Order.check` has accepted. The person's words are needed no more."""
    done = {"state": State.CONFIRMED.value, "why": "", "due": None, "receipt": document, "document": b""}
    connection.execute(update(ORDERS).where(*_is(told)).values(tries=told.tries + 1, **done))


def later(connection: Connection, told: Order, why: str, *, now: int) -> None:
    """Tell it again after a pause, or never where that would change nothing; `why` is "" if it is on its way."""
    over = why in FINAL or now >= told.asked + GIVEN_UP
    pause = 1 if not why else min(FIRST << min(told.tries, 20), LONGEST)
    state = State.REFUSED if over else State.TOLD
    tries = told.tries + (1 if why else 0)
    connection.execute(
        update(ORDERS)
        .where(*_is(told))
        .values(state=state.value, why=why[:64], tries=tries, due=None if over else now + pause)
    )


def shown(told: Order) -> dict[str, object]:
    """As it stands in the receipt of whoever erases at the source."""
    return {"app": told.recipient, "grant": told.grant.hex(), "state": told.state.value}


def _is(told: Order) -> tuple[Any, ...]:
    """The order as it was read: one that came anew meanwhile is another."""
    return ORDERS.c.owner == told.owner, ORDERS.c.grant == told.grant, ORDERS.c.document == told.document


def _read(row: Row[Any]) -> Order:
    same = (
        "owner",
        "grant",
        "recipient",
        "account",
        "site",
        "document",
        "why",
        "tries",
        "asked",
        "due",
        "receipt",
    )
    holder = bytes.fromhex(row.holder.rpartition(":")[2])
    return Order(**{name: getattr(row, name) for name in same}, holder=holder, state=State(row.state))


def receipt_of(answer: bytes) -> bytes | None:
    """The receipt in a recipient's answer, in its one spelling; None while it is still erasing.

    Raises:
        Untrusted: an answer of another form ("receipt.form", "json.form").
    """
    match strict_json.read(answer, limit=receipt.LIMIT):
        case {"receipt": None}:
            return None
        case {"receipt": dict(said)}:
            return canonical.encode(said)
    raise Untrusted("not an erasure", code="receipt.form")
