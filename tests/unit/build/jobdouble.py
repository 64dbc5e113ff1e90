"""A part of a Kubernetes API server that takes Jobs as its interface has them, and really runs their containers.

Source: kubernetes.io/docs/reference/kubernetes-api (job-v1, pod-v1, secret-v1); server-side apply. Each request is held to
method, path, query and headers, each object to the fields that there are, and a container that does not ask for rights to
Pod Security "restricted". Containers run one after the other in /bin/sh, with the environment that the Job gives them; where a
pod would have mount points, they have folders of the double.
"""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from jsonschema_rs import validator_for
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

TOKEN, NAMESPACE = "eyJhbGciOi-token-that-nobody-must-see", "builds"
JOBS, SECRETS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/", f"/api/v1/namespaces/{NAMESPACE}/secrets/"
PODS, OF_JOB = f"/api/v1/namespaces/{NAMESPACE}/pods", "batch.kubernetes.io/controller-uid="
APPLY = {"fieldManager": "cyberprivacy", "force": "true"}


def entity(*needed: str, **properties: object) -> dict[str, object]:
    """An object with these members and no others; those that are needed are named twice."""
    return {
        "type": "object",
        "required": list(needed),
        "additionalProperties": False,
        "properties": properties,
    }


def listed(items: object, most: int = 64) -> dict[str, object]:
    return {"type": "array", "items": items, "maxItems": most}


