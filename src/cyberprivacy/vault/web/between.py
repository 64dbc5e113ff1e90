"""Between applications, over HTTP: what a person allows and takes back, what a recipient hears and reads."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

import anyio
import anyio.to_thread
from msgspec import Meta, Raw

from cyberprivacy import canonical, strict_json
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import ending, servicetoken, signedrequest
from cyberprivacy.vault.bell import Bell
from cyberprivacy.vault.carriage import LIMIT
from cyberprivacy.vault.events import Batch
from cyberprivacy.vault.key import BadKey, Key, Kind
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.proven import Peer
from cyberprivacy.vault.recipient import ReleasePolicy
from cyberprivacy.vault.sharing import Shared, Sharing
from cyberprivacy.vault.web import kept, wire
from cyberprivacy.vault.web.custody import erasure_shown
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.problem import BadCall
from cyberprivacy.vault.web.waiting import Waiting

_CURSOR: Final = 19
"""Digits of a place in the outbox."""
_SIGNED: Final = signedrequest.HEADERS


class Register(wire.Form, frozen=True):
    """A grant in the form in which it travels, the recipient's policy, and the key that signs its requests.

    `site` is where the recipient answers: it proves itself there, and is told there to erase; null if nowhere.
    """

    signed: Raw
    policy: Raw
    holder: Annotated[str, Meta(max_length=200)]
    site: Annotated[str, Meta(max_length=300)] | None = None


class GrantHead(wire.Form, frozen=True):
    """A grant that counts here."""

    grant: wire.Id16
    expires: wire.Time


class Taken(wire.Form, frozen=True):
    """A grant that counts no longer."""

    grant: wire.Id16


class PartyShown(wire.Form, frozen=True):
    """This application as grants name it; `policy` is its release policy, whose SHA-256 they name."""

    app: str
    cluster: wire.Id32
    policy: Raw
    holder: str
    site: str


class Between:
    """The endpoints of an application that shares.

    Args:
        sharing: its grants.
        bell: rings at each change.
        site: where the application is, and proves itself.
        authority: of the vault: host and port that signed requests name.
        holder: the vault's key, 32 bytes.
        wake: called when there is something to erase, or somebody to tell.
        waiting: counts who listens.
    """

    def __init__(
        self,
        sharing: Sharing,
        bell: Bell,
        *,
        site: Site,
        authority: str,
        holder: bytes,
        wake: Callable[[], None],
        waiting: Waiting,
    ) -> None:
        self._sharing, self._bell, self._site, self._authority = sharing, bell, site, authority
        self._wake, self._waiting = wake, waiting
        self._holder = f"ed25519-device:{holder.hex()}"

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        path = "/udi/v1/grants"
        return [
            Endpoint(
                method="GET", path="/udi/v1/party", name="readParty", who=Who.ANYBODY, run=self._party,
                summary="This application as grants name it.", answer=PartyShown,
            ),
            Endpoint(
                method="POST", path=path, name="registerGrant", who=Who.SIGNED, run=self._register,
                summary="Allow an application something, by the person's signed grant.",
                body=Register, limit=2 * LIMIT, answer=GrantHead, status=201, also=(404,), cost=20,
            ),
            Endpoint(
                method="POST", path=path + ":revoke", name="revokeGrant", who=Who.SIGNED, run=self._revoke,
                summary="Take a grant back, by the person's signed words.",
                body=Media.JSON, limit=LIMIT, answer=Taken, also=(404,), cost=20,
            ),
            Endpoint(
                method="POST", path=path + ":erase", name="eraseGranted", who=Who.SIGNED, run=self._erase,
                summary="Erase what came here under a grant, by the person's signed words.",
                body=Media.JSON, limit=LIMIT, answer=kept.ErasureShown, also=(404,), status=202, cost=20,
            ),
            Endpoint(
                method="GET", path=path + "/{grant}/events", name="followGrant", who=Who.HOLDER,
                run=self._events, summary="What changes of what was granted, for as long as it counts.",
                answer=Media.EVENTS, takes=(*_SIGNED, "Udi-Token", "Last-Event-ID"),
                needs=_SIGNED, also=(404,), cost=20,
            ),
            Endpoint(
                method="GET", path=path + "/{grant}/records/{record}", name="readGranted", who=Who.HOLDER,
                run=self._read, summary="A record that was granted; the person sees that it was read.",
                answer=Media.JSON, takes=(*_SIGNED, "Udi-Token"), needs=_SIGNED, also=(404,), cost=5,
            ),
        ]  # fmt: skip

    def _party(self, _: Call) -> Reply:
        own = self._sharing.own
        return Reply(
            PartyShown(own.app, own.cluster.hex(), Raw(own.policy.encode()), self._holder, self._site.uri)
        )

    def _register(self, call: Call) -> Reply:
        sent = call.sent(Register)
        holder, policy = Key.parse(sent.holder), ReleasePolicy.decode(_spelled(sent.policy))
        if holder.kind is not Kind.DEVICE:
            raise BadKey("requests are signed by a device's key", code="key.disabled", kind=holder.kind.value)
        site = "" if sent.site is None else Site.parse(sent.site).uri
        grant = self._sharing.register(_spelled(sent.signed), Peer(policy, holder.material, site))
        return Reply(GrantHead(grant.id.hex(), grant.expires))

    def _revoke(self, call: Call) -> Reply:
        grant = ending.revoke(self._sharing, call.octets)
        self._bell.ring()
        self._wake()
        return Reply(Taken(grant.hex()))

    def _erase(self, call: Call) -> Reply:
        shown = erasure_shown(ending.recall(self._sharing, call.octets))
        self._bell.ring()
        self._wake()
        return Reply(shown, {"Location": f"/udi/v1/deletions/{shown.id}"})

    def _events(self, call: Call) -> Reply:
        shared = self._asked(call, f"/udi/v1/grants/{call.path['grant']}/events")
        told = call.headers.get("Last-Event-ID", "0")
        if not told.isdecimal() or len(told) > _CURSOR:
            raise BadCall("not a place in a stream of events")
        with self._sharing.database.reading() as connection:
            self._sharing.listening(connection, shared)
        return Reply(self._waiting.let(shared.grant, self._stream(shared, int(told))))

    def _read(self, call: Call) -> Reply:
        record = call.path["record"]
        shared = self._asked(call, f"/udi/v1/grants/{call.path['grant']}/records/{record}")
        found = self._sharing.read(shared, bytes.fromhex(record))
        return Reply(found.body, {"ETag": f'"{found.rev}"', "Udi-Type": found.type})

    def _asked(self, call: Call, path: str) -> Shared:
        """The grant that whoever signed this request uses."""
        holder = signedrequest.check("GET", self._authority, path, call.headers, now=call.now)
        grant, token = bytes.fromhex(call.path["grant"]), call.headers.get("Udi-Token")
        if token is None:
            shared = self._sharing.asked(grant, holder)
        else:
            shared = self._sharing.served(grant, holder, servicetoken.from_header(token))
        self._sharing.recipients.meet(shared.peer)
        return shared

    async def _stream(self, shared: Shared, after: int) -> AsyncIterator[bytes]:
        """Server-sent events; the last one says why there are no more."""
        heard = self._bell.rings

        async def wait() -> None:
            nonlocal heard
            heard = await self._bell.wait(heard, 1.0)
            if self._sharing.recipients.due(shared.peer):
                await anyio.to_thread.run_sync(self._sharing.recipients.meet, shared.peer)
                await anyio.to_thread.run_sync(self._still, shared)
            if shared.grant in self._sharing.taken_back:
                await anyio.to_thread.run_sync(self._still, shared)

        try:
            async for batch in self._sharing.feed(shared).follow(after, wait):
                yield _sent(batch)
        except CyberPrivacyError as error:
            yield b"event: end\ndata: " + canonical.encode({"code": error.code}) + b"\n\n"

    def _still(self, shared: Shared) -> None:
        with self._sharing.database.reading() as connection:
            self._sharing.listening(connection, shared)


def _spelled(raw: Raw) -> bytes:
    """A part of a JSON body in the one spelling in which it is signed and hashed."""
    return canonical.encode(strict_json.read(bytes(raw), limit=LIMIT))


def _sent(batch: Batch) -> bytes:
    told = b"".join(b"id: %d\ndata: %b\n\n" % (each.seq, each.encode()) for each in batch.events)
    return told + b": %d\n\n" % batch.cursor
