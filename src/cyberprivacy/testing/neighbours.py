"""Three clusters of three providers on this machine, each a process in a network namespace of its own."""

import json
import select
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from cyberprivacy.errors import TryLater
from cyberprivacy.node import standalone
from cyberprivacy.node.api import PREFIX
from cyberprivacy.testing.wires import Wires, end_of, inside
from cyberprivacy.trust import public

NAMES: Final = ("ash", "birch", "cedar")
PORT: Final = 8700
SILENCE: Final = 4
"""Seconds without an answer after which a log is called silent: the least that a configuration may say."""

PATIENCE: Final = 120.0
"""Seconds for anything between them, on a machine that does much else."""


class NotSeen(TryLater):
    """Something that must happen between the clusters has not happened."""

    code = "neighbours.waited"
    hint = "See the clusters' own logs, beside their folders."


class Neighbour:
    """One of them, as whoever started it sees it.

    Attributes:
        name: of its provider.
        url: where it answers.
        keys: as others write them into their configuration.
    """

    def __init__(self, name: str, number: int, folder: Path, wires: Wires) -> None:
        self.name, self.number, self._wires = name, number, wires
        self.data, self._config = folder / name, folder / f"{name}.toml"
        self.address = str(wires.address(number))
        self.url = f"http://{self.address}:{PORT}"
        self.keys = standalone.keys(standalone.kept_key(self.data))
        self._client = httpx2.Client(verify=public(), timeout=5, trust_env=False)

    def start(self, others: Sequence["Neighbour"]) -> None:
        """Start its process, which waits for its cable."""
        lines = [f'data = "{self.data}"', f'listen = "{self.address}:{PORT}"']
        lines += ["[witness]", f"quorum = {len(others)}", f"silence = {SILENCE}"]
        for each in others:
            lines += ["[[witness.watch]]", f'url = "{each.url}"']
            lines += [f"{name} = {json.dumps(keys)}" for name, keys in each.keys.items()]
        self._config.write_text("\n".join(lines) + "\n")
        self._process = inside([sys.executable, "-m", "cyberprivacy.testing.crooked", str(self._config)])

    def plug(self) -> None:
        """Give it its cable."""
        self._answer()
        self._wires.plug(self.number, self._process.pid)

    def begin(self) -> None:
        """From now on it works."""
        self._send({"do": "begin"})

    def told(self, **order: object) -> dict[str, Any]:
        """Have its operator do something; what came of it.

        Raises:
            NotSeen: it refused.
        """
        self._send(order)
        answer = self._answer()
        if "error" in answer:
            raise NotSeen("a cluster would not", cluster=self.name, **answer)
        return answer

    def status(self) -> dict[str, Any]:
        """What it tells anybody; {} while it does not answer."""
        with suppress(httpx2.HTTPError, ValueError):
            return dict(self._client.get(f"{self.url}{PREFIX}/status").json())
        return {}

    def found(self, about: str, code: str) -> Path | None:
        """The file of evidence for what it says of somebody; None if it says no such thing."""
        for each in self.status().get("witness", {}).get("found", []):
            if (each["about"], each["code"]) == (about, code):
                return self.data / "watch" / str(each["evidence"])
        return None

    @property
    def log(self) -> str:
        """The name of its log."""
        return self.keys["log"][0].partition("+")[0]

    @property
    def cosigner(self) -> str:
        """Its name as a witness."""
        return self.keys["witness"][0].partition("+")[0]

    def close(self) -> None:
        """End it."""
        end_of(self._process)
        self._client.close()

    def _send(self, order: Mapping[str, object]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101
        readable, _, _ = select.select([pipe], [], [], PATIENCE)
        line = pipe.readline() if readable else b""
        if not line:
            raise NotSeen("a cluster has ended, or does not answer", cluster=self.name, config=str(self._config))
        return dict(json.loads(line))


class Trio:
    """All three, begun anew: they know one another and nobody else. Each asks both others to cosign its log."""

    def __init__(self, folder: Path, wires: Wires) -> None:
        """Start them; returns when each has cosigned and copied the others' logs."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.all = [Neighbour(name, at + 1, folder, wires) for at, name in enumerate(NAMES)]
        started: list[Neighbour] = []
        try:
            for each in self.all:
                each.start(self.others(each))
                started.append(each)
            for each in self.all:
                each.plug()
            for each in self.all:  # only now: whoever asks a neighbour without a cable waits for it
                each.begin()
            self.work()
        except BaseException:
            for each in started:
                each.close()
            raise

    def others(self, one: Neighbour) -> list[Neighbour]:
        """The two that are not this one."""
        return [each for each in self.all if each is not one]

    def work(self) -> None:
        """Each adds entries to its log; returns when all of it is published, cosigned, and copied."""
        sizes = {each.log: each.told(do="work", deeds=3)["size"] for each in self.all}
        until(lambda: all(self._caught_up(each, sizes) for each in self.all), "the clusters to see one another")

    def _caught_up(self, one: Neighbour, sizes: Mapping[str, int]) -> bool:
        watched = one.status().get("witness", {}).get("watched", [])
        return bool(watched) and all((each["size"] or 0) >= sizes[each["log"]] for each in watched)

    def close(self) -> None:
        """End all of them."""
        for each in self.all:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def until(true: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> float:
    """Wait for something between the clusters; how long it took, in seconds.

    Raises:
        NotSeen: it takes too long.
    """
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > patience:
            raise NotSeen(f"waited too long for {what}", seconds=int(patience))
        time.sleep(0.1)
    return time.monotonic() - began
