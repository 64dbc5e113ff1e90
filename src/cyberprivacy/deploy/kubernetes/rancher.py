"""Clusters behind a Rancher: which there are, how one more comes in, and how to talk to each.

A cluster behind a Rancher is a cluster like any other, at `/k8s/clusters/ID` of the Rancher's own address and with
a token of the Rancher's: whoever has its kubeconfig needs nothing of this module. What the Rancher says is held to
that: a kubeconfig that points anywhere else is refused.

Source: ranchermanager.docs.rancher.com, "Rancher API" v3 (cluster, clusterRegistrationToken, generateKubeconfig)
and "Authorized Cluster Endpoint".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from cyberprivacy import strict_yaml
from cyberprivacy.bundle.remote import BadReply, Remote, as_json
from cyberprivacy.bundle.wire import checked_url
from cyberprivacy.canonical import encode
from cyberprivacy.deploy.kubernetes.kubeconfig import MAX_KUBECONFIG
from cyberprivacy.errors import Misuse, Untrusted

SERVICE: Final = "rancher"
MAX_CLUSTERS: Final = 1_000
_PAGE: Final = 100
_ID: Final = re.compile(r"(?:local|c-[a-z0-9-]{1,60})\Z")
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_TOKEN: Final = re.compile(r"[!-~]{8,512}\Z")

_Id = Annotated[str, msgspec.Meta(pattern=r"^(local|c-[a-z0-9-]{1,60})$")]


@dataclass(frozen=True, slots=True)
class Behind:
    """A cluster, as the Rancher has it.

    Attributes:
        id: such as "c-m-abcd1234", or "local" for the one that the Rancher runs in.
        name: what people call it.
        state: such as "active", "pending", "unavailable".
        version: of its Kubernetes; "" if the Rancher does not know.
    """

    id: str
    name: str
    state: str
    version: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A cluster that the Rancher waits for.

    Attributes:
        id: as in `Behind`.
        manifest: address of the objects with which it comes in: `kubectl apply -f` there, as its administrator.
            Whoever has the address can bring another cluster in the place of this one.
    """

    id: str
    manifest: str = field(repr=False)


class _Version(msgspec.Struct):
    gitVersion: str = ""  # noqa: N815 - of the interface


class _Cluster(msgspec.Struct):
    id: _Id
    name: Annotated[str, msgspec.Meta(max_length=253)]
    state: Annotated[str, msgspec.Meta(max_length=63)]
    version: _Version | None = None


class _Pagination(msgspec.Struct):
    next: Annotated[str, msgspec.Meta(max_length=2048)] = ""


class _Page(msgspec.Struct):
    data: Annotated[list[_Cluster], msgspec.Meta(max_length=_PAGE)]
    pagination: _Pagination | None = None


class _Made(msgspec.Struct):
    id: _Id


class _Registration(msgspec.Struct):
    manifestUrl: str  # noqa: N815 - of the interface


class _Config(msgspec.Struct):
    config: Annotated[str, msgspec.Meta(max_length=MAX_KUBECONFIG)]


