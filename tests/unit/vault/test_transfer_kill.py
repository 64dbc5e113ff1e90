"""Kill -9, a hundred times, anywhere in moves: every record once, the same head, one receipt."""

import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from grants import BOOK, SHOP
from journey import MOVE, TRANSFER, Journey, item
from people import NOW
from sqlalchemy import event
from vaults import owner

from cyberprivacy.vault.database import Database, _address, _engine
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.transfer.moving import Moving
from cyberprivacy.vault.transfer.states import UNDO, State, TransferRefused

COUNT, SIZE, KILLS = 6, 400_000, 100
"""6 records in 3 chunks."""


def state_of(journey: Journey) -> State | None:
    try:
        return journey.sending.status(SHOP.account, TRANSFER).state
    except TransferRefused as error:
        assert error.code == "transfer.unknown"
        return None


def travel(journey: Journey) -> None:
    """Everything that is still to do at both ends, from whatever state was left."""
    state = state_of(journey)
    if state is None or state.running:
        chunks = journey.begin()
        for n in range(journey.receiving.progress(BOOK.account, TRANSFER).cursor, chunks):
            journey.take(n)
    if state is not State.ERASED:
        journey.end()
        Moving(journey.database, journey.plain).finish(SHOP.account, TRANSFER, now=NOW + UNDO)


def die_at(database: Database, step: int) -> None:
    """Kill this process before its n-th statement or commit; what was committed before is all that is left."""
    left = [step]

    def tick(*_arguments: object) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def ticking(run: Callable[..., Any]) -> Callable[..., Any]:
        def later(*given: Any, **named: Any) -> Any:
            tick()
            return run(*given, **named)

        return later

    for engine in database._turns._engines.values():
        event.listen(engine, "before_cursor_execute", tick)
        event.listen(engine, "commit", tick)
    # Statements that are prepared once, SQLite's commits among them, pass the toolkit by.
    for verb in ("rows", "run"):
        setattr(Statement, verb, ticking(getattr(Statement, verb)))


def attempt(url: str, step: int) -> bool:
    """Whether a process that dies at a step got to the end before."""
    pid = os.fork()
    if not pid:
        try:
            database = again(url)
            die_at(database, step)
            travel(Journey(database, given=MOVE))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def again(url: str) -> Database:
    """Opened without a look at its tables: they are of this program."""
    return Database(_engine(_address(url)), _engine(_address(url), looks=True))


def fresh(url: str) -> None:
    database = Database.open(url)
    assert (owner(database, "shop"), owner(database, "book")) == (SHOP.account, BOOK.account)
    Journey(database, given=MOVE).fill(COUNT, SIZE)
    database.close()


def arrived(url: str) -> bytes:
    """The head in the receipt of a move that has ended, after a look at everything."""
    database = again(url)
    journey = Journey(database, given=MOVE)
    assert journey.held(BOOK.account) == [item(n, SIZE) for n in range(COUNT)]
    assert journey.held(SHOP.account) == []
    done = journey.sending.status(SHOP.account, TRANSFER)
    assert done.state is State.ERASED
    assert done.receipt is not None
    said = done.receipt.receipt
    assert (said.count, said.dup, said.rejected) == (COUNT, 0, ())
    assert journey.receiving.progress(BOOK.account, TRANSFER).closed
    database.close()
    return said.head


def where(url: str) -> str:
    """What a killed process left, in a word."""
    database = again(url)
    journey = Journey(database, given=MOVE)
    state = state_of(journey)
    left = "nothing" if state is None else state.value
    if state is State.OPEN:
        try:
            left += f" {journey.receiving.progress(BOOK.account, TRANSFER).cursor}"
        except TransferRefused:
            left += " unknown"
    database.close()
    return left


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a killed process loses nothing that it gave to the kernel."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


def test_a_hundred_kills_lose_nothing_and_double_nothing(folder: Path) -> None:
    calm = f"sqlite:///{folder / 'calm.db'}"
    fresh(calm)
    assert attempt(calm, 1 << 30)
    head, dice, kills, moves = arrived(calm), random.Random(1), 0, 0  # noqa: S311  # dice of a test
    left: Counter[str] = Counter()
    while kills < KILLS:
        moves += 1
        url = f"sqlite:///{folder / f'{moves}.db'}"
        fresh(url)
        while not attempt(url, dice.randrange(1, 70) if kills else 1):
            kills += 1
            left[where(url)] += 1
        assert arrived(url) == head
    # They died everywhere: before the manifest, between all chunks, and in the time to undo.
    assert left.keys() >= {"nothing", "preparing", "undo", *(f"open {n}" for n in (1, 2))}, left
