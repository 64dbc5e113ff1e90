"""A node starts the next release before it ends this one: the vault in its folder goes from one process to the other."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx2
import pytest
from people import refusal
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from two import Place, until

from cyberprivacy.vault.handover import Awaited
from cyberprivacy.vault.personal import Backing

HERE = "/.well-known/udi"


def page(request: Request) -> PlainTextResponse:
    """Of the application: who somebody is."""
    return PlainTextResponse(str(request.state.person))


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Place]:
    """The release that serves."""
    made = Place("shop", tmp_path, {}, hosted=True)
    yield made
    made.stop()


def test_the_next_release_answers_strangers_and_takes_over_when_the_one_before_has_ended(
    before: Place, tmp_path: Path
) -> None:
    says = httpx2.get(before.url + HERE, trust_env=False).json()
    after = Place("shop", tmp_path, {}, hosted=True, site=before.url, routes=[Route("/", page)])
    try:
        assert httpx2.get(after.url, trust_env=False).text == "None"  # a node sees that it is up
        waits = httpx2.get(after.url + HERE, trust_env=False)
        assert (waits.status_code, waits.json()["type"]) == (503, "vault.handover")
        with httpx2.Client(base_url=after.url, cookies={"udi-shop": "ab" * 32}, trust_env=False) as somebody:
            told = somebody.get("/")
            assert (told.status_code, told.json()["type"]) == (503, "vault.handover")
        assert httpx2.get(before.url + HERE, trust_env=False).json() == says  # it serves on meanwhile
        before.stop()
        until(lambda: httpx2.get(after.url + HERE, trust_env=False).status_code == 200)
        assert httpx2.get(after.url + HERE, trust_env=False).json()["key"] == says["key"]
    finally:
        after.stop()


def test_one_that_no_node_hosts_does_not_wait(before: Place, tmp_path: Path) -> None:
    assert refusal(lambda: Place("shop", tmp_path, {}, site=before.url)) == "keystore.busy"


def test_what_was_just_being_opened_when_it_ended_is_closed() -> None:
    begun, go, log = threading.Event(), threading.Event(), list[str]()

    def opens() -> Backing:
        begun.set()
        assert go.wait(10)
        log.append("opened")
        return cast("Backing", SimpleNamespace(close=lambda: log.append("closed")))

    async def live() -> None:
        async with awaited.running():
            await asyncio.to_thread(begun.wait, 10)
            threading.Timer(0.2, go.set).start()

    awaited = Awaited(opens)
    asyncio.run(live())
    awaited.close()
    assert log == ["opened", "closed"]
