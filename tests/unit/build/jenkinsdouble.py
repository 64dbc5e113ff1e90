"""A Jenkins that takes nothing but what its published interface allows, and really runs the pipelines that it is given.

Source: jenkins.io/doc/book/using/remote-access-api, .../security/csrf-protection, .../pipeline/syntax; the credentials
plugin's REST API. Each request is held to method, path, query, headers (crumb, media type) and the form of its body. The
steps of a Jenkinsfile run in /bin/sh with nothing but the environment that a Jenkins would give them.
"""

import base64
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

USER, TOKEN = "node", "11aa-token-that-nobody-must-see"
CRUMB = "0123456789abcdef"
BASIC = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()

STRUCTURE = [
    r"// .*", r"pipeline \{", r"  agent \{ label '[a-z-]+' \}", r"  options \{", r"    timeout\(time: \d+, unit: 'MINUTES'\)",
    r"    buildDiscarder\(logRotator\(numToKeepStr: '\d+'\)\)", r"    skipDefaultCheckout\(\)", r"  \}",
    r"  parameters \{ string\(name: '(?P<parameter>\w+)', description: '[^']*'\) \}", r"  environment \{",
    r"    (?P<secret>\w+) = credentials\('(?P<id>[\w-]+)'\)", r"    (?P<name>\w+) = '(?P<value>(?:[^'\\]|\\.)*)'", r"  stages \{",
    r"    stage\('clear'\) \{ steps \{ deleteDir\(\) \} \}", r"    stage\('[a-z-]+'\) \{",
    r"      steps \{ sh\(label: '[a-z-]+', script: '(?P<script>(?:[^'\\]|\\.)*)'\) \}", r"    \}", r"  post \{",
    r"    success \{ archiveArtifacts artifacts: '(?P<artifacts>[\w.,-]+)' \}", r"    cleanup \{ deleteDir\(\) \}", r"\}",
]  # fmt: skip
"""Every line that the double understands, out of declarative syntax."""


