"""The interface of a security application, over HTTP. Source: docs/spec/udi-1.md, "Security applications"."""

from contextlib import nullcontext
from typing import Annotated, Final, Literal, NoReturn

from msgspec import Meta
from starlette.types import ASGIApp

from cyberprivacy.vault.carriage import LIMIT, SignedGrant
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.security.book import Request
from cyberprivacy.vault.security.checks import Shown
from cyberprivacy.vault.security.desk import Desk
from cyberprivacy.vault.web.app import application
from cyberprivacy.vault.web.crew import Crew
from cyberprivacy.vault.web.dispatch import Doors
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Reply, Who
from cyberprivacy.vault.web.pace import Pace
from cyberprivacy.vault.web.problem import NotFound
from cyberprivacy.vault.web.wire import Count, Form, Id16, Id32, Time

PACE: Final = (20.0, 100.0)
"""Units of one address: a second, and at once."""
_ASKS_ELSEWHERE: Final = 20
"""What a request costs that makes us ask a vault."""

Paper = Annotated[str, Meta(pattern="^([0-9a-f]{32})?$", max_length=32)]
Phone = Annotated[str, Meta(pattern="^([0-9]{6})?$", max_length=6)]
KeyText = Annotated[str, Meta(max_length=160)]
Address = Annotated[str, Meta(max_length=300)]


class About(Form, frozen=True):
    """Who this is: `key` signs, for everybody; `delay` seconds pass before it asks for a recovery."""

    security: str
    operator: str
    key: str
    delay: Count
    vaults: list[str]


class Enrol(Form, frozen=True):
    """Protect an account of a vault."""

    vault: Address
    account: Id32


class Enrolled(Form, frozen=True):
    """What is told once: number and code for the paper, the secret for the phone, the card for the account."""

    id: Id16
    paper: Id16
    phone: str
    card: str


class Identified(Form, frozen=True, kw_only=True):
    """Whoever asks, and how they show that it is them."""

    id: Id16
    paper: Paper = ""
    phone: Phone = ""


class Recover(Identified, frozen=True, kw_only=True):
    """Ask for a new key."""

    key: KeyText


class Cancel(Identified, frozen=True, kw_only=True):
    """End a request that waits."""

    request: Id16


class Cosign(Identified, frozen=True, kw_only=True):
    """Look at a grant that the person has signed: the text in which it travels."""

    grant: Annotated[str, Meta(max_length=LIMIT)]


class Cosigned(Form, frozen=True):
    """The second signature, as it stands in a grant."""

    key: str
    signature: str
    guardian: Id32


class RequestShown(Form, frozen=True):
    """A request; `due` is when it is done, `code` why it was refused or what it waits for."""

    id: Id16
    act: Literal["freeze", "recover"]
    key: str | None
    asked: Time
    due: Time
    state: Literal["waiting", "done", "cancelled", "refused"]
    code: str


class Requests(Form, frozen=True):
    """What was asked about an account, newest first."""

    requests: list[RequestShown]


