"""A whole Harbor at one address: the double of its own interface, and a real registry behind a token service.

Source: distribution.github.io, "Token authentication" and "Token scope": who has no token that is good for it is told
where such tokens are (401); a token is for one repository, and for what its account may do there.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import httpx2
from harbordouble import PROJECT, SECRET, HarborDouble
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from cyberprivacy.registry.distribution import Credentials, trusting
from cyberprivacy.registry.docker_registry import DockerRegistry

ACCOUNTS = {
    f"robot${PROJECT}+cyberprivacy-push:{SECRET}": {"pull", "push"},
    f"robot${PROJECT}+cyberprivacy-pull:{SECRET}": {"pull"},
}
PASSED_ON = ("content-type", "content-length", "accept", "host", "range")


class HarborHost:
    """Answers for both interfaces, as an ASGI app.

    Attributes:
        double: the interface of its own.
        pulled: repositories of which manifests were fetched by an account that may only fetch.
        denied: scopes that an account had no right to.
    """

    def __init__(self, registry: DockerRegistry) -> None:
        self.double = HarborDouble()
        self.pulled: set[str] = set()
        self.denied: list[str] = []
        self._tokens: dict[str, tuple[str, set[str]]] = {}
        credentials = Credentials.read(registry.authfile, registry.host)
        assert credentials is not None
        self._basic, self._behind = credentials.basic(), registry.url
        self._tls = trusting(registry.ca)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path
        if path.startswith("/api/v2.0/"):
            await self.double(scope, receive, send)
            return
        response = self._token(request) if path == "/service/token" else await self._registry(request)
        await response(scope, receive, send)

    def _token(self, request: Request) -> Response:
        coded = request.headers.get("authorization", "").removeprefix("Basic ")
        rights = ACCOUNTS.get(base64.b64decode(coded).decode())
        kind, _, rest = request.query_params.get("scope", "::").partition(":")
        repository, _, actions = rest.rpartition(":")
        if rights is None or (kind, request.query_params.get("service")) != ("repository", "harbor-registry"):
            return JSONResponse({"errors": [{"code": "UNAUTHORIZED"}]}, 401)
        wanted, token = set(actions.split(",")), secrets.token_hex(16)
        given = rights & wanted if repository.startswith(f"{PROJECT}/") else set()
        if given != wanted:
            self.denied.append(request.query_params["scope"])
        self._tokens[token] = (repository, given)
        return JSONResponse({"token": token, "expires_in": 1800})

    async def _registry(self, request: Request) -> Response:
        """What lies below /v2/."""
        token, path = request.headers.get("authorization", "").removeprefix("Bearer "), request.url.path
        repository, may = self._tokens.get(token, ("", set()))
        needed = "pull" if request.method in ("GET", "HEAD") else "push"
        good = token in self._tokens and (path == "/v2/" or path.startswith(f"/v2/{repository}/"))
        if not good or (path != "/v2/" and needed not in may):
            return _challenge(request, "pull" if needed == "pull" else "pull,push")
        answer = await self._pass_on(request)
        _, _, digest = path.partition("/manifests/")
        if digest and request.method == "PUT" and answer.status_code == 201:
            self.double.hold(repository.removeprefix(f"{PROJECT}/"), digest, day=1)
        if digest and request.method == "GET" and "push" not in may:
            self.pulled.add(repository)
        return answer

    async def _pass_on(self, request: Request) -> Response:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        headers |= {"authorization": self._basic, "x-forwarded-proto": "https"}
        target = httpx2.URL(self._behind + request.url.path, query=request.url.query.encode())
        body = request.stream() if request.method in ("PUT", "PATCH") else None
        async with httpx2.AsyncClient(verify=self._tls, timeout=60, trust_env=False) as client:
            got = await client.request(request.method, target, headers=headers, content=body)
        return Response(got.content, got.status_code, headers=_back(got.headers))


def _challenge(request: Request, actions: str) -> Response:
    """Where to get a token, and which. Source: RFC 6750, section 3."""
    words = f'Bearer realm="https://{request.headers["host"]}/service/token",service="harbor-registry"'
    if found := re.fullmatch(r"/v2/(.+)/(manifests|blobs)/.*", request.url.path):
        words += f',scope="repository:{found[1]}:{actions}"'
    return JSONResponse({"errors": [{"code": "UNAUTHORIZED"}]}, 401, headers={"www-authenticate": words})


def _back(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name.lower() not in ("date", "transfer-encoding")}


def bundle_of(folder: Path, authority: Path) -> Path:
    """A file with the machine's own authorities and one more, as an organisation hands it to its machines."""
    both = folder / "authorities.pem"
    both.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes() + authority.read_bytes())
    return both
