"""What a person has allowed, and who made use of it, over HTTP: for the person alone."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from cyberprivacy.vault import orders
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.grantbook import Access, GrantBook
from cyberprivacy.vault.granting import Registered
from cyberprivacy.vault.orders import Order
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.web import wire
from cyberprivacy.vault.web.custody import order_shown
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Reply, Who
from cyberprivacy.vault.web.kept import ErasingShown

_MODES: Final[dict[Mode, Literal["once", "standing", "move"]]] = {
    Mode.ONCE: "once",
    Mode.STANDING: "standing",
    Mode.MOVE: "move",
}
_Limit = Annotated[int, Meta(ge=1, le=250)]


class GrantsQuery(wire.Form, frozen=True):
    """From where on; a page of fewer than `limit` is the last."""

    after: wire.Id16 | None = None
    limit: _Limit = 100


class ScopeShown(wire.Form, frozen=True):
    """One permission of a grant."""

    type: wire.TypeName
    actions: list[str]
    selector: str


class GrantShown(wire.Form, frozen=True):
    """A grant as it stands; `max_uses` 0 = without limit, `retention` 0 = until it is told to erase.

    `erasing` is how it stands with a recipient that was told to; null if it was not.
    """

    grant: wire.Id16
    recipient: str
    purpose: str
    mode: Literal["once", "standing", "move"]
    scopes: list[ScopeShown]
    registered: wire.Time
    begins: wire.Time
    expires: wire.Time
    retention: wire.Count
    uses: wire.Count
    max_uses: wire.Count
    revoked: bool
    erasing: ErasingShown | None


class GrantPage(wire.Form, frozen=True):
    """Grants, newest first; `next` is `after` of the next page."""

    grants: list[GrantShown]
    next: wire.Id16 | None


class AccessQuery(wire.Form, frozen=True):
    """Under which grant, and from where on; a page of fewer than `limit` is the last."""

    grant: wire.Id16 | None = None
    after: wire.Id16 | None = None
    limit: _Limit = 100


class AccessShown(wire.Form, frozen=True):
    """One use of records; `grant` is null where it was the owner's own."""

    who: str
    grant: wire.Id16 | None
    action: str
    type: str
    records: wire.Count
    at: wire.Time


class AccessPage(wire.Form, frozen=True):
    """Uses, oldest first; `next` is `after` of the next page."""

    accesses: list[AccessShown]
    next: wire.Id16 | None


class Allowed:
    """The endpoints of a person who looks at what they have allowed."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [
            Endpoint(
                method="GET", path="/udi/v1/grants", name="listGrants", who=Who.OWNER, act=Act.READ,
                run=self._grants, summary="What one has allowed, also what ended.", query=GrantsQuery,
                answer=GrantPage, also=(404,), cost=20,
            ),
            Endpoint(
                method="GET", path="/udi/v1/accesses", name="listAccesses", who=Who.OWNER, act=Act.READ,
                run=self._accesses, summary="Who read what, and when.", query=AccessQuery, answer=AccessPage,
                also=(404,), cost=5,
            ),
        ]  # fmt: skip

    def _grants(self, call: Call) -> Reply:
        asked, owner = call.asked(GrantsQuery), self._sharing.owner(call.who.account)
        with self._sharing.database.reading() as connection:
            book = GrantBook(connection, owner)
            page = book.listed(after=bytes.fromhex(asked.after or ""), limit=asked.limit)
            told = {each.grant: each for each in orders.of(connection, [owner])}
        following = page[-1].grant.id.hex() if len(page) == asked.limit else None
        return Reply(GrantPage([_grant(each, told.get(each.grant.id)) for each in page], following))

    def _accesses(self, call: Call) -> Reply:
        asked = call.asked(AccessQuery)
        grant = None if asked.grant is None else bytes.fromhex(asked.grant)
        with self._sharing.database.reading() as connection:
            book = GrantBook(connection, self._sharing.owner(call.who.account))
            page = book.accesses(grant, after=bytes.fromhex(asked.after or ""), limit=asked.limit)
        following = page[-1][0].hex() if len(page) == asked.limit else None
        return Reply(AccessPage([_access(each) for _, each in page], following))


def _grant(held: Registered, told: Order | None) -> GrantShown:
    grant = held.grant
    return GrantShown(
        grant=grant.id.hex(),
        recipient=grant.recipient.app,
        purpose=grant.purpose,
        mode=_MODES[grant.mode],
        scopes=[
            ScopeShown(each.data_type, [action.value for action in each.actions], str(each.selector))
            for each in grant.scopes
        ],
        registered=held.at,
        begins=grant.not_before,
        expires=grant.expires,
        retention=grant.retention,
        uses=held.uses,
        max_uses=grant.max_uses,
        revoked=held.revoked,
        erasing=None if told is None else order_shown(told),
    )


def _access(access: Access) -> AccessShown:
    under = None if access.grant is None else access.grant.hex()
    return AccessShown(access.who, under, access.action.value, access.data_type, access.records, access.at)
