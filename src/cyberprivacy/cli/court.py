"""What somebody says against a visit or a claim, and what a court says of that, as words of a command."""

from typing import Annotated

import typer

from cyberprivacy.errors import Misuse

Reason = Annotated[str, typer.Option(metavar="CID", help="What speaks against it: a UnixFS file or folder.")]
Case = Annotated[str, typer.Option(metavar="CID", help="The ruling, as a UnixFS file or folder.")]
Ruling = Annotated[str, typer.Argument(metavar="upheld|dismissed", help="Is who speaks against it right?")]


def is_upheld(ruling: str) -> bool:
    """What a court says of a challenge or a dispute.

    Raises:
        Misuse: neither "upheld" nor "dismissed" ("market.ruling").
    """
    if ruling not in ("upheld", "dismissed"):
        raise Misuse("a ruling is `upheld` or `dismissed`", code="market.ruling", got=ruling[:60])
    return ruling == "upheld"
