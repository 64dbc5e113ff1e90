"""A pinning service that takes nothing but what the published interface allows.

Source: ipfs.github.io/pinning-services-api-spec, version 1.0.0. Each request is held to it: method, path, query, types
and bounds of the body. A breach is remembered, and answered as a fault.
"""

import json
from collections.abc import Callable
from urllib.parse import unquote

from jsonschema_rs import validator_for
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

TOKEN = "a-token-that-nobody-must-see"

PIN = {
    "type": "object",
    "required": ["cid"],
    "additionalProperties": False,
    "properties": {
        "cid": {"type": "string", "minLength": 1},
        "name": {"type": "string", "maxLength": 255},
        "origins": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
        "meta": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
STATES = {"queued", "pinning", "pinned", "failed"}
FILTERS = {"cid", "name", "match", "status", "before", "after", "limit", "meta"}


class PinDouble:
    """Pins in memory.

    Attributes:
        pins: by request id: what the service would say of each.
        breaches: what was asked against the interface.
        asked: "METHOD path" of each request.
        next_state: of pins that come in.
        answers: answered instead, first come, first served; None answers as usual.
        most: of one page, whatever the client asks for.
    """

    def __init__(self) -> None:
        self.pins: dict[str, dict[str, object]] = {}
        self.breaches: list[str] = []
        self.asked: list[str] = []
        self.next_state = "queued"
        self.answers: list[Callable[[], Response] | None] = []
        self.most = 1000
        self._made = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked.append(f"{request.method} {request.url.path}")
        instead = self.answers.pop(0) if self.answers else None
        response = instead() if instead else await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return failure(401, "UNAUTHORIZED")
        raw = request.scope["raw_path"].decode().removeprefix("/api/v1")
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        if parts[0] != "pins" or len(parts) > 2:
            return self._breach(f"no such path: {raw}")
        match request.method, len(parts):
            case "GET", 1:
                return self._list(request)
            case "POST", _:
                return await self._add(request, parts[1:])
            case "DELETE", 2:
                found = self.pins.pop(parts[1], None)
                return failure(404, "NOT_FOUND") if found is None else Response(status_code=202)
        return self._breach(f"no such method: {request.method} {raw}")

    def _list(self, request: Request) -> Response:
        query = request.query_params
        repeated = len(query.multi_items()) != len(query)
        limit = query.get("limit", "10")
        states = set(query.get("status", "pinned").split(","))  # style form, not exploded
        if repeated or set(query) - FILTERS or not states <= STATES or not 1 <= int(limit) <= 1000:
            return self._breach(f"query: {query}")
        cids = query["cid"].split(",") if "cid" in query else []
        found = [
            pin
            for pin in self.pins.values()
            if pin["status"] in states
            and (not cids or pin["pin"]["cid"] in cids)
            and pin["created"] < query.get("before", "9")
        ]
        found.sort(key=lambda pin: pin["created"], reverse=True)
        return JSONResponse({"count": len(found), "results": found[: min(self.most, int(limit))]})

    async def _add(self, request: Request, replaced: list[str]) -> Response:
        body = json.loads(await request.body())
        if request.headers.get("content-type") != "application/json" or not validator_for(PIN).is_valid(body):
            return self._breach(f"body: {body}")
        for old in replaced:
            if self.pins.pop(old, None) is None:
                return failure(404, "NOT_FOUND")
        return JSONResponse(self.add(body, self.next_state), 202)

    def add(self, pin: dict[str, object], state: str) -> dict[str, object]:
        """What the service would hold after a request."""
        self._made += 1
        made = {
            "requestid": f"pin/{self._made}?of=us",  # any text is allowed, and must be quoted
            "status": state,
            "created": f"2026-01-01T00:{self._made // 60:02}:{self._made % 60:02}Z",
            "pin": pin,
            "delegates": ["/dnsaddr/pins.example"],
            "info": {"status_details": "third in the queue"},
        }
        self.pins[str(made["requestid"])] = made
        return made

    def _breach(self, what: str) -> Response:
        self.breaches.append(what)
        return failure(400, "BAD_REQUEST")


def failure(status: int, reason: str, details: str = "", **headers: str) -> Response:
    """A refusal in the published form."""
    return JSONResponse({"error": {"reason": reason, "details": details}}, status, headers)
