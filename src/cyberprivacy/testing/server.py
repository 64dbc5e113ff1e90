"""What a story asks of a node, wherever that runs."""

import json
from pathlib import Path
from typing import Any, Protocol


class Server(Protocol):
    """A node of the town, wherever it runs: `TownNode`, `TownMachine`, `PodNode`."""

    @property
    def log(self) -> Path:
        """What it said."""
        ...

    def identity(self) -> dict[str, str]:
        """Account, key and measurement, once it is up; its TPM certified."""
        ...

    def alive(self) -> bool:
        """Whether it runs."""
        ...

    def entries(self) -> list[dict[str, Any]]:
        """What its ledger says."""
        ...


class Neighbour(Server, Protocol):
    """A node whose data directory is on this machine: `TownNode`, `PodNode`."""

    @property
    def data(self) -> Path:
        """Its data directory."""
        ...

    @property
    def url(self) -> str:
        """Where its first application's users connect."""
        ...

    def told(self) -> dict[str, Any]:
        """What `node status` says of all that it serves."""
        ...


def ledger_entries(ledger: Path) -> list[dict[str, Any]]:
    """What a public log on this machine says, whole entries only."""
    try:
        lines = ledger.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]
