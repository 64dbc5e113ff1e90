"""The Rancher adapter against a double that knows the published interface and nothing else."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.cli import run
from cyberprivacy.deploy.kubernetes import kubeconfig
from cyberprivacy.deploy.kubernetes.rancher import Rancher
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.registry.certificates import renew
from cyberprivacy.registry.harbor_registry import trusted
from cyberprivacy.testing.gateway import running

TOKEN, FRESH = "token-abcde:secret-that-nobody-must-see", "kubeconfig-u-abcde:made-for-this"
JOIN = "/v3/import/one-who-has-it-can-join_c-m-1.yaml"


class RancherDouble:
    """One server in memory. Source: ranchermanager.docs.rancher.com, "Rancher API" v3.

    Attributes:
        breaches: what was asked against the interface.
        clusters: what there is.
        answers: answered instead, first come, first served.
        url: its own address.
        extra: more of the kubeconfig: text replaced, and by what.
    """

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self.clusters = [{"id": "local", "name": "local", "state": "active", "version": {"gitVersion": "v1.36.3"}}]
        self.answers: list[Callable[[], Response]] = []
        self.url = ""
        self.extra = ("", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        response = self.answers.pop(0)() if self.answers else self._answer(request, body)
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:  # noqa: PLR0911 - one for each path
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "Unauthorized")
        if body and request.headers.get("content-type") != "application/json":
            return self._breach("media type")
        query, value = dict(request.query_params), json.loads(body) if body else None
        match request.method, request.url.path, value:
            case "GET", "/v3/clusters", None:
                return self._page(query)
            case "POST", "/v3/clusters", {"type": "cluster", "name": str(name), **more} if not more:
                self.clusters.append({"id": f"c-m-{len(self.clusters)}", "name": name, "state": "pending"})
                return JSONResponse(self.clusters[-1], 201)
            case "POST", "/v3/clusterregistrationtokens", {"type": "clusterRegistrationToken", "clusterId": one}:
                known = one in [each["id"] for each in self.clusters]
                made = {"clusterId": one, "manifestUrl": self.url + JOIN, "token": "x"}
                return JSONResponse(made, 201) if known else error(422, "InvalidReference")
            case "POST", path, None if query == {"action": "generateKubeconfig"}:
                return self._kubeconfig(path)
        return self._breach(f"{request.method} {request.url.path} {query} {value}")

    def _page(self, query: dict[str, str]) -> Response:
        if query.keys() - {"limit", "marker"} or not 1 <= int(query["limit"]) <= 1000:
            return self._breach(f"query: {query}")
        left = sorted((one for one in self.clusters if str(one["id"]) >= query.get("marker", "")), key=by_id)
        page, more = left[: int(query["limit"])], left[int(query["limit"]) :]
        following = f"http://elsewhere/v3/clusters?limit=100&marker={by_id(more[0])}" if more else None
        pagination = {"limit": int(query["limit"]), "total": len(self.clusters)}
        pagination |= {"next": following} if following else {}
        return JSONResponse({"type": "collection", "data": page, "pagination": pagination})

    def _kubeconfig(self, path: str) -> Response:
        found = re.fullmatch(r"/v3/clusters/([a-z0-9-]+)", path)
        if found is None or found[1] not in [one["id"] for one in self.clusters]:
            return error(404, "NotFound")
        text = f"""apiVersion: v1
kind: Config
clusters:
- name: "north"
  cluster:
    server: "{self.url}/k8s/clusters/{found[1]}"
- name: "north-node1"
  cluster:
    server: "https://10.0.0.7:6443"
    certificate-authority-data: "AAAA\\
      BBBB"
users:
- name: "north"
  user:
    token: "{FRESH}"
contexts:
- name: "north"
  context: {{user: "north", cluster: "north"}}
- name: "north-node1"
  context: {{user: "north", cluster: "north-node1"}}