class JenkinsDouble:
    """One server in memory.

    Attributes:
        programs: the folder that is its PATH.
        breaches: what was asked against the interface.
        asked: "METHOD path" of each request.
        jobs: Jenkinsfile by name of job.
        secrets: content by id of credential.
        answers: answered instead, by "METHOD path", once each.
        wait: how often it says that a build is still queued, and that it still runs.
        crumbs: whether changes need one.
        log: of the last build.
        aside: whether a build runs beside the answers, as for one that takes minutes; then the server remembers the
            last build alone.
    """

    def __init__(self, folder: Path, *, aside: bool = False) -> None:
        self.folder, self.programs, self.aside = folder, folder / "bin", aside
        self.worker: Thread | None = None
        self.breaches: list[str] = []
        self.asked: list[str] = []
        self.jobs: dict[str, str] = {}
        self.secrets: dict[str, bytes] = {}
        self.answers: dict[str, list[Callable[[], Response]]] = {}
        self.wait = 1
        self.crumbs = True
        self.crumb = CRUMB
        self.log, self.result = "", ""
        self.queued: list[tuple[str, dict[str, str]]] = []
        self.cancelled: set[int] = set()
        self.archived: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asked = f"{request.method} {request.url.path}"
        self.asked.append(asked)
        instead = self.answers.get(asked)
        response = instead.pop(0)() if instead else await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != BASIC:
            return Response("<html>Access denied</html>", 401)
        if request.method == "GET":
            return self._read(request)
        if request.method != "POST":
            return self._breach(f"method {request.method}")
        if self.crumbs and request.headers.get("jenkins-crumb") != self.crumb:
            return JSONResponse({"message": "No valid crumb was included in the request"}, 403)
        return await self._change(request)

    def _read(self, request: Request) -> Response:
        path, query = request.url.path, dict(request.query_params)
        if path == "/crumbIssuer/api/json":
            answer = {
                "_class": "hudson.security.csrf.DefaultCrumbIssuer",
                "crumb": self.crumb,
                "crumbRequestField": "Jenkins-Crumb",
            }
            return JSONResponse(answer) if self.crumbs else Response(status_code=404)
        if found := re.fullmatch(r"/job/([\w-]+)/api/json", path):
            return JSONResponse({"name": found[1]}) if found[1] in self.jobs else Response(status_code=404)
        if found := re.fullmatch(r"/credentials/store/system/domain/_/credential/([\w-]+)/api/json", path):
            return JSONResponse({"id": found[1]}) if found[1] in self.secrets else Response(status_code=404)
        if found := re.fullmatch(r"/queue/item/(\d+)/api/json", path):
            return self._item(int(found[1]))
        if found := re.fullmatch(r"/job/([\w-]+)/(\d+)/(api/json|logText/progressiveText|artifact/(.+))", path):
            gone = int(found[2]) != self.number
            return Response(status_code=404) if gone else self._build(found[3], found[4], query)
        return self._breach(f"no such path: {path}")

    def _item(self, item: int) -> Response:
        if item not in range(1, len(self.queued) + 1):
            return Response(status_code=404)
        waiting = self._still_waiting()
        executable = (
            None if waiting or item in self.cancelled else {"number": self.number, "url": "http://elsewhere/"}
        )
        return JSONResponse({"cancelled": item in self.cancelled, "why": "no agent", "executable": executable})

    @property
    def number(self) -> int:
        """Of the build that it remembers."""
        return len(self.queued) if self.aside else 1

    def _build(self, what: str, artifact: str, query: dict[str, str]) -> Response:
        if what == "api/json":
            running = self._still_waiting()
            if not running and not self.result:
                running = self._begin()
            return JSONResponse({"building": running, "result": None if running else self.result})
        if what == "logText/progressiveText":
            start = int(query["start"])
            headers = {"X-Text-Size": str(len(self.log)), **({} if self.result else {"X-More-Data": "true"})}
            return Response(self.log[start:], headers=headers, media_type="text/plain")
        found = self.archived.get(artifact)
        return Response(status_code=404) if found is None else Response(found)

    async def _change(self, request: Request) -> Response:  # noqa: PLR0911 - one for each path
        path, body = request.url.path, await request.body()
        kind = request.headers.get("content-type", "")
        if path == "/createItem" and set(request.query_params) == {"name"}:
            name = request.query_params["name"]
            return self._breach("job exists") if name in self.jobs else self._define(name, kind, body)
        if found := re.fullmatch(r"/job/([\w-]+)/config\.xml", path):
            return self._define(found[1], kind, body)
        store = "/credentials/store/system/domain/_"
        if path == f"{store}/createCredentials" or re.fullmatch(rf"{store}/credential/[\w-]+/config\.xml", path):
            return self._entrust(path.split("/")[-2], kind, body)
        if found := re.fullmatch(r"/job/([\w-]+)/buildWithParameters", path):
            if kind != "application/x-www-form-urlencoded" or found[1] not in self.jobs:
                return self._breach(f"form of build: {kind}")
            self.queued.append((found[1], dict(parse_qsl(body.decode(), strict_parsing=True))))
            if self.aside:
                self.worker, self.log, self.result = None, "", ""
            return Response(
                status_code=201, headers={"Location": f"http://elsewhere/queue/item/{len(self.queued)}/"}
            )
        if path == "/queue/cancelItem" and set(request.query_params) == {"id"}:
            self.cancelled.add(int(request.query_params["id"]))
            return Response(status_code=204)
        if re.fullmatch(rf"/job/[\w-]+/{self.number}/stop", path):
            self.result = "ABORTED"
            return Response(status_code=302, headers={"Location": "../"})
        return self._breach(f"no such change: {path}")

    def _define(self, name: str, kind: str, body: bytes) -> Response:
        root = ET.fromstring(body)  # noqa: S314 - of our own client
        parameter = root.findtext(".//hudson.model.StringParameterDefinition/name")
        sound = root.tag == "flow-definition" and root.findtext("definition/sandbox") == "true" and parameter
        if kind != "application/xml" or not sound:
            return self._breach("job definition")
        self.jobs[name] = root.findtext("definition/script") or ""
        return Response()

    def _entrust(self, name: str, kind: str, body: bytes) -> Response:
        root = ET.fromstring(body)  # noqa: S314 - of our own client
        told = root.findtext("id") or ""
        sound = (
            root.tag == "org.jenkinsci.plugins.plaincredentials.impl.FileCredentialsImpl"
            and root.findtext("scope") == "GLOBAL"
        )
        if kind != "application/xml" or not sound or name not in ("_", told):
            return self._breach("credential")
        self.secrets[told] = base64.b64decode(root.findtext("secretBytes") or "", validate=True)
        return Response()

    def _begin(self) -> bool:
        """Run the last build, or begin to; whether it still runs."""
        if not self.aside:
            self._run(*self.queued[-1])
            return False
        if self.worker is None:
            self.worker = Thread(target=self._run, args=self.queued[-1], name="jenkins agent")
            self.worker.start()
        return True

    def _run(self, job: str, parameters: dict[str, str]) -> None:
        environment, scripts, artifacts = {"PATH": f"{self.programs}:/usr/bin:/bin"}, [], ""
        workspace = self.folder / f"workspace-{len(self.queued)}"
        workspace.mkdir(exist_ok=True)
        for line in self.jobs[job].splitlines():
            found = next((match for rule in STRUCTURE if (match := re.fullmatch(rule, line))), None)
            if found is None:
                self.breaches.append(f"Jenkinsfile: {line}")
                self.result = "FAILURE"
                return
            part = found.groupdict()
            if "parameter" in part:
                environment[part["parameter"]] = parameters[part["parameter"]]
            if "secret" in part:
                file = self.folder / part["id"]
                file.write_bytes(self.secrets[part["id"]])
                environment[part["secret"]] = str(file)
            if "value" in part:
                environment[part["name"]] = groovy(part["value"])
            if "script" in part:
                scripts.append(groovy(part["script"]))
            artifacts = part.get("artifacts", artifacts)
        for script in scripts:
            self.log += f"+ {script}\n"
            done = subprocess.run(
                ["/bin/sh", "-xec", script],
                env=environment,
                cwd=workspace,
                capture_output=True,
                text=True,
                check=False,
            )
            self.log += done.stderr
            if done.returncode:
                self.result = "FAILURE"
                return
        self.archived = {name: (workspace / name).read_bytes() for name in artifacts.split(",")}
        self.result = "SUCCESS"

    def _still_waiting(self) -> bool:
        self.wait -= 1
        return self.wait >= 0

    def _breach(self, what: str) -> Response:
        self.breaches.append(what)
        return Response(f"<html>{what}</html>", 400)


def groovy(text: str) -> str:
    """What a single-quoted string of Groovy says."""
    return re.sub(r"\\(.)", r"\1", text)
