"""One API server, spoken to over HTTP: six requests are all that a runtime needs.

Answers are bounded and checked for form; nothing of an object that we did not ask for is believed.

Source: kubernetes.io/docs/reference/using-api/api-concepts and server-side-apply.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import httpx2

from cyberprivacy import canonical
from cyberprivacy.build.web import body
from cyberprivacy.bundle.pace import Line, Pace
from cyberprivacy.canonical import nested_within
from cyberprivacy.deploy.kubernetes.fields import KINDS, Kind, Object, at, path_of, place, text
from cyberprivacy.deploy.kubernetes.kubeconfig import Access
from cyberprivacy.deploy.kubernetes.lease import Lead
from cyberprivacy.deploy.kubernetes.refusals import (
    ClusterConflict,
    ClusterDenies,
    ClusterOdd,
    ClusterRefuses,
    ClusterSilent,
    refusal_of,
)

__all__ = ["Cluster", "ClusterConflict", "ClusterDenies", "ClusterOdd", "ClusterRefuses", "ClusterSilent"]

MANAGER: Final = "cyberprivacy"
"""Our field manager: the API server remembers which fields are ours."""

MAX_ANSWER: Final = 32 << 20
_PAGE: Final = 500
_MAX_PAGES: Final = 100
_SAID: Final = 600
_DEEPEST: Final = 64
"""Arrays and objects within one another; an object of Kubernetes with its schema has some thirty."""
_OLD: Final = "It must be Kubernetes 1.30 or newer, which has ValidatingAdmissionPolicy."
_APPLY: Final = "application/apply-patch+yaml"  # JSON is YAML
_JSON: Final = "application/json"
_NAMES_ONLY: Final = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class Cluster:
    """A client of one API server. Threads may share it.

    Args:
        access: whom to talk to, and as whom.
        seconds: how long one answer may be waited for.
        lead: asked before anything is changed, which must be over before its time is. None = nobody else acts.
        kept: how many connections stay open between requests.
    """

    def __init__(self, access: Access, *, seconds: float = 20.0, lead: Lead | None = None, kept: int = 20) -> None:
        self._access, self._seconds, self._lead = access, seconds, lead
        limits = httpx2.Limits(max_connections=100, max_keepalive_connections=kept)
        self._client = httpx2.Client(verify=access.tls(), trust_env=False, follow_redirects=False, limits=limits)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    @property
    def server(self) -> str:
        """Its address."""
        return self._access.server

    def whoami(self) -> str:
        """Our user name, as the API server has it. Source: authentication.k8s.io/v1 SelfSubjectReview."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        said = self._ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
        name = at(said or {}, "status", "userInfo", "username")
        if not isinstance(name, str) or not name:
            raise ClusterOdd("it does not say who we are", server=self.server)
        return name

    def apply(self, wanted: Object, *, dry_run: bool = False) -> Object:
        """Have this object's fields as they are here, whoever else wants them otherwise; gives what there is now.

        Args:
            wanted: with apiVersion, kind, metadata.name and, where the kind has one, metadata.namespace.
            dry_run: only ask what would be.

        Raises:
            ClusterRefuses: an admission rule, a quota or the object's schema is against it.
            ClusterDenies, ClusterSilent, ClusterOdd: as their names say.
            Standby: another node acts.
        """
        options = {"fieldManager": MANAGER, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        return self._taken(self._change("PATCH", wanted, wanted, options, as_type=_APPLY), wanted)

    def replace(self, wanted: Object) -> Object:
        """Have exactly this object: fields of others go. Errors as `apply`.

        With metadata.resourceVersion in it, it is taken only if nobody wrote since; else `ClusterConflict`.
        """
        return self._taken(self._change("PUT", wanted, wanted, {"fieldManager": MANAGER}), wanted)

    def _taken(self, answer: Object | None, wanted: Object) -> Object:
        if answer is None:
            what = "the cluster has no such kind, or no such namespace"
            raise ClusterDenies(
                what, code="kubernetes.version", hint=_OLD, server=self.server, path=path_of(wanted)
            )
        return answer

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """An object as it is now; None when there is none."""
        return self._ask("GET", place(KINDS[kind], namespace, name))

    def every(self, kind: str, namespace: str = "", *, labels: str = "") -> Sequence[Object]:
        """All objects of a kind in a namespace ("" = all of them), or those with these labels.

        Raises:
            ClusterOdd: more than any cluster of ours has.
        """
        return list(self._pages(KINDS[kind], namespace, labels))

    def _pages(self, kind: Kind, namespace: str, labels: str) -> Iterator[Object]:
        options = {"limit": str(_PAGE)} | ({"labelSelector": labels} if labels else {})
        for _ in range(_MAX_PAGES):
            page = self._ask("GET", place(kind, namespace), options=options) or {}
            items, more = page.get("items"), at(page, "metadata", "continue")
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict):  # items of a list do not say what they are
                    yield {**item, "apiVersion": kind.version, "kind": kind.name}
            if not isinstance(more, str) or not more:
                return
            options["continue"] = more
        raise ClusterOdd("a list does not end", server=self.server, kind=kind.name)

    def version(self, path: str, options: Mapping[str, str]) -> str:
        """The version that a list has reached now."""
        page = self._ask("GET", path, options={**options, "limit": "1"})
        if not (said := text(page, "metadata", "resourceVersion")):
            raise ClusterOdd("a list without a version", server=self.server, path=path)
        return said

    @contextmanager
    def stream(
        self, path: str, options: Mapping[str, str], line: Line, seconds: float
    ) -> Iterator[Iterator[bytes]]:
        """An answer that goes on, of objects' metadata alone: its parts, as they come over this line."""
        request = self._request("GET", path, options, seconds, {"Accept": _NAMES_ONLY, "Connection": "close"})
        pace = Pace(deadline=seconds, grace=seconds, rate=1)
        try:
            with line.ask(self._client, request, pace) as got:
                if got.status_code != 200:
                    self._answered(got.status_code, body(got, MAX_ANSWER) or b"", f"GET {path}")
                    raise ClusterOdd("no such list", server=self.server, path=path)
                yield got.iter_bytes()
        except httpx2.HTTPError as problem:
            raise ClusterSilent("no answer", server=self.server, problem=type(problem).__name__) from problem

    def read(self, found: bytes) -> Object:
        """One object out of an answer that goes on."""
        if not isinstance(value := _value(found), dict):
            raise ClusterOdd("no object", server=self.server)
        return value

    def delete(self, found: Object, *, grace: int | None = None) -> None:
        """Have it gone, with all that was made for it; what is gone already stays so.

        Args:
            found: an object as `get` or `every` gave it; one of the same name that came after it stays.
            grace: seconds that pods get to end; None = as they say.
        """
        options: dict[str, object] = {"propagationPolicy": "Background"}
        if isinstance(uid := at(found, "metadata", "uid"), str):
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        self._change("DELETE", found, options, {})

    def _change(
        self,
        method: str,
        what: Object,
        said: Mapping[str, object],
        options: Mapping[str, str],
        *,
        as_type: str = _JSON,
    ) -> Object | None:
        """Change an object within the time for which we may; the server is told to give up when it is over."""
        if self._lead is None:
            return self._ask(method, path_of(what), said, options, as_type=as_type)
        left = min(self._lead.left(), self._seconds)
        limit = {"timeout": f"{max(1, round(left * 1000))}ms"}
        return self._ask(method, path_of(what), said, {**options, **limit}, as_type=as_type, seconds=left)

    def refuses(self, method: str, path: str) -> str:
        """What it says against a request on a path of its own; "" when it has nothing against it.

        For asking whether a door is shut, such as "/api/v1/namespaces/a/pods/b/exec?command=id".
        """
        try:
            self._ask(method, path)
        except (ClusterRefuses, ClusterDenies) as refusal:
            return str(refusal)
        return ""

    def _ask(
        self,
        method: str,
        path: str,
        said: Mapping[str, object] | None = None,
        options: Mapping[str, str] | None = None,
        *,
        as_type: str = _JSON,
        seconds: float | None = None,
    ) -> Object | None:
        """One request; its answer, None when there is no such object."""
        about = {} if said is None else {"Content-Type": as_type}
        content = None if said is None else canonical.encode(dict(said))
        limit = self._seconds if seconds is None else seconds
        request = self._request(method, path, options, limit, about, content)
        try:
            got = self._client.send(request, stream=True)
            try:
                found = body(got, MAX_ANSWER)
            finally:
                got.close()
        except httpx2.HTTPError as problem:
            raise ClusterSilent("no answer", server=self.server, problem=type(problem).__name__) from problem
        if found is None:
            raise ClusterOdd("an answer is too large", server=self.server, limit=MAX_ANSWER)
        return self._answered(got.status_code, found, f"{method} {path}")

    def _request(
        self,
        method: str,
        path: str,
        options: Mapping[str, str] | None,
        seconds: float,
        about: Mapping[str, str],
        content: bytes | None = None,
    ) -> httpx2.Request:
        return self._client.build_request(
            method,
            self._access.server + path,
            params=options,
            headers=self._headers() | dict(about),
            content=content,
            timeout=httpx2.Timeout(seconds, connect=min(seconds, 5.0)),
            extensions=self._called(),
        )

    def _called(self) -> dict[str, str]:
        """By which name the server's certificate is checked, where that is not its address."""
        return {"sni_hostname": self._access.name} if self._access.name else {}

    def _headers(self) -> dict[str, str]:
        token = self._access.bearer()
        return {"Accept": _JSON} | ({"Authorization": f"Bearer {token}"} if token else {})

    def _answered(self, status: int, found: bytes, asked: str) -> Object | None:
        if status == 404 or (status == 409 and asked.startswith("DELETE")):  # another of that name, made since
            return None
        value = _value(found)
        if 200 <= status < 300 and isinstance(value, dict):
            return value
        said = value.get("message") if isinstance(value, dict) else found.decode("utf-8", "replace")
        refusal = refusal_of(status, str(said)[:_SAID], server=self.server, asked=asked)
        if status == 403 and isinstance(refusal, ClusterDenies) and not self._ready():
            what = "the API server denies us, and is not ready"
            raise ClusterSilent(what, server=self.server, asked=asked, status=status, said=str(said)[:_SAID])
        raise refusal

    def _ready(self) -> bool:
        """Whether it says so itself: one that has just started has not read anybody's rights yet, and denies all.

        Everybody may ask this, by the cluster's own role `system:public-info-viewer`.
        """
        try:
            address, calling = f"{self._access.server}/readyz", self._called()
            with self._client.stream("GET", address, headers=self._headers(), extensions=calling) as got:
                return got.status_code == 200
        except httpx2.HTTPError:
            return False


def _value(found: bytes) -> object:
    """What JSON says; None where it is none, or none that we read."""
    try:
        return json.loads(found) if nested_within(found, _DEEPEST) else None
    except ValueError:
        return None
