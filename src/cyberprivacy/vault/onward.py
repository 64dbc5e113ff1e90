"""To whom an application may have given on, under a person's other grants, what it erases now.

Nobody but the person can order those to erase: each grant ends by words that name it. So the receipt says who they
are and how it stands with each. Source: docs/spec/udi-1.md, "Erasing at recipients".
"""

from enum import Enum

from sqlalchemy import Connection

from cyberprivacy.vault import orders
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.grantbook import GrantBook
from cyberprivacy.vault.granting import Registered
from cyberprivacy.vault.scope import Action


class Standing(Enum):
    """What somebody hears of it who was told nothing by the person."""

    HEARS = "hears"
    """It follows the records under a grant that counts, and is told of the end of each."""
    KEEPS = "keeps"
    """Nothing tells it: the person has to take that grant back, too."""


def onward(connection: Connection, owner: bytes, *, now: int) -> list[dict[str, object]]:
    """Whoever read records of an owner under a grant, as it stands in a receipt, oldest grant first.

    Those who were ordered to erase stand in it as their orders do.
    """
    told = {each.grant: each for each in orders.of(connection, [owner])}
    used = [each for each in reversed(GrantBook(connection, owner).listed()) if each.uses]
    return [orders.shown(told[each.grant.id]) if each.grant.id in told else _shown(each, now=now) for each in used]


def _shown(held: Registered, *, now: int) -> dict[str, object]:
    grant = held.grant
    listens = grant.mode is Mode.STANDING and grant.allows(Action.SUBSCRIBE)
    hears = listens and not held.revoked and grant.not_before <= now < grant.expires
    standing = Standing.HEARS if hears else Standing.KEEPS
    return {"app": grant.recipient.app, "grant": grant.id.hex(), "state": standing.value}
