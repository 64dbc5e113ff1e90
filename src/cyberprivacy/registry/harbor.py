"""A Harbor beyond the OCI interface: one project, its robot accounts, rules and reports.

Only what a registry of digests needs. Tags are never used to name an image: those called `keep-…` only keep
Harbor's own garbage collection from what is in use, and every other tag can't be moved or removed.

Source: github.com/goharbor/harbor, api/v2.0/swagger.yaml (Harbor API 2.0).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import quote

import msgspec

from cyberprivacy.build.image import Digest
from cyberprivacy.bundle.remote import BadReply, Remote, as_json
from cyberprivacy.errors import Misuse

SERVICE: Final = "harbor"
API: Final = "/api/v2.0"
KEEP: Final = "keep-"
PUSH: Final = {
    "repository": ("push", "pull", "list"),
    "artifact": ("read", "list", "delete"),
    "scan": ("create",),
    "tag": ("create", "list"),
}
"""Rights of the account with which a node stores images and removes what nobody needs."""
PULL: Final = {"repository": ("pull",)}
"""Rights of the account with which machines fetch images."""
MAX_ARTIFACTS: Final = 10_000
_PAGE: Final = 100
_PROJECT: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")
_REPORTS: Final = "application/vnd.security.vulnerability.report; version=1.1"
_BY_NAME: Final = {"X-Is-Resource-Name": "true"}
_NEVER: Final = datetime.fromisoformat("0001-01-01T00:00:00+00:00")

_Rule = dict[str, object]
IMMUTABLE: Final[_Rule] = {
    "disabled": False,
    "action": "immutable",
    "template": "immutable_template",
    "tag_selectors": [{"kind": "doublestar", "decoration": "excludes", "pattern": f"{KEEP}*"}],
    "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
}


@dataclass(frozen=True, slots=True)
class Robot:
    """An account that was just made; Harbor shows its secret this once."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Artifact:
    """An image that Harbor holds. Times are seconds since 1970; `used` is the later of push and pull."""

    digest: str
    used: float
    pushed: float
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Report:
    """What Harbor's scanner found in an image; its word, which nobody proves.

    Attributes:
        status: "Success", "Running", "Error", … of the scan.
        severity: of the worst, such as "High".
        total: how many were found.
        fixable: of them, how many have a fix.
        by_severity: how many of each.
    """

    status: str
    severity: str
    total: int
    fixable: int
    by_severity: Mapping[str, int]


class _Metadata(msgspec.Struct):
    retention_id: Annotated[str, msgspec.Meta(pattern="^[0-9]{0,18}$")] | None = None


class _Project(msgspec.Struct):
    project_id: Annotated[int, msgspec.Meta(ge=1)]
    name: str
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Retention(msgspec.Struct):
    rules: list[dict[str, object]] | None = None


class _Robot(msgspec.Struct):
    id: int
    name: str


class _Repository(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(max_length=255)]


class _Created(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,256}$")]
    secret: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{8,256}$")]


class _Tag(msgspec.Struct):
    name: str


class _Artifact(msgspec.Struct):
    digest: Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    push_time: datetime
    pull_time: datetime | None = None
    tags: list[_Tag] | None = None


class _Counts(msgspec.Struct):
    total: Annotated[int, msgspec.Meta(ge=0)] = 0
    fixable: Annotated[int, msgspec.Meta(ge=0)] = 0
    summary: dict[str, int] = msgspec.field(default_factory=dict)


class _Overview(msgspec.Struct):
    scan_status: str
    severity: str = ""
    summary: _Counts | None = None


class _Scanned(msgspec.Struct):
    digest: str
    scan_overview: dict[str, _Overview] | None = None


