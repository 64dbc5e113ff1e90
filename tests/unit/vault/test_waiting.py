"""Whoever waits for something holds a connection: how many, of whom, is bounded, and each is counted to its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

import httpx2
import pytest
from callers import Caller, Town, code, serving

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.web.waiting import EACH, Waiting

ANNA, BEN = b"anna", b"ben"


async def parts(count: int = 2) -> AsyncIterator[bytes]:
    for number in range(count):
        await asyncio.sleep(0)
        yield b"%d" % number


def refused(waiting: Waiting, who: bytes) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        waiting.let(who, parts())
    return refusal.value.code


def test_so_many_of_one_and_so_many_of_all() -> None:
    waiting = Waiting(each=2, most=3)
    held = [waiting.let(ANNA, parts()), waiting.let(ANNA, parts())]
    assert refused(waiting, ANNA) == "api.waits"
    held.append(waiting.let(BEN, parts()))
    assert refused(waiting, BEN) == "api.busy"
    assert len(waiting) == 3


def test_one_that_has_ended_or_was_dropped_or_never_begun_counts_no_more() -> None:
    waiting = Waiting(each=1)

    async def all_of(held: AsyncIterator[bytes]) -> list[bytes]:
        return [part async for part in held]

    held = waiting.let(ANNA, parts())
    assert asyncio.run(all_of(held)) == [b"0", b"1"]
    assert len(waiting) == 0
    never = waiting.let(ANNA, parts())
    assert refused(waiting, ANNA) == "api.waits"
    del never
    assert len(waiting) == 0

    async def forever() -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""

    async def cancelled() -> None:
        task = asyncio.ensure_future(all_of(kept))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len(waiting) == 0

    kept = waiting.let(ANNA, forever())
    asyncio.run(cancelled())


def test_a_person_listens_so_often_at_once_and_again_after_one_has_ended(here: Town) -> None:
    alice, bob = here.person("alice", "shop"), here.person("bob", "shop")
    with serving(here) as site, ExitStack() as stack:

        def client(who: Caller) -> httpx2.Client:
            headers = {"Authorization": f"Bearer {who.token}"}
            return stack.enter_context(httpx2.Client(base_url=site, headers=headers, timeout=20))

        hers = client(alice)

        def listen() -> httpx2.Response:
            answer = hers.send(hers.build_request("GET", "/udi/v1/events?seconds=60"), stream=True)
            stack.callback(answer.close)
            return answer

        streams = [listen() for _ in range(EACH)]
        assert {each.status_code for each in streams} == {200}
        more = listen()
        more.read()
        assert (more.status_code, code(more), more.headers["Retry-After"]) == (429, "api.waits", "1")
        assert client(bob).get("/udi/v1/events?seconds=0").status_code == 200
        streams[0].close()
        for _ in range(100):  # the server hears of it a moment later
            again = listen()
            if again.status_code == 200:
                break
            again.close()
        assert again.status_code == 200
