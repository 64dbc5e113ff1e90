"""The files of the public log over HTTP: a checkpoint that changes, tiles that never do.

Source: C2SP tlog-tiles.
"""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.note import MAX_NOTE
from cyberprivacy.ledger.publisher import CHECKPOINT
from cyberprivacy.ledger.reading import Source
from cyberprivacy.ledger.tiles import Tile

_TEXT: Final = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
_TILE: Final = {"Content-Type": "application/octet-stream", "Cache-Control": "public, max-age=31536000, immutable"}


class NoSuchFile(TryLater):
    """The log has no such file, or not yet."""

    code = "log.absent"
    hint = "Read the checkpoint first: it says which files there are."


def log_files(prefix: str, source: Source) -> Route:
    """The route under which the files lie.

    Args:
        prefix: path of the log, without a slash at its end.
        source: the folder that is published.
    """

    async def file(request: Request) -> Response:
        path = request.path_params["path"]
        if path == CHECKPOINT:
            data, headers = await run_in_threadpool(source.read, CHECKPOINT, MAX_NOTE), _TEXT
        else:
            tile = Tile.parse(path)  # names one file in one spelling: nothing else of the disk is asked for
            data, headers = await run_in_threadpool(source.read, tile.path, tile.limit), _TILE
        if data is None:
            raise NoSuchFile("the log has no such file", path=path)
        return Response(data, headers={**headers, "X-Content-Type-Options": "nosniff"})

    return Route(f"{prefix}/{{path:path}}", file)
