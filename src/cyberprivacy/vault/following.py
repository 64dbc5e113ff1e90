"""The recipient's side of a grant: hold the source's stream open, take in what comes, stop when it ends.

One task for each following. It goes on from where the database says; it waits and tries again where the source
is out of reach, ends where the source says that the grant has ended, and ends by itself when its time is over,
so that a source that forgets to say so changes nothing. A source that was not heard for a minute has told
nothing either: within `SILENCE` seconds of a revocation nothing more arrives here.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from anyio import to_thread

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.eventstream import BadStream, EventStream
from cyberprivacy.vault.followings import Came, Following, Followings, State
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.sourcekeys import Pin, SourceKeys, settings
from cyberprivacy.vault.types import MAX_BODY
from cyberprivacy.vault.vaultkey import VaultKey

SILENCE: Final = 45.0
"""Seconds without a sign of life (a source gives one every 30), after which a stream is given up."""
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 30.0
"""Seconds between two tries, at first and at most."""
_LATER: Final = (
    *("account.frozen", "session.unknown"),
    *("recipient.silent", "recipient.busy", "recipient.evidence", "recipient.cluster", "recipient.key"),
    *("recipient.policy", "transfer.source"),
)
"""Refusals that may end: people end a freeze; a node that changes its release proves itself again afterwards."""


class SourceUnknown(Misuse):
    """Records are not taken from this application here."""

    code = "following.source"
    hint = "Whoever runs this application names its sources."


class SourceSilent(TryLater):
    """The source does not answer as a source does."""

    code = "following.silent"
    hint = "It is asked again."


class Ended(Untrusted):
    """The source says that there is nothing more."""

    code = "following.ended"
    hint = "Ask the person for a new grant."


class Follower:
    """Follows the grants that a place was given.

    Args:
        sources: site of each application that records are taken from, by name.
        key: signs requests; the source knows its public half.
        clock: POSIX seconds.
    """

    def __init__(
        self,
        followings: Followings,
        sharing: Sharing,
        key: VaultKey,
        sources: Mapping[str, Site],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._followings, self._sharing, self._key = followings, sharing, key
        self._sources, self._clock = sources, clock
        self._tasks: dict[tuple[bytes, bytes], asyncio.Task[None]] = {}
        self._keys = SourceKeys(sharing.recipients)
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow whatever has not ended, until the end of the block."""
        self._loop = asyncio.get_running_loop()
        for each in await to_thread.run_sync(self._followings.all):
            self._start(each)
        try:
            yield
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._loop = None

    async def take(self, document: bytes) -> Following:
        """Begin to follow a signed grant of which this place is the recipient; one that is followed goes on.

        Raises:
            CyberPrivacyError: the grant is not good here, see `granting.admit`; an unknown source.
        """
        following = await to_thread.run_sync(self._admit, document)
        self._start(following)
        return following

    def ask(self, document: bytes) -> Following:
        """As `take`, from any thread; where nobody runs now, it is followed as soon as somebody does."""
        following = self._admit(document)
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._start, following)
        return following

    def _admit(self, document: bytes) -> Following:
        grant = SignedGrant.decode(document).grant
        owner, source = self._sharing.owner(grant.subject), self._sources.get(grant.source.app)
        if source is None:
            raise SourceUnknown("records of this application are not taken here", app=grant.source.app)
        known = [each for each in self._followings.all(owner) if each.grant == grant]
        if known:
            return known[0]
        with self._sharing.database.reading() as connection:  # a chain may be asked, which takes its time
            self._sharing.signed(connection, document, owner)
        with self._sharing.database.transaction() as connection:
            self._sharing.receive(connection, document, owner)
            self._followings.begin(connection, owner, document, source.uri, int(self._clock()))
        return self._followings.one(owner, grant.id)

    def _start(self, following: Following) -> None:
        key = (following.owner, following.grant.id)
        if self._loop is not None and following.state is not State.ENDED and key not in self._tasks:
            task = asyncio.create_task(self._follow(following))
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _follow(self, following: Following) -> None:
        """Until it ends."""
        owner, grant, wait = following.owner, following.grant, FIRST_WAIT
        while True:
            try:
                if self._clock() >= grant.expires:
                    raise Ended("the grant's time is over", code="grant.expired")
                now = await to_thread.run_sync(self._followings.one, owner, grant.id)
                pin = await to_thread.run_sync(
                    self._keys.pin, following.source, grant.source, abandon_on_cancel=True
                )
                ends = grant.expires if pin is None else min(pin.until, grant.expires)
                async with asyncio.timeout(max(0.0, ends - self._clock())):
                    await self._listen(now, pin)
                wait = FIRST_WAIT
            except TimeoutError:
                continue  # the time of the grant is over, or that of what the source has proven
            except (TryLater, httpx2.HTTPError) as error:
                code = error.code if isinstance(error, TryLater) else SourceSilent.code
                reached = await to_thread.run_sync(self._waits, following, code)
                wait = FIRST_WAIT if reached else wait
            except CyberPrivacyError as error:
                if error.code not in _LATER:
                    await to_thread.run_sync(self._stands, following, State.ENDED, error.code)
                    return
                await to_thread.run_sync(self._waits, following, error.code)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _listen(self, following: Following, pin: Pin | None) -> None:
        """One stream, from where the database says to its end, of whoever has the key that the source proved."""
        tls = settings(pin)
        async with httpx2.AsyncClient(
            verify=tls, timeout=SILENCE, follow_redirects=False, trust_env=False
        ) as http:
            try:
                await self._heard(following, http)
            except httpx2.ConnectError:
                await to_thread.run_sync(self._keys.forget, following.source, following.grant.source)
                raise

    async def _heard(self, following: Following, http: httpx2.AsyncClient) -> None:
        path, stream = f"/udi/v1/grants/{following.grant.id.hex()}/events", EventStream()
        headers = {**self._signed(following, path), "Last-Event-ID": str(following.cursor)}
        async with http.stream("GET", following.source + path, headers=headers) as answer:
            if answer.status_code != 200:
                raise _refusal(answer.status_code, await _bounded(answer))
            await to_thread.run_sync(self._stands, following, State.FOLLOWING, "")
            async for part in answer.aiter_raw():
                for told in stream.feed(part):
                    if told.kind == "end":
                        raise _ended(told.data)
                    await self._deal(following, told.data, http)

    async def _deal(self, following: Following, data: str, http: httpx2.AsyncClient) -> None:
        """Fetch what an event speaks of, and take it in."""
        seq, record, kind, change = _event(data, following)
        body = None if change == "deleted" else await self._fetch(following, record, http)
        came = Came(seq, record, kind, body)
        await to_thread.run_sync(self._followings.apply, following, came, int(self._clock()))

    async def _fetch(self, following: Following, record: bytes, http: httpx2.AsyncClient) -> bytes | None:
        """A record as it is now; None if it is gone, or not to be read."""
        path = f"/udi/v1/grants/{following.grant.id.hex()}/records/{record.hex()}"
        headers = self._signed(following, path)
        async with http.stream("GET", following.source + path, headers=headers) as answer:
            body = await _bounded(answer)
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                raise _refusal(answer.status_code, body)
        return body

    def _signed(self, following: Following, path: str) -> dict[str, str]:
        authority = urlsplit(following.source).netloc
        return signedrequest.sign("GET", authority, path, key=self._key, now=self._clock())

    def _waits(self, following: Following, why: str) -> bool:
        """Note that it waits; whether the source was reached since it last did."""
        reached = self._followings.one(following.owner, following.grant.id).state is State.FOLLOWING
        self._stands(following, State.WAITING, why)
        return reached

    def _stands(self, following: Following, state: State, why: str) -> None:
        self._followings.stands(following.owner, following.grant.id, state, why, int(self._clock()))


