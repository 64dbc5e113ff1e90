"""Base images over HTTP, for a node that has no folder of them: an OCI layout, read-only, as a registry.

Source: OCI Distribution Specification 1.1, "Pull".
"""

import re
import socket
import threading
from pathlib import Path
from typing import Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from cyberprivacy.build.oci import OCI_MANIFEST

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})\Z")
_TYPES: Final = {"manifests": OCI_MANIFEST, "blobs": "application/octet-stream"}


class BaseRegistry:
    """A registry over a layout, on a free port of 127.0.0.1, as a context manager.

    Args:
        layout: folder of an OCI image layout.
    """

    def __init__(self, layout: Path) -> None:
        self._layout = layout
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        routes = [Route("/v2/{name:path}/{kind}/{digest}", self._answer, methods=["GET", "HEAD"])]
        self._server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def _answer(self, request: Request) -> FileResponse:
        found, kind = _DIGEST.match(request.path_params["digest"]), request.path_params["kind"]
        path = self._layout / "blobs" / "sha256" / (found[1] if found else "-")
        if kind not in _TYPES or not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, media_type=_TYPES[kind])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
