"""`demo`: the whole story on one machine."""

import typer


def register(app: typer.Typer) -> None:
    """Add `demo`."""