def _event(data: str, following: Following) -> tuple[int, bytes, str, str]:
    """Number, record, type and change of an event that this grant can be told of.

    Raises:
        BadStream: no such event.
    """
    granted = {s.data_type for s in following.grant.scopes if {Action.READ, Action.SUBSCRIBE} <= {*s.actions}}
    match _json(data):
        case {"id": str(seq), "subject": str(record), "type": str(type_)} if seq.isdecimal() and len(seq) < 20:
            kind, _, change = type_.rpartition(".")
            try:
                id_ = bytes.fromhex(record)
            except ValueError:
                id_ = b""
            if kind in granted and change in ("created", "updated", "deleted") and len(id_) == 16:
                return int(seq), id_, kind, change
    raise BadStream("an event that this grant does not tell of")


def _ended(data: str) -> CyberPrivacyError:
    """Why the source ends the stream."""
    match _json(data):
        case {"code": str(code)} if 0 < len(code) <= 64 and code.isascii():
            return Ended("the source says so", code=code)
    return BadStream("a stream ends without saying why")


def _refusal(status: int, body: bytes) -> CyberPrivacyError:
    """A source's refusal: to be tried again, or final."""
    value = _json(body.decode(errors="replace"))
    code = str(value.get("type", ""))[:64] if isinstance(value, dict) else ""
    if not code or status in (429, 500, 502, 503, 504, 507):
        return SourceSilent("the source does not serve this now", code=code or SourceSilent.code, status=status)
    return Ended("the source refuses", code=code, status=status)


async def _bounded(answer: httpx2.Response) -> bytes:
    """A whole answer of at most a record's size; raises SourceSilent."""
    received = bytearray()
    async for part in answer.aiter_raw():
        received += part
        if len(received) > MAX_BODY:
            raise SourceSilent("the answer is too large", limit=MAX_BODY)
    return bytes(received)


def _json(text: str) -> Any:
    try:
        return json.loads(text) if nested_within(text.encode(), 8) else None
    except ValueError:
        return None
