"""An API server that lies, hangs or is none costs a refusal with a name, never more."""

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.deploy.conftest import identity

from cyberprivacy.deploy.kubernetes import api
from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterDenies, ClusterOdd, ClusterRefuses, ClusterSilent
from cyberprivacy.deploy.kubernetes.kubeconfig import Access
from cyberprivacy.deploy.kubernetes.lease import Standby

Answer = tuple[int, bytes]
WANTED = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "book"}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Callable[[Answer | Callable[[str], Answer]], Cluster], list[str]]]:
    """A server that answers as a test says, and what it was asked."""
    asked: list[str] = []
    answers: list[Callable[[str], Answer]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path} {self.headers.get('authorization', '')}".strip())
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, said = answers[0](self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Location", "https://evil.example/")
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 names of http.server

        def log_message(self, *_: object) -> None: ...

    pem = identity("api")
    (tmp_path / "own.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as served:
        served.socket = context.wrap_socket(served.socket, server_side=True)
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}).start()
        authority = pem.decode().partition("-----BEGIN PRIVATE")[0]
        access = Access(f"https://127.0.0.1:{served.server_port}/behind", authority=authority, token="t")
        cluster = Cluster(access, seconds=5)

        def answering(answer: Answer | Callable[[str], Answer]) -> Cluster:
            answers[:] = [answer if callable(answer) else lambda _: answer]
            return cluster

        yield answering, asked
        cluster.close()
        served.shutdown()


def status(code: int, message: str) -> Answer:
    return code, json.dumps({"kind": "Status", "message": message}).encode()


def test_requests_go_where_they_should_with_our_token(server) -> None:
    answering, asked = server
    cluster = answering((200, b"{}"))
    cluster.apply(WANTED, dry_run=True)
    cluster.delete(WANTED)
    assert asked == [
        "PATCH /behind/api/v1/namespaces/book/configmaps/a?fieldManager=cyberprivacy&force=true&dryRun=All Bearer t",
        "DELETE /behind/api/v1/namespaces/book/configmaps/a Bearer t",
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(401, "Unauthorized"), ClusterDenies),
        (status(403, "ValidatingAdmissionPolicy denied request"), ClusterRefuses),
        (status(422, "is invalid"), ClusterRefuses),
        (status(500, "etcdserver: request timed out"), ClusterSilent),
        (status(429, "too many requests"), ClusterSilent),
        (status(404, "the server could not find the requested resource"), ClusterDenies),
        ((302, b""), ClusterOdd),
        ((200, b"<html>"), ClusterOdd),
        ((200, b"[]"), ClusterOdd),
        ((200, b"[" * 100_000), ClusterOdd),
    ],
)
def test_each_refusal_has_its_name(server, answer: Answer, kind: type[Exception]) -> None:
    answering, _ = server
    with pytest.raises(kind):
        answering(answer).apply(WANTED)


@pytest.mark.parametrize(("ready", "kind"), [(200, ClusterDenies), (500, ClusterSilent), (403, ClusterSilent)])
def test_a_server_that_is_not_ready_yet_denies_everybody(server, ready: int, kind: type[Exception]) -> None:
    answering, _ = server
    denied = status(403, 'configmaps "a" is forbidden: User "x" cannot patch resource')
    with pytest.raises(kind):
        answering(lambda path: (ready, b"") if path == "/behind/readyz" else denied).apply(WANTED)


def test_an_answer_is_read_no_further_than_its_bound(server, monkeypatch: pytest.MonkeyPatch) -> None:
    answering, _ = server
    monkeypatch.setattr(api, "MAX_ANSWER", 1000)
    with pytest.raises(ClusterOdd):
        answering((200, b"{" + b" " * 1000 + b"}")).get("Pod", "a", "book")
    assert answering((200, b"{" + b" " * 998 + b"}")).get("Pod", "a", "book") == {}


def test_a_list_is_read_page_by_page_and_one_that_does_not_end_is_refused(server) -> None:
    answering, asked = server

    def pages(path: str) -> Answer:
        page = int(parse_qs(urlsplit(path).query).get("continue", ["0"])[0])
        more = str(page + 1) if page < 2 else ""
        return 200, json.dumps({"items": [{"page": page}, "odd"], "metadata": {"continue": more}}).encode()

    found = answering(pages).every("Pod", "book", labels="a=b")
    assert [one["page"] for one in found] == [0, 1, 2]
    assert all(one["kind"] == "Pod" and one["apiVersion"] == "v1" for one in found)
    assert all("labelSelector=a%3Db" in one for one in asked)
    with pytest.raises(ClusterOdd):
        answering((200, b'{"items": [], "metadata": {"continue": "for ever"}}')).every("Pod", "book")


def test_nobody_else_can_stand_in_for_the_server(tmp_path: Path, server) -> None:
    answering, _ = server
    good = answering((200, b"{}"))
    stranger = identity("other").decode().partition("-----BEGIN PRIVATE")[0]
    for authority in ("", stranger):
        cluster = Cluster(Access(good.server, authority=authority))
        with pytest.raises(ClusterSilent) as refusal:
            cluster.get("Pod", "a", "book")
        assert refusal.value.code == "kubernetes.silent"
        cluster.close()
    assert good.get("Pod", "a", "book") == {}


def test_a_server_that_has_another_name_than_its_address_is_asked_by_that_name(server) -> None:
    """Also whether it is ready: else each denial would pass for one of a server that has just started."""
    answering, _ = server
    there = answering(
        lambda path: (200, b"") if path == "/behind/readyz" else status(403, 'User "x" cannot get resource "pods"')
    )._access
    named = replace(there, server=there.server.replace("127.0.0.1", "localhost"), name="127.0.0.1")
    cluster = Cluster(named)
    with pytest.raises(ClusterDenies):
        cluster.get("Pod", "a", "book")
    cluster.close()


def test_who_we_are_is_asked_and_must_be_said(server) -> None:
    answering, _ = server
    said = {"status": {"userInfo": {"username": "node"}}}
    assert answering((201, json.dumps(said).encode())).whoami() == "node"
    with pytest.raises(ClusterOdd):
        answering((201, b"{}")).whoami()


class Turn:
    """It is our turn for so many seconds."""

    term = 1

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def left(self) -> float:
        if self.seconds <= 0:
            raise Standby("another")
        return self.seconds


@pytest.mark.parametrize("change", [Cluster.apply, Cluster.replace, Cluster.delete])
def test_whoever_has_no_turn_changes_nothing_and_whoever_has_says_when_it_is_over(server, change) -> None:
    answering, asked = server
    good, turn = answering((200, b"{}")), Turn(2.5)
    bound = Cluster(good._access, lead=turn)
    change(bound, WANTED)
    assert "timeout=2500ms" in asked[-1]
    turn.seconds = 100.0
    change(bound, WANTED)
    assert "timeout=20000ms" in asked[-1]
    turn.seconds, before = 0, len(asked)
    with pytest.raises(Standby):
        change(bound, WANTED)
    assert len(asked) == before
    assert bound.get("ConfigMap", "a", "book") == {}  # to look is no act
    bound.close()
