"""`demo network`: three clusters that watch one another, four ways to cheat, and how each is found."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.stage import Screen, empty

if TYPE_CHECKING:
    from cyberprivacy.testing.scenes import Caught

CAST: Final = (
    "Each cluster is the witness that nodes run: its log, its cosigner, its watchers, its API over HTTP. "
    "No containers, no chain: nothing here needs them."
)


def network(
    folder: Annotated[
        Path, typer.Option(help="Where the demo keeps everything; what an earlier demo left goes.")
    ] = Path(".demo-network"),
    *,
    as_json: Json = False,
) -> None:
    """Have three clusters watch one another while one goes silent, one equivocates, one rewrites, one signs all.

    Real processes in network namespaces of their own; nothing of them outlives this command, however it ends.
    """
    from cyberprivacy.testing.scenes import Scenes

    place = folder.resolve()
    empty(place)
    screen = Screen(place, aside=as_json)
    scenes = Scenes(place, screen)
    screen.note(CAST)
    scenes.run()
    seconds = time.monotonic() - screen.began
    value = {"caught": [each.facts() for each in scenes.caught], "seconds": round(seconds, 1)}
    if as_json:
        out.result(value, "", as_json=True)
        return
    out.human("")
    out.human(table(("who", "cheat", "found by", "code", "after"), map(_row, scenes.caught)))
    out.human("")
    for path in dict.fromkeys(str(each.evidence) for each in scenes.caught):
        out.human(path)  # on lines of their own: a path that a table folds cannot be copied
    out.human("")
    out.human(f"all caught, {seconds:.0f} s. Each proof convinces whoever has public keys:")
    out.human(f"$ cyberprivacy {' '.join(scenes.caught[-1].command)}")


def _row(each: "Caught") -> tuple[str, ...]:
    return each.by, each.cheat, each.finder, each.code, f"{each.seconds:.1f} s"
