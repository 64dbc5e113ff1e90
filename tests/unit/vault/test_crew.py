"""Short calls are done one after the other, several in one go; each has its own answer once the go has ended."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.web.crew import MOST, Clerk, Crew, Desk
from cyberprivacy.vault.web.endpoint import Reply


class Goes:
    """Counts the goes of a crew, and how many calls each had; `fails` is raised at the end of each."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.calls: list[int] = []
        self.fails, self.gate = fails, threading.Event()
        self.gate.set()

    @contextmanager
    def around(self) -> Iterator[None]:
        self.gate.wait(timeout=10)
        self.calls.append(0)
        yield
        if self.fails is not None:
            raise self.fails

    def call(self, answer: bytes) -> Callable[[], Reply]:
        def run() -> Reply:
            self.calls[-1] += 1
            if answer == b"refused":
                raise Misuse("not this one")
            return Reply(answer)

        return run


KINDS = pytest.mark.parametrize("kind", [Crew, Desk, Clerk])
Kind = type[Crew] | type[Desk]


def answers(kind: Kind, goes: Goes, *wanted: bytes) -> list[Reply | BaseException]:
    """What a crew answers to calls that all wait before it begins."""

    async def ask() -> list[Reply | BaseException]:
        crew = kind(goes.around)
        goes.gate.clear()
        tasks = [asyncio.create_task(crew.do(goes.call(each))) for each in wanted]
        await asyncio.sleep(0)
        goes.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(ask())


@KINDS
def test_what_waits_is_done_in_few_goes_and_each_call_has_its_own_answer(kind: Kind) -> None:
    goes = Goes()
    found = answers(kind, goes, b"a", b"refused", b"b")
    assert [each.value for each in found if isinstance(each, Reply)] == [b"a", b"b"]
    assert isinstance(found[1], Misuse)
    assert sum(goes.calls) == 3
    assert len(goes.calls) <= 2  # the first may have been taken before the others came


@KINDS
def test_no_go_has_more_calls_than_may_have_to_wait_for_one_another(kind: Kind) -> None:
    goes = Goes()
    assert len(answers(kind, goes, *[b"x"] * (2 * MOST + 1))) == 2 * MOST + 1
    assert max(goes.calls) <= MOST
    assert len(goes.calls) >= 3


@KINDS
def test_if_a_go_does_not_end_well_none_of_its_calls_is_answered_as_if_it_had(kind: Kind) -> None:
    found = answers(kind, Goes(TryLater("the disk is full")), b"a", b"refused", b"b")
    assert [type(each) for each in found] == [TryLater] * 3


@KINDS
def test_a_caller_who_goes_away_does_not_keep_the_others_from_their_answers(kind: Kind) -> None:
    async def ask() -> bytes:
        goes = Goes()
        crew = kind(goes.around)
        goes.gate.clear()
        gone, stays = (asyncio.create_task(crew.do(goes.call(each))) for each in (b"a", b"b"))
        await asyncio.sleep(0)
        gone.cancel()
        goes.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        found = (await stays).value
        assert isinstance(found, bytes)
        return found

    assert asyncio.run(ask()) == b"b"


def test_a_clerk_does_what_a_loop_cannot_in_which_somebody_waits() -> None:
    goes, gone = Goes(), threading.Event()

    async def ask() -> Reply:
        call, clerk = goes.call(b"a"), Clerk(goes.around)

        def told() -> Reply:
            gone.set()
            return call()

        task = asyncio.create_task(clerk.do(told))
        await asyncio.sleep(0)
        assert gone.wait(timeout=10)  # blocks the loop, as a badly written application does
        return await task

    assert asyncio.run(ask()).value == b"a"


def test_what_is_open_in_the_thread_of_a_clerk_is_open_to_its_calls(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'vault.db'}")

    async def ask() -> Reply:
        def call() -> Reply:
            with database.transaction() as connection:
                return Reply(b"%d" % connection.in_transaction() + str(threading.current_thread().name).encode())

        return await Clerk(lambda: database.together(writes=True)).do(call)

    assert asyncio.run(ask()).value == b"1MainThread"
    database.close()
