"""A node that is killed anywhere comes to the same end as one that is not.

Two kinds of death in turn: the node's process alone, which leaves whatever it had started to itself, half-way;
and everything at once, as a power cut does it.
"""

import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cyberprivacy.deploy.engine import Engine
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node.assembly import volatile
from cyberprivacy.testing import remains
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode

pytestmark = [
    pytest.mark.flow,
    pytest.mark.timeout(600),
    # The HTTP library forgets to close a Unix socket on which nobody answers, as when a node is only starting.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STEPS = [f"release.{step}" for step in ("fetched", "built", "reported", "pushed", "deployed", "announced")]
SEED = 20260301


def kinds(node: TownNode) -> list[str]:
    return [str(entry["kind"]) for entry in node.journey()]


def has(node: TownNode, kind: str) -> Callable[[], bool]:
    return lambda: kind in kinds(node)


@pytest.fixture
def node(story: Story, first: TownNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TownNode]:
    """A second node of the same provider, listed, with nothing on its disk."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # whatever is left there was left by this node
    node = story.node(f"second-{tmp_path.name}", port=free_port())
    try:
        yield node
    finally:
        print(node.log.read_text())  # noqa: T201  (shown when a test fails)
        node.demolish()


def end_of(node: TownNode, first: TownNode, story: Story, temporary: Path) -> None:
    """What must be true in the end, however it came about."""
    node.until(lambda: node.state == "serving", "the node to serve")
    status = node.status()
    assert status["running"]["images"] == first.status()["running"]["images"]
    assert status["running"]["ready"] == status["running"]["wanted"] > 0
    written = [kind for kind in kinds(node) if kind != "release.failed"]
    assert sorted(written) == sorted(STEPS), "every step once, none twice"
    whole = shutil.copy(node.ledger, temporary / "ledger.copy")
    assert FileLedger(whole, clock=lambda: 0).head().root.hex() == status["log"]["root"]
    whole.unlink()
    words = ("verify", node.url, "--dao", story.dao["governor"], "--allow-development")
    assert story.town.types(*words, story.town.root_file)["verdict"] == "accept"
    nothing_left(node, status["running"]["wanted"], temporary)


def nothing_left(node: TownNode, replicas: int, temporary: Path) -> None:
    """Nothing on the machine but what serves."""
    data, run = node.data, volatile(node.data)
    containers = Engine(data / "containers", run / "containers").containers()
    assert [found.status for found in containers] == ["running"] * replicas
    serving = Counter({"python": 1, "docker-registry": 1, "swtpm": 1, "haproxy": 1, "conmon": replicas})
    node.until(lambda: programs(node) == serving, f"{programs(node)} to become {serving}", patience=20)
    assert remains.groups(data / "sandboxes") == []
    assert remains.unfinished(data) == []
    assert list(temporary.iterdir()) == []
    mounted = Counter(Path(point).name for point in remains.mounts(data, run))
    assert mounted["merged"] == replicas


def programs(node: TownNode) -> Counter[str]:
    """Processes of a node by program; a command of podman comes and goes every second."""
    found = remains.processes(node.data, volatile(node.data), node.config)
    found["python"] = sum(found.pop(name) for name in list(found) if name.startswith("python"))
    return found


def test_killed_at_every_entry_of_its_ledger_it_comes_to_the_same_end(
    story: Story, first: TownNode, node: TownNode, tmp_path: Path
) -> None:
    story.enlist(node)
    for turn, step in enumerate(STEPS):
        node.until(has(node, step), step)
        node.kill(alone=turn % 2 == 0)
        node.start()
    end_of(node, first, story, tmp_path)


def test_killed_in_the_middle_of_its_work_it_comes_to_the_same_end(
    story: Story, first: TownNode, node: TownNode, tmp_path: Path
) -> None:
    story.enlist(node)
    chance, clock = random.Random(SEED), threading.Event()  # noqa: S311
    for after, longest in (("", 0.5), ("release.fetched", 3.0), ("release.fetched", 6.0), ("release.reported", 2.0),
                           ("release.pushed", 2.0), ("release.pushed", 4.0)):  # fmt: skip
        node.until(lambda after=after: not after or after in kinds(node), after)
        clock.wait(chance.uniform(0, longest))
        node.kill(alone=chance.random() < 0.5)
        node.start()
    end_of(node, first, story, tmp_path)
