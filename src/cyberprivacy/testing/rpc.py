"""A JSON-RPC endpoint that lies on request: between an honest one and whoever must not believe it."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

import httpx2

from cyberprivacy.trust import public

Lie = Callable[[list[Any], Any], Any]
"""Takes a request's parameters and the honest result (None without an upstream); returns the lie."""


class Raw(bytes):
    """A whole HTTP body, sent as it is in place of a JSON-RPC answer."""


class Status(int):
    """An HTTP status, sent in place of an answer; 3xx with a Location."""


class LyingRpc:
    """An endpoint on 127.0.0.1 that answers as `upstream` does, except for what `lies` says.

    Args:
        upstream: URL of an honest endpoint; "" = there is none, every answer is a lie or null.
        lies: by method; a function of parameters and honest result. It may return `Raw` or `Status`.
    """

    def __init__(self, upstream: str = "", **lies: Lie) -> None:
        self.lies: dict[str, Lie] = lies
        self.asked: list[str] = []
        self._client = httpx2.Client(base_url=upstream, verify=public(), trust_env=False) if upstream else None
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._client is not None:
            self._client.close()

    def answer(self, body: bytes) -> bytes | Status:
        """The HTTP body, or the status, with which one request is answered."""
        request = json.loads(body)
        method, params = request["method"], request["params"]
        self.asked.append(method)
        honest = self._honest(body) if self._client is not None else {"result": None}
        if method in self.lies:
            lie = self.lies[method](params, honest.get("result"))
            if isinstance(lie, Raw | Status):
                return lie
            honest = lie if isinstance(lie, dict) and set(lie) & {"error", "id"} else {"result": lie}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"]} | honest).encode()

    def _honest(self, body: bytes) -> dict[str, Any]:
        assert self._client is not None  # noqa: S101  asked only with an upstream
        answer = self._client.post("/", content=body, headers={"content-type": "application/json"}).json()
        return {name: answer[name] for name in ("result", "error") if name in answer}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A caller who hangs up on a liar is no news."""


def _handler(rpc: LyingRpc) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = rpc.answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(said if isinstance(said, Status) else 200)
            if isinstance(said, Status):
                self.send_header("location", "http://127.0.0.1:9/")
                said = b""
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  the base class's name
            """Say nothing."""

    return Handler