TEXT, NUMBER, TRUTH, MAP = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "object"}
LABEL = {"type": "object", "additionalProperties": {"type": "string", "pattern": r"^[A-Za-z0-9._-]{0,63}$"}}
NAME = {"type": "string", "pattern": r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
META = entity("name", "namespace", name=NAME, namespace={"const": NAMESPACE}, labels=LABEL)
PROFILE = entity("type", type={"enum": ["RuntimeDefault", "Unconfined"]})
RESTRICTED = {
    "type": "object",
    "required": ["runAsNonRoot", "allowPrivilegeEscalation", "capabilities", "seccompProfile"],
    "properties": {
        "runAsNonRoot": {"const": True},
        "runAsUser": {"type": "integer", "minimum": 1},
        "allowPrivilegeEscalation": {"const": False},
        "capabilities": {"const": {"drop": ["ALL"]}},
        "seccompProfile": {"const": {"type": "RuntimeDefault"}},
        "privileged": {"const": False},
    },
}
PRIVILEGED = entity("privileged", privileged={"const": True}, runAsUser={"const": 0}, seccompProfile=PROFILE)
CONTAINER = entity(
    "name", "image", "command", "env", "resources", "securityContext",
    name=NAME, image={"type": "string", "pattern": "@sha256:[0-9a-f]{64}$"}, command=listed(TEXT), workingDir=TEXT,
    env=listed(entity("name", "value", name={"type": "string", "pattern": "^[A-Z_]+$"}, value=TEXT)),
    terminationMessagePath=TEXT, terminationMessagePolicy={"enum": ["File", "FallbackToLogsOnError"]},
    volumeMounts=listed(entity("name", "mountPath", name=NAME, mountPath=TEXT, readOnly=TRUTH)),
    resources=entity("limits", "requests", limits=MAP, requests=MAP), securityContext={"anyOf": [RESTRICTED, PRIVILEGED]},
)  # fmt: skip
VOLUME = entity(
    "name",
    name=NAME,
    emptyDir=entity(sizeLimit=TEXT),
    secret=entity("secretName", secretName=NAME, defaultMode=NUMBER),
)
POD = entity(
    "restartPolicy", "automountServiceAccountToken", "containers",
    restartPolicy={"const": "Never"}, automountServiceAccountToken={"const": False}, enableServiceLinks={"const": False},
    nodeSelector=LABEL, tolerations=listed(entity("key", key=TEXT, operator=TEXT, value=TEXT, effect=TEXT)),
    securityContext=entity(fsGroup=NUMBER, seccompProfile=PROFILE), initContainers=listed(CONTAINER),
    containers={**listed(CONTAINER), "minItems": 1}, volumes=listed(VOLUME),
)  # fmt: skip
JOB = entity(
    "apiVersion", "kind", "metadata", "spec", apiVersion={"const": "batch/v1"}, kind={"const": "Job"}, metadata=META,
    spec=entity(
        "template", backoffLimit=NUMBER, activeDeadlineSeconds=NUMBER, ttlSecondsAfterFinished=NUMBER,
        template=entity("metadata", "spec", metadata=entity(labels=LABEL), spec=POD),
    ),
)  # fmt: skip
SECRET = entity(
    "apiVersion", "kind", "metadata", "data",
    apiVersion={"const": "v1"}, kind={"const": "Secret"}, metadata=META, type={"const": "Opaque"}, data=LABEL | {
        "additionalProperties": TEXT
    },
)  # fmt: skip
VALID = {JOBS: validator_for(JOB).is_valid, SECRETS: validator_for(SECRET).is_valid}


class JobDouble:
    """One namespace in memory.

    Attributes:
        programs: the folder that is the PATH of containers.
        breaches: what was asked against the interface.
        asked: "METHOD path" of each request.
        objects: by path, as they were sent.
        ran: every Job that ran, as it was sent.
        answers: answered instead, by "METHOD path", once each.
        lingers: how often a Job that was removed is still there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder / "bin"
        self.breaches: list[str] = []
        self.asked: list[str] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.ran: list[dict[str, Any]] = []
        self.answers: dict[str, list[Callable[[], Response]]] = {}
        self.lingers = 0
        self._statuses: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._over: set[str] = set()
        self.workers: list[Thread] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asked = f"{request.method} {request.url.path}"
        self.asked.append(asked)
        instead = self.answers.get(asked)
        response = instead.pop(0)() if instead else self._answer(request, await request.body())
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:  # noqa: PLR0911 - one for each path
        path = request.url.path
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return problem(401, "Unauthorized")
        place = next((place for place in (JOBS, SECRETS) if path.startswith(place)), None)
        if path == PODS and request.method == "GET":
            return self._pods(request.query_params.get("labelSelector", ""))
        if place is None:
            return self._breach(f"no such path: {path}")
        if request.method == "GET":
            found = self._found(path)
            return problem(404, "not found") if found is None else JSONResponse(found)
        if request.method == "DELETE":
            return self._delete(path, json.loads(body))
        wanted = json.loads(body)
        if (
            request.method != "PATCH"
            or dict(request.query_params) != APPLY
            or request.headers.get("content-type") != "application/apply-patch+yaml"
            or not VALID[place](wanted)
        ):
            return self._breach(f"{request.method} {path}: {body[:2000]!r}")
        return self._apply(path, wanted)

    def _apply(self, path: str, wanted: dict[str, Any]) -> Response:
        uid = f"uid-{len(self.ran)}" if path.startswith(JOBS) else f"secret-{len(self.ran)}"
        self.objects[path] = {**wanted, "metadata": {**wanted["metadata"], "uid": uid}}
        if path.startswith(JOBS):
            self.ran.append(wanted)
            worker = Thread(target=self._run, args=(uid, wanted), name=f"job {uid}")
            self.workers.append(worker)
            worker.start()
        return JSONResponse(self.objects[path], 201)

    def _found(self, path: str) -> dict[str, Any] | None:
        found = self.objects.get(path)
        if found is None and self.lingers and path.startswith(JOBS):
            self.lingers -= 1
            return {"metadata": {"name": path.rpartition("/")[2], "uid": "gone", "deletionTimestamp": "now"}}
        if found is None or found["metadata"]["uid"] not in self._over:
            return found
        ends = self._statuses[found["metadata"]["uid"]]
        bad = any(one["state"]["terminated"]["exitCode"] for each in ends.values() for one in each)
        over = {"type": "Failed", "reason": "BackoffLimitExceeded"} if bad else {"type": "Complete"}
        return {**found, "status": {"conditions": [{**over, "status": "True"}]}}

    def _delete(self, path: str, options: dict[str, Any]) -> Response:
        found = self.objects.get(path)
        if found is None:
            return problem(404, "not found")
        if options.get("preconditions", {}).get("uid") != found["metadata"]["uid"]:
            return problem(409, "another uid")
        del self.objects[path]
        return JSONResponse({"kind": "Status", "status": "Success"})

    def _pods(self, selector: str) -> Response:
        if not selector.startswith(OF_JOB):
            return self._breach(f"pods: {selector}")
        ends = self._statuses.get(selector.removeprefix(OF_JOB))
        return JSONResponse({"kind": "PodList", "items": [{"metadata": {}, "status": ends}] if ends else []})

    def _run(self, uid: str, wanted: dict[str, Any]) -> None:
        pod, place = wanted["spec"]["template"]["spec"], self.folder / uid
        folders = {"/work": place / "work", "/tmp": place / "tmp", "/secrets": place / "secrets"}
        for folder in folders.values():
            folder.mkdir(parents=True)
        for volume in pod["volumes"]:
            if "secret" in volume:
                secret = self.objects.get(SECRETS + volume["secret"]["secretName"])
                if secret is None:  # it was taken away meanwhile: the pod waits for it, and its Job goes, too
                    return
                for name, coded in secret["data"].items():
                    (folders["/secrets"] / name).write_bytes(base64.b64decode(coded))
        ends: dict[str, list[dict[str, Any]]] = {"initContainerStatuses": [], "containerStatuses": []}
        for kind, boxes in (
            ("initContainerStatuses", pod["initContainers"]),
            ("containerStatuses", pod["containers"]),
        ):
            for box in boxes:
                if not any(end["state"]["terminated"]["exitCode"] for end in ends["initContainerStatuses"]):
                    ends[kind].append(
                        {"name": box["name"], "state": {"terminated": self._container(box, folders)}}
                    )
        self._statuses[uid] = ends
        self._over.add(uid)

    def _container(self, box: dict[str, Any], folders: dict[str, Path]) -> dict[str, Any]:
        mounted = {mount["mountPath"] for mount in box["volumeMounts"]}

        def here(text: str) -> str:
            path = next((path for path in mounted if text == path or text.startswith(f"{path}/")), None)
            return text if path is None else str(folders[path]) + text.removeprefix(path)

        environment = {one["name"]: here(one["value"].replace("$$(", "$(")) for one in box["env"]}
        done = subprocess.run(
            box["command"],
            env={"PATH": f"{self.programs}:/usr/bin:/bin", **environment},
            cwd=here(box["workingDir"]),
            capture_output=True,
            text=True,
            check=False,
        )
        file = Path(here(box["terminationMessagePath"]))
        message = file.read_text()[:4096] if file.is_file() else ""
        if done.returncode and not message:
            message = (done.stdout + done.stderr)[-2048:]
        return {"exitCode": done.returncode, "message": message}

    def _breach(self, what: str) -> Response:
        self.breaches.append(what)
        return problem(400, what[:200])


def problem(status: int, message: str) -> Response:
    """A refusal in the published form."""
    return JSONResponse({"kind": "Status", "status": "Failure", "message": message}, status)