class Rancher:
    """One server.

    Args:
        remote: the server; its access is a bearer token.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def clusters(self) -> list[Behind]:
        """Those that the account sees, by name.

        Raises:
            BadReply: "rancher.many": more than 1,000. Or what `Remote.ask` raises.
        """
        found: dict[str, Behind] = {}
        marker = ""
        while True:
            query = [("limit", str(_PAGE)), *([("marker", marker)] if marker else [])]
            page = self._remote.ask("GET", "/v3/clusters", query=query).read(_Page)
            fresh = {one.id: _behind(one) for one in page.data if one.id not in found}
            found |= fresh
            marker = _marker(page)
            if not marker or not fresh:
                return sorted(found.values(), key=lambda one: (one.name, one.id))
            if len(found) >= MAX_CLUSTERS:
                raise BadReply("a list without end", code="rancher.many", most=MAX_CLUSTERS)

    def bring_in(self, name: str) -> Coming:
        """Have the Rancher wait for a cluster that exists already.

        Raises:
            Misuse: "rancher.name": no name of a cluster; "rancher.known": there is one of this name.
            BadReply: "rancher.address": the objects lie elsewhere than at the Rancher.
        """
        if not _NAME.match(name):
            raise Misuse("not a name of a cluster", code="rancher.name", name=name[:80])
        if known := [one.id for one in self.clusters() if one.name == name]:
            hint = "Ask for its kubeconfig, or choose another name."
            raise Misuse(
                "there is a cluster of this name", code="rancher.known", hint=hint, name=name, id=known[0]
            )
        wanted = as_json({"type": "cluster", "name": name})
        made = self._remote.ask("POST", "/v3/clusters", body=wanted).read(_Made)
        token = as_json({"type": "clusterRegistrationToken", "clusterId": made.id})
        manifest = self._remote.ask("POST", "/v3/clusterregistrationtokens", body=token).read(_Registration)
        return Coming(made.id, self._own(manifest.manifestUrl, "/v3/import/"))

    def kubeconfig(self, cluster: str) -> bytes:
        """How to talk to one cluster, through the Rancher: a kubeconfig with one context and a fresh token.

        Args:
            cluster: its id.

        Raises:
            Misuse: "rancher.cluster": no id of a cluster; "rancher.refused": there is none of it.
            BadReply: "rancher.address": it points elsewhere; "rancher.kubeconfig": it is none.
        """
        if not _ID.match(cluster):
            raise Misuse("not an id of a cluster", code="rancher.cluster", id=cluster[:80])
        path, query = f"/v3/clusters/{cluster}", [("action", "generateKubeconfig")]
        said = self._remote.ask("POST", path, query=query).read(_Config).config
        try:
            document = strict_yaml.load(said.encode(), limit=MAX_KUBECONFIG)
        except Untrusted as problem:  # its text has a token: only the code is told
            raise _none(problem.code) from None
        return self._plain(cluster, document)

    def _plain(self, cluster: str, document: object) -> bytes:
        """The part of the Rancher's kubeconfig that leads through the Rancher, written anew."""
        prefix = f"/k8s/clusters/{cluster}"
        addresses = {
            str(entry.get("server")): entry.get("certificate-authority-data")
            for entry in _entries(document, "clusters", "cluster")
        }
        own = [address for address in addresses if urlsplit(address).path.rstrip("/") == prefix]
        tokens = {str(entry.get("token")) for entry in _entries(document, "users", "user")}
        if len(own) != 1 or len(tokens) != 1 or not _TOKEN.match(token := tokens.pop()):
            raise _none("not one address and one token")
        authority = addresses[own[0]]
        at: dict[str, object] = {"server": self._own(own[0], prefix)}
        if isinstance(authority, str) and authority:
            at["certificate-authority-data"] = "".join(authority.split())
        return encode(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": cluster, "cluster": at}],
                "users": [{"name": cluster, "user": {"token": token}}],
                "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
                "current-context": cluster,
            }
        )

    def _own(self, address: str, below: str) -> str:
        """An address, if it is one of the Rancher's own.

        Raises:
            BadReply: "rancher.address".
        """
        ours, parts = urlsplit(self._remote.name), urlsplit(address)
        same = (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
        if not same or not parts.path.startswith(below) or parts.query or parts.fragment:
            hint = "See to the setting `server-url` of the Rancher: it must be the address that you use."
            raise BadReply(
                "it points elsewhere", code="rancher.address", hint=hint, host=parts.hostname, ours=ours.hostname
            )
        return checked_url(address)


def _marker(page: _Page) -> str:
    """Where the next page begins; "" after the last. Nothing else of the address that it gives is used."""
    following = page.pagination.next if page.pagination else ""
    return next(iter(parse_qs(urlsplit(following).query).get("marker", [])), "")


def _behind(one: _Cluster) -> Behind:
    return Behind(one.id, one.name, one.state, one.version.gitVersion[:40] if one.version else "")


def _entries(document: object, group: str, kind: str) -> list[Mapping[str, object]]:
    listed = document.get(group) if isinstance(document, Mapping) else None
    found = [entry.get(kind) for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    return [entry for entry in found if isinstance(entry, Mapping)]


def _none(reason: str) -> BadReply:
    return BadReply("not a kubeconfig of this cluster", code="rancher.kubeconfig", reason=reason)
