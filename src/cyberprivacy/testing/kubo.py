"""The calls of Kubo's RPC interface that we use, over blocks in memory.

Source: docs.ipfs.tech/reference/kubo/rpc; answers as Kubo 0.43 gives them.
"""

import io
import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cyberprivacy.bundle import car, graph
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.blocks import MemoryBlocks


class FakeKubo:
    """An ASGI app that behaves like a Kubo without a network.

    Attributes:
        blocks: what it holds.
        pinned: the roots that it was told to keep.
        names: what they were called, by root.
        full: whether it can't take anything more.
    """

    def __init__(self) -> None:
        self.blocks = MemoryBlocks(name="kubo")
        self.pinned: list[str] = []
        self.names: dict[str, str] = {}
        self.full = False
        self._app = Starlette(
            routes=[
                Route("/api/v0/block/get", self._get, methods=["POST"]),
                Route("/api/v0/dag/export", self._export, methods=["POST"]),
                Route("/api/v0/dag/import", self._import, methods=["POST"]),
                Route("/api/v0/pin/add", self._pin, methods=["POST"]),
                Route("/api/v0/pin/ls", self._pins, methods=["POST"]),
                Route("/api/v0/pin/rm", self._unpin, methods=["POST"]),
                Route("/api/v0/dag/stat", self._stat, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        await self._app(scope, receive, send)

    async def _get(self, request: Request) -> Response:
        block = self.blocks.find(Cid.parse(request.query_params["arg"]))
        return _error("block was not found locally (offline)") if block is None else Response(block)

    async def _export(self, request: Request) -> Response:
        root = Cid.parse(request.query_params["arg"])
        try:
            return Response(b"".join(car.write(root, graph.blocks(root, self.blocks.find))))
        except CyberPrivacyError:
            return _error("block was not found locally (offline)")

    async def _import(self, request: Request) -> Response:
        boundary = request.headers["content-type"].partition("boundary=")[2].encode()
        _, _, part = (await request.body()).partition(b"--" + boundary + b"\r\n")
        data = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n--" + boundary + b"--\r\n")
        root = Cid.from_bytes(data[14:50])  # where our own header has it
        for cid, block in car.read(io.BytesIO(data), root):
            self.blocks.put(cid.codec, block)
        problem = "no space left on device" if self.full else ""
        if not self.full:
            self.pinned.append(str(root))
        line = {"Root": {"Cid": {"/": str(root)}, "PinErrorMsg": problem}}
        return Response(json.dumps(line).encode() + b"\n", media_type="application/json")

    async def _pin(self, request: Request) -> Response:
        root = request.query_params["arg"]
        try:
            list(graph.blocks(Cid.parse(root), self.blocks.find))
        except CyberPrivacyError:
            return _error("pin: block was not found locally (offline)")
        self.names[root] = request.query_params.get("name", "")
        if root not in self.pinned:
            self.pinned.append(root)
        return JSONResponse({"Pins": [root]})

    async def _pins(self, request: Request) -> Response:
        asked = request.query_params.get("arg")
        if asked is not None and asked not in self.pinned:
            return _error(f"path '/ipfs/{asked}' is not pinned")
        roots = self.pinned if asked is None else [asked]
        keys = {root: {"Type": "recursive", "Name": self.names.get(root, "")} for root in roots}
        return JSONResponse({"Keys": keys})

    async def _unpin(self, request: Request) -> Response:
        root = request.query_params["arg"]
        if root not in self.pinned:
            return _error("not pinned or pinned indirectly")
        self.pinned = [pin for pin in self.pinned if pin != root]
        return JSONResponse({"Pins": [root]})

    async def _stat(self, request: Request) -> Response:
        found = dict(graph.blocks(Cid.parse(request.query_params["arg"]), self.blocks.find))
        size = sum(map(len, found.values()))
        return JSONResponse({"UniqueBlocks": len(found), "TotalSize": size, "DagStats": []})


def _error(message: str) -> Response:
    return JSONResponse({"Message": message, "Code": 0, "Type": "error"}, 500)
