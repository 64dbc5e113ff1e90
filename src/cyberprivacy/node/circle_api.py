"""The node as a witness over HTTP, under `/.well-known/cyberprivacy/witness/`.

* `POST add-checkpoint`, `GET <hash>/checkpoint`: C2SP tlog-witness; `<hash>` is the hex SHA-256 of a log's origin.
* `GET <hash>/log/…`: this node's copy of a log that it watches, as C2SP tlog-tiles has it.
* `GET evidence/<name>`: what it found, for whoever wants to check it.
"""

from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from cyberprivacy.ledger.findings import NAME
from cyberprivacy.ledger.fork import MAX_EVIDENCE
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.witness_api import witness_application
from cyberprivacy.node.circle import PATH, Circle, hashed
from cyberprivacy.node.logfiles import NoSuchFile, log_files
from cyberprivacy.node.pacing import Pace

RATE: Final = 240
"""Heads that one address may bring in one minute: a busy log brings one a second, and may have to ask twice."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def circle_routes(
    circle: Circle, *, clock: Callable[[], float], asker: Callable[[Request], str]
) -> list[BaseRoute]:
    """The routes of a witness; refusals are answered by `api.assembled`.

    Args:
        circle: what answers.
        clock: seconds since 1970.
        asker: the address of whoever asks.
    """
    pace = Pace(RATE, clock=clock)
    witness = witness_application(circle, allows=lambda request: pace.allows(asker(request)))
    folder = FolderSource(circle.findings.folder)

    async def evidence(request: Request) -> Response:
        name = request.path_params["name"]
        data = await run_in_threadpool(folder.read, name, MAX_EVIDENCE) if NAME.fullmatch(name) else None
        if data is None:
            raise NoSuchFile("there is no such evidence", code="watch.absent", hint="`status` names the files.")
        return Response(data, media_type="application/json", headers=_HEADERS)

    copies = [
        log_files(f"{PATH}/{hashed(origin)}/log", FolderSource(watch.mirror))
        for origin, watch in circle.watches.items()
    ]
    return [Route(f"{PATH}/evidence/{{name:str}}", evidence), *copies, Mount(PATH, witness)]
