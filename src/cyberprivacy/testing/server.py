"""What a story asks of a node, wherever that runs."""

from pathlib import Path
from typing import Any, Protocol


class Server(Protocol):
    """A node of the town, wherever it runs: `TownNode`, `TownMachine`."""

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