class Harbor:
    """One project of a Harbor.

    Args:
        remote: the server.
        project: name of the project, which repositories' names begin with.

    Raises:
        Misuse: "harbor.project": no name of a project.
    """

    def __init__(self, remote: Remote, project: str) -> None:
        if not _PROJECT.match(project) or len(project) > 100:
            raise Misuse("not a name of a project", code="harbor.project", project=project[:100])
        self._remote, self.project = remote, project
        self._at = f"{API}/projects/{project}"

    def prepare(self) -> None:
        """Make the project if it is missing, and forbid that tags are moved. Needs an administrator.

        Raises:
            Misuse: "harbor.retention": the project removes images by rules of its own.
        """
        wanted = {"project_name": self.project, "metadata": {"public": "false", "auto_scan": "true"}}
        self._remote.ask("POST", f"{API}/projects", body=as_json(wanted), known=(409,))
        retention = self._project().metadata.retention_id
        if retention and self._remote.ask("GET", f"{API}/retentions/{retention}").read(_Retention).rules:
            hint = "Remove its retention rules: they may delete what runs."
            raise Misuse(
                "the project removes images by itself", code="harbor.retention", hint=hint, project=self.project
            )
        place = f"{self._at}/immutabletagrules"
        query = [("page_size", str(_PAGE))]
        rules = self._remote.ask("GET", place, query=query, headers=_BY_NAME).read(list[_Rule])
        if not any(all(rule.get(name) == part for name, part in IMMUTABLE.items()) for rule in rules):
            self._remote.ask("POST", place, body=as_json(IMMUTABLE), headers=_BY_NAME)

    def robot(self, name: str, rights: Mapping[str, tuple[str, ...]], *, days: int) -> Robot:
        """Make a robot account of this project anew; an old one of this name ends. Needs an administrator.

        Args:
            name: within the project.
            rights: resource -> actions; nothing else.
            days: how long it lives.
        """
        query = [("q", f"Level=project,ProjectID={self._project().project_id}"), ("page_size", str(_PAGE))]
        for old in self._remote.ask("GET", f"{API}/robots", query=query).read(list[_Robot]):
            if old.name.endswith(f"{self.project}+{name}"):
                self._remote.ask("DELETE", f"{API}/robots/{old.id}", known=(404,))
        access = [{"resource": what, "action": action} for what, actions in rights.items() for action in actions]
        wanted = {
            "name": name,
            "description": "Made by CyberPrivacy",
            "level": "project",
            "duration": days,
            "permissions": [{"kind": "project", "namespace": self.project, "access": access}],
        }
        made = self._remote.ask("POST", f"{API}/robots", body=as_json(wanted)).read(_Created)
        return Robot(made.name, made.secret)

    def repositories(self) -> list[str]:
        """Names within the project; at most 10,000.

        Raises:
            BadReply: "harbor.many".
        """
        names: list[str] = []
        for page in range(1, MAX_ARTIFACTS // _PAGE + 1):
            query = [("page", str(page)), ("page_size", str(_PAGE))]
            found = self._remote.ask("GET", f"{self._at}/repositories", query=query).read(list[_Repository])
            names += [one.name.removeprefix(f"{self.project}/") for one in found]
            if len(found) < _PAGE:
                return names
        raise BadReply("a project without end", code="harbor.many", project=self.project, most=MAX_ARTIFACTS)

    def artifacts(self, repository: str) -> Iterator[Artifact]:
        """The images of a repository, the latest pushed first; none if it is not there.

        Raises:
            BadReply: "harbor.many": more than 10,000.
        """
        place = f"{self._repository(repository)}/artifacts"
        for page in range(1, MAX_ARTIFACTS // _PAGE + 2):
            query = [("page", str(page)), ("page_size", str(_PAGE)), ("with_tag", "true"), ("sort", "-push_time")]
            reply = self._remote.ask("GET", place, query=query, limit=8 << 20, known=(404,))
            found = [] if reply.status == 404 else reply.read(list[_Artifact])
            yield from (_artifact(one) for one in found)
            if len(found) < _PAGE:
                return
        raise BadReply("a repository without end", code="harbor.many", repository=repository, most=MAX_ARTIFACTS)

    def guard(self, repository: str, digest: str) -> None:
        """Tag an image so that Harbor does not collect it as untagged; done already, it changes nothing."""
        place = f"{self._repository(repository)}/artifacts/{digest}/tags"
        self._remote.ask("POST", place, body=as_json({"name": guard_of(digest)}), known=(409,))

    def remove(self, repository: str, digest: str) -> bool:
        """Remove an image; False if a rule of the project keeps it."""
        place = f"{self._repository(repository)}/artifacts/{digest}"
        return self._remote.ask("DELETE", place, known=(404, 412)).status != 412

    def report(self, repository: str, digest: Digest) -> Report | None:
        """What the scanner found in an image; None if Harbor has not scanned it.

        Raises:
            Misuse: "harbor.refused": no such image.
            BadReply: "harbor.digest": it answers about another image.
        """
        place = f"{self._repository(repository)}/artifacts/{digest}"
        headers = {"X-Accept-Vulnerabilities": _REPORTS}
        query = [("with_scan_overview", "true")]
        found = self._remote.ask("GET", place, query=query, headers=headers).read(_Scanned)
        if found.digest != digest:
            raise BadReply("it answers about another image", code="harbor.digest", asked=digest)
        overview = (found.scan_overview or {}).get(_REPORTS)
        if overview is None:
            return None
        counts = overview.summary or _Counts()
        return Report(overview.scan_status, overview.severity, counts.total, counts.fixable, counts.summary)

    def scan(self, repository: str, digest: Digest) -> None:
        """Ask for a scan, which ends later."""
        place = f"{self._repository(repository)}/artifacts/{digest}/scan"
        self._remote.ask("POST", place, body=as_json({"scan_type": "vulnerability"}))

    def _project(self) -> _Project:
        found = self._remote.ask("GET", self._at, headers=_BY_NAME).read(_Project)
        if found.name != self.project:
            raise BadReply("it answers about another project", code="harbor.answer", asked=self.project)
        return found

    def _repository(self, name: str) -> str:
        """Quoted twice, as the interface has it: a name has slashes in it."""
        return f"{self._at}/repositories/{quote(quote(name, safe=''), safe='')}"


def guard_of(digest: str) -> str:
    """The tag that guards an image; derived from its digest, so that each has its own."""
    return KEEP + digest.removeprefix("sha256:")


def _artifact(one: _Artifact) -> Artifact:
    times = [(time or _NEVER).timestamp() for time in (one.push_time, one.pull_time)]
    return Artifact(one.digest, max(times), times[0], frozenset(tag.name for tag in one.tags or ()))
