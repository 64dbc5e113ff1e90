"""A Harbor that takes nothing but what its published interface allows.

Source: github.com/goharbor/harbor, api/v2.0/swagger.yaml. Each request is held to it: method, path, query, headers, and the
schema of its body. A breach is remembered, and answered as the interface answers bad requests.
"""

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import unquote

from jsonschema_rs import validator_for
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

USER, PASSWORD = "admin", "hunter2-that-nobody-must-see"
SECRET = "robot-secret-that-is-shown-once"
MIME = "application/vnd.security.vulnerability.report; version=1.1"
PROJECT = "node-1"


def entity(**properties: object) -> dict[str, object]:
    """An object with these members and no others, all of them there."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


TEXT = {"type": "string"}
SELECTORS = {
    "type": "array",
    "items": entity(kind=TEXT, decoration={"enum": ["matches", "excludes", "repoMatches"]}, pattern=TEXT),
}
SCHEMAS = {
    "project": entity(
        project_name={"type": "string", "maxLength": 255},
        metadata=entity(public={"enum": ["true", "false"]}, auto_scan={"enum": ["true", "false"]}),
    ),
    "robot": entity(
        name=TEXT,
        description=TEXT,
        level={"enum": ["project", "system"]},
        duration={"type": "integer", "anyOf": [{"const": -1}, {"minimum": 1}]},
        permissions={
            "type": "array",
            "items": entity(
                kind={"enum": ["project", "system"]},
                namespace=TEXT,
                access={"type": "array", "minItems": 1, "items": entity(resource=TEXT, action=TEXT)},
            ),
        },
    ),
    "rule": entity(
        disabled={"type": "boolean"},
        action=TEXT,
        template=TEXT,
        tag_selectors=SELECTORS,
        scope_selectors={"type": "object", "additionalProperties": SELECTORS},
    ),
    "tag": entity(name={"type": "string", "pattern": r"^[\w][\w.-]{0,127}$"}),
    "scan": entity(scan_type={"enum": ["vulnerability", "sbom"]}),
}
VALID = {name: validator_for(schema).is_valid for name, schema in SCHEMAS.items()}


class HarborDouble:
    """One server with one project.

    Attributes:
        breaches: what was asked against the interface.
        asked: "METHOD path" of each request, the path unquoted once.
        exists: whether the project does.
        retention: rules of the project's own.
        rules: against moving tags.
        robots: by id: what was asked for.
        artifacts: by repository: images, with the tags on them.
        scans: how many were asked for.
        fixed: digests that a rule of somebody keeps from being removed.
        answers: answered instead, first come, first served; None answers as usual.
    """

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self.asked: list[str] = []
        self.exists = False
        self.retention: list[object] = []
        self.rules: list[dict[str, object]] = []
        self.robots: dict[int, dict[str, object]] = {}
        self.artifacts: dict[str, dict[str, dict[str, object]]] = {}
        self.overview: dict[str, object] | None = None
        self.fixed: set[str] = set()
        self.scans = 0
        self.answers: list[Callable[[], Response] | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = unquote(request.scope["raw_path"].decode()).removeprefix("/api/v2.0")
        self.asked.append(f"{request.method} {path}")
        instead = self.answers.pop(0) if self.answers else None
        response = instead() if instead else await self._answer(request, path)
        await response(scope, receive, send)

    async def _answer(self, request: Request, path: str) -> Response:
        header = request.headers.get("authorization", "").removeprefix("Basic ")
        if base64.b64decode(header).decode() not in (
            f"{USER}:{PASSWORD}",
            f"robot${PROJECT}+cyberprivacy-push:{SECRET}",
        ):
            return errors(401, "UNAUTHORIZED")
        body = await request.body()
        if body and request.headers.get("content-type") != "application/json":
            return self._breach("media type")
        value = json.loads(body) if body else None
        routes = {
            r"POST /projects": lambda: self._make(value),
            rf"GET /projects/{PROJECT}": lambda: self._project(request),
            r"GET /retentions/7": lambda: JSONResponse({"id": 7, "algorithm": "or", "rules": self.retention}),
            rf"(GET|POST) /projects/{PROJECT}/immutabletagrules": lambda: self._rules(request, value),
            r"(GET|POST) /robots": lambda: self._robots(request, value),
            r"DELETE /robots/(\d+)": lambda: self._end(int(path.rpartition("/")[2])),
            rf"GET /projects/{PROJECT}/repositories": lambda: self._repositories(request),
            rf"[A-Z]+ /projects/{PROJECT}/repositories/[^/]+/artifacts.*": lambda: self._artifacts(
                request, path, value
            ),
        }
        for route, answer in routes.items():
            if re.fullmatch(route, f"{request.method} {path}"):
                return answer()
        return self._breach(f"no such path: {request.method} {path}")

    def _make(self, value: object) -> Response:
        if not VALID["project"](value):
            return self._breach(f"project: {value}")
        made, self.exists = not self.exists, True
        return Response(status_code=201) if made else errors(409, "CONFLICT")

    def _project(self, request: Request) -> Response:
        if request.headers.get("x-is-resource-name") != "true":
            return self._breach("a name taken for an id")
        metadata = {"public": "false", **({"retention_id": "7"} if self.retention else {})}
        return JSONResponse({"project_id": 3, "name": PROJECT, "metadata": metadata})

    def _rules(self, request: Request, value: dict[str, object]) -> Response:
        if request.headers.get("x-is-resource-name") != "true":
            return self._breach("a name taken for an id")
        if request.method == "GET":
            return JSONResponse([{"id": number, "priority": 0, **rule} for number, rule in enumerate(self.rules)])
        if not VALID["rule"](value):
            return self._breach(f"rule: {value}")
        self.rules.append(value)
        return Response(status_code=201)

    def _robots(self, request: Request, value: dict[str, object]) -> Response:
        if request.method == "GET":
            if request.query_params.get("q") != "Level=project,ProjectID=3":
                return self._breach(f"query: {request.query_params}")
            return JSONResponse(
                [{"id": number, "name": f"robot${PROJECT}+{one['name']}"} for number, one in self.robots.items()]
            )
        if not VALID["robot"](value):
            return self._breach(f"robot: {value}")
        if value["name"] in {one["name"] for one in self.robots.values()}:
            return errors(409, "CONFLICT")
        self.robots[max(self.robots, default=0) + 1] = value
        made = {"id": max(self.robots), "name": f"robot${PROJECT}+{value['name']}", "secret": SECRET}
        return JSONResponse({**made, "creation_time": "2026-01-01T00:00:00.000Z", "expires_at": 1}, 201)

    def _end(self, number: int) -> Response:
        return Response(status_code=200 if self.robots.pop(number, None) else 404)

    def _repositories(self, request: Request) -> Response:
        names = [{"id": number, "name": f"{PROJECT}/{name}"} for number, name in enumerate(self.artifacts)]
        return self._page(request, names)

    def _artifacts(self, request: Request, path: str, value: object) -> Response:  # noqa: PLR0911 - one for each path
        quoted, _, rest = path.removeprefix(f"/projects/{PROJECT}/repositories/").partition("/artifacts")
        name = unquote(quoted)
        held = self.artifacts.get(name)
        if ("/" in name and "%2F" not in quoted) or held is None:
            return errors(404, "NOT_FOUND")
        digest, _, what = rest.lstrip("/").partition("/")
        if not digest:
            return self._page(request, sorted(held.values(), key=lambda one: one["push_time"], reverse=True))
        if digest not in held:
            return errors(404, "NOT_FOUND")
        match request.method, what:
            case "POST", "tags" if VALID["tag"](value):
                if value["name"] in {tag["name"] for tag in held[digest]["tags"]}:
                    return errors(409, "CONFLICT")
                held[digest]["tags"].append(value)
                return Response(status_code=201)
            case "POST", "scan" if VALID["scan"](value):
                self.scans += 1
                return Response(status_code=202)
            case "DELETE", "":
                return (
                    errors(412, "PRECONDITION")
                    if digest in self.fixed
                    else Response(status_code=200 * bool(held.pop(digest)))
                )
            case "GET", "" if request.query_params.get("with_scan_overview") == "true":
                accepted = request.headers.get("x-accept-vulnerabilities") == MIME
                return JSONResponse(
                    {**held[digest], **({"scan_overview": self.overview} if accepted and self.overview else {})}
                )
        return self._breach(f"{request.method} {path}: {value}")

    def _page(self, request: Request, found: list[dict[str, object]]) -> Response:
        page, size = int(request.query_params.get("page", "1")), int(request.query_params.get("page_size", "10"))
        if not 1 <= size <= 100:
            return self._breach(f"page_size: {size}")
        return JSONResponse(found[(page - 1) * size : page * size])

    def hold(self, repository: str, digest: str, *, day: int, pulled: bool = False) -> None:
        """An image that was pushed on a day of January 2026, or just now pulled."""
        self.artifacts.setdefault(repository, {})[digest] = {
            "id": day,
            "digest": digest,
            "push_time": f"2026-01-{day:02}T00:00:00.000Z",
            "pull_time": "2026-02-28T00:00:00.000Z" if pulled else "0001-01-01T00:00:00.000Z",
            "tags": [],
        }

    def _breach(self, what: str) -> Response:
        self.breaches.append(what)
        return errors(400, "BAD_REQUEST")


def errors(status: int, code: str) -> Response:
    """A refusal in the published form."""
    return JSONResponse({"errors": [{"code": code, "message": code.lower()}]}, status)