class Interface:
    """The table of a desk."""

    def __init__(self, desk: Desk, *, pace: tuple[float, float] = PACE) -> None:
        """Of a desk; `pace` is what one address may ask for, a second and at once."""
        self._desk, self._pace = desk, pace

    def application(self) -> ASGIApp:
        """As an ASGI application."""
        pace, nobody_is_short = Pace(*self._pace), Crew(nullcontext)
        doors = Doors(
            find=_nobody,
            state=_nobody,
            addresses=pace,
            accounts=pace,
            readers=nobody_is_short,
            writers=nobody_is_short,
        )
        return application(self.endpoints(), doors)

    def endpoints(self) -> list[Endpoint]:
        """Every entry of the table."""
        at = "/security/v1"
        return [
            Endpoint(
                method="GET", path="/.well-known/udi-security", name="readAbout", who=Who.ANYBODY, run=self._about,
                summary="Who this is, and for which vaults it works.", answer=About,
            ),
            Endpoint(
                method="POST", path=at + "/people", name="enrol", who=Who.ANYBODY, run=self._enrol,
                summary="Begin to protect an account; nothing comes of it until the account takes the card.",
                body=Enrol, answer=Enrolled, status=201, cost=_ASKS_ELSEWHERE,
            ),
            Endpoint(
                method="POST", path=at + "/freezes", name="freeze", who=Who.ANYBODY, run=self._freeze,
                summary="Freeze the account at once. One check.",
                body=Identified, answer=RequestShown, status=201, cost=_ASKS_ELSEWHERE,
            ),
            Endpoint(
                method="POST", path=at + "/recoveries", name="recover", who=Who.ANYBODY, run=self._recover,
                summary="Ask for a new key, after the delay. Both checks.",
                body=Recover, answer=RequestShown, status=201, cost=_ASKS_ELSEWHERE,
            ),
            Endpoint(
                method="POST", path=at + "/cancels", name="cancel", who=Who.ANYBODY, run=self._cancel,
                summary="End what waits. One check.", body=Cancel, answer=RequestShown, cost=5,
            ),
            Endpoint(
                method="POST", path=at + "/cosignatures", name="cosign", who=Who.ANYBODY, run=self._cosign,
                summary="A second signature over a grant that the person has signed. Both checks.",
                body=Cosign, limit=2 * LIMIT, answer=Cosigned, status=201, cost=_ASKS_ELSEWHERE,
            ),
            Endpoint(
                method="GET", path=at + "/accounts/{account}/requests", name="listRequests", who=Who.ANYBODY,
                run=self._list, summary="What was asked about an account, for whoever knows its id.",
                answer=Requests,
            ),
        ]  # fmt: skip

    def _about(self, _: Call) -> Reply:
        guard, vaults = self._desk.guard, sorted(self._desk.vaults)
        return Reply(About("1", guard.operator, guard.key.text, self._desk.delay, vaults))

    def _enrol(self, call: Call) -> Reply:
        sent = call.sent(Enrol)
        made = self._desk.enrol(sent.vault, bytes.fromhex(sent.account))
        phone = made.given.address(self._desk.guard.operator, sent.account)
        card = f"guardian1:{made.card.commitment.hex()}:{made.card.operator.hex()}"
        return Reply(Enrolled(made.protected.id.hex(), made.given.paper.hex(), phone, card))

    def _freeze(self, call: Call) -> Reply:
        return Reply(_shown(self._desk.freeze(*_who(call.sent(Identified)))))

    def _recover(self, call: Call) -> Reply:
        sent = call.sent(Recover)
        return Reply(_shown(self._desk.recover(*_who(sent), Key.parse(sent.key))))

    def _cancel(self, call: Call) -> Reply:
        sent = call.sent(Cancel)
        return Reply(_shown(self._desk.cancel(*_who(sent), bytes.fromhex(sent.request))))

    def _cosign(self, call: Call) -> Reply:
        sent = call.sent(Cosign)
        proof = self._desk.cosign(*_who(sent), SignedGrant.decode(sent.grant.encode()))
        return Reply(Cosigned(proof.key.text, proof.signature.hex(), (proof.guardian or b"").hex()))

    def _list(self, call: Call) -> Reply:
        found = self._desk.book.about(bytes.fromhex(call.path["account"]))
        return Reply(Requests([_shown(each) for each in found]))


def _who(sent: Identified) -> tuple[bytes, Shown]:
    return bytes.fromhex(sent.id), Shown(sent.paper, sent.phone)


def _shown(one: Request) -> RequestShown:
    key = None if one.key is None else one.key.text
    return RequestShown(one.id.hex(), one.act.value, key, one.asked, one.due, one.state.value, one.code)


def _nobody(*_: object) -> NoReturn:
    """There are no sessions here; every request says who asks."""
    raise NotFound("there is nothing here")
