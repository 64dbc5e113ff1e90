"""`my …`: what a person does with their own account and data, at any vault."""

from importlib import import_module
from typing import Final

import typer

PARTS: Final = (
    *(
        "myaccount",
        "mydata",
        "mynumbers",
        "mygrant",
        "mygrants",
        "mytransfer",
        "myerase",
        "myreceipts",
        "myrecovery",
    ),
)
"""Modules of this package that add the commands, in the order in which `my --help` lists them."""


def register(_app: typer.Typer) -> None:
    """Add `my …`."""
    from cyberprivacy.cli import group

    my = group("my", "Your account and your data at a vault: see, take out, share, erase.")
    for part in PARTS:
        import_module(f"cyberprivacy.cli.{part}").add(my)
