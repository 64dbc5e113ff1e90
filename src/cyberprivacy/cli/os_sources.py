"""What the sources of a Privacy OS say of themselves, read without fetching all of them."""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from cyberprivacy.cid import Cid
from cyberprivacy.errors import Untrusted

if TYPE_CHECKING:
    from cyberprivacy.cli.sources import Sources
    from cyberprivacy.privacy_os.release import Measured

Bundle = Annotated[str, typer.Argument(metavar="CID", help="The sources: bafybei…")]


def saying(bundle: str, sources: "Sources") -> "tuple[bytes, Measured]":
    """The root block, and what the sources say that they measure.

    Raises:
        Untrusted: they say nothing of it, or more than a line may hold ("os.said").
    """
    from cyberprivacy.bundle.reading import Reading
    from cyberprivacy.privacy_os.release import MAX_LINE, Measured

    cid = Cid.parse(bundle)
    with sources.panel() as asked:
        reading = Reading(asked.take)

        def read(name: str) -> bytes:
            file = reading.at(cid, PurePosixPath(name))
            if file.size is None or file.size > MAX_LINE:
                raise Untrusted("the sources do not say what they measure", code="os.said", size=file.size)
            return b"".join(reading.content(file.cid, file.size))

        return asked.take(cid), Measured.said(read)