current-context: "north-node1"
"""
        return JSONResponse({"baseType": "generateKubeConfigOutput", "config": text.replace(*self.extra)})

    def _breach(self, what: str) -> Response:
        self.breaches.append(what)
        return error(400, "BadRequest")


def by_id(one: dict[str, object]) -> str:
    return str(one["id"])


def error(status: int, code: str) -> Response:
    """A refusal in the published form."""
    return JSONResponse({"type": "error", "status": status, "code": code, "message": code}, status)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    renew(folder, folder / "public")
    return folder


@pytest.fixture
def double(tls: Path) -> Iterator[RancherDouble]:
    double = RancherDouble()
    with running(double, tls=tls) as double.url:
        yield double
    assert double.breaches == []


@pytest.fixture
def rancher(double: RancherDouble, tls: Path) -> Rancher:
    access = Access.bearer(TOKEN)
    remote = Remote(double.url, "rancher", access=access, tls=trusted(tls / "public/ca.crt"), sleep=lambda _: None)
    return Rancher(remote)


def code(ask: Callable[[], object]) -> str:
    with pytest.raises(CyberPrivacyError) as refused:
        ask()
    assert TOKEN not in str(refused.value)
    assert FRESH not in str(refused.value)
    return refused.value.code


def test_every_page_of_clusters_is_read(rancher: Rancher, double: RancherDouble) -> None:
    double.clusters += [{"id": f"c-{number:04}", "name": f"n{number}", "state": "active"} for number in range(250)]
    found = rancher.clusters()
    assert len({one.id for one in found}) == len(found) == 251
    (local,) = [one for one in found if one.id == "local"]
    assert (local.name, local.state, local.version) == ("local", "active", "v1.36.3")
    double.clusters += [{"id": f"c-{number}", "name": "n", "state": "active"} for number in range(1000, 2000)]
    assert code(rancher.clusters) == "rancher.many"


def test_a_cluster_comes_in_once_under_its_name(rancher: Rancher, double: RancherDouble) -> None:
    coming = rancher.bring_in("north")
    assert (coming.id, coming.manifest) == ("c-m-1", double.url + JOIN)
    assert JOIN not in repr(coming)
    assert code(lambda: rancher.bring_in("north")) == "rancher.known"
    assert code(lambda: rancher.bring_in("North/../x")) == "rancher.name"


def test_a_kubeconfig_leads_through_the_rancher_and_a_node_can_read_it(
    rancher: Rancher, double: RancherDouble, tmp_path: Path
) -> None:
    (tmp_path / "config").write_bytes(rancher.kubeconfig("local"))
    access = kubeconfig.read(tmp_path / "config")
    assert (access.server, access.bearer()) == (f"{double.url}/k8s/clusters/local", FRESH)
    assert code(lambda: rancher.kubeconfig("c-none")) == "rancher.refused"
    assert code(lambda: rancher.kubeconfig("../tokens")) == "rancher.cluster"


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("https://127.0.0.1", "https://evil.example", "rancher.address"),
        ("/k8s/clusters/local", "/k8s/clusters/other", "rancher.kubeconfig"),
        ("https://127.0.0.1", "http://127.0.0.1", "rancher.address"),
        (FRESH, "", "rancher.kubeconfig"),
        ("users:", "users: &a", "rancher.kubeconfig"),
        ("clusters:\n", "nothing:\n", "rancher.kubeconfig"),
    ],
)
def test_a_kubeconfig_that_leads_elsewhere_is_refused(
    rancher: Rancher, double: RancherDouble, old: str, new: str, refused: str
) -> None:
    double.extra = (old, new)
    assert code(lambda: rancher.kubeconfig("local")) == refused


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (lambda: error(401, TOKEN), "rancher.denied"),
        (lambda: error(500, "ServerError"), "rancher.unreachable"),
        (lambda: Response(status_code=302, headers={"location": "http://127.0.0.1:1/"}), "rancher.redirect"),
        (lambda: Response("<html>login</html>"), "rancher.answer"),
        (lambda: JSONResponse({"data": [{"id": "../x", "name": "n", "state": "active"}]}), "rancher.answer"),
        (lambda: Response(b" " * (2 << 20)), "rancher.size"),
    ],
)
def test_each_bad_answer_has_its_code_and_no_secret(
    rancher: Rancher, double: RancherDouble, answer: Callable[[], Response], refused: str
) -> None:
    double.answers = [answer]
    assert code(rancher.clusters) == refused


def test_a_busy_rancher_is_asked_again_but_no_cluster_is_made_twice(
    rancher: Rancher, double: RancherDouble
) -> None:
    double.answers = [lambda: error(503, "Busy"), lambda: error(429, "Slow")]
    assert len(rancher.clusters()) == 1
    double.answers = [lambda: JSONResponse({"data": []}), lambda: error(503, "Busy")]
    assert code(lambda: rancher.bring_in("north")) == "rancher.unreachable"


def test_the_commands_list_bring_in_and_write_a_kubeconfig(
    double: RancherDouble, tls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    who = ["--token-file", str(tmp_path / "token"), "--ca", str(tls / "public/ca.crt")]
    assert run(["rancher", "clusters", double.url, *who]) == 0
    assert "v1.36.3" in capsys.readouterr().out
    assert run(["rancher", "import", double.url, "north", *who, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"] == double.url + JOIN
    file = tmp_path / "north.kubeconfig"
    assert run(["rancher", "kubeconfig", double.url, "c-m-1", "--to", str(file), *who]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert kubeconfig.read(file).server == f"{double.url}/k8s/clusters/c-m-1"
    said = capsys.readouterr()
    assert FRESH not in said.out + said.err
    assert run(["rancher", "kubeconfig", double.url, "c-m-1", "--to", "/nowhere/x", *who]) == 2
