"""Who watches knows whether anything happened, and never thinks to know it when it does not."""

import http.server
import json
import queue
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.deploy.conftest import identity

from cyberprivacy.deploy.kubernetes import changes
from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterOdd
from cyberprivacy.deploy.kubernetes.changes import Changes, Mark, lines
from cyberprivacy.deploy.kubernetes.kubeconfig import Access

KINDS = {"Pod": "", "ResourceQuota": "cyberprivacy"}
END = b""


class Server:
    """Lists and watches of two kinds: what is put on a kind's queue is sent, and `END` ends the watch."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = {"pods": queue.Queue[bytes](), "resourcequotas": queue.Queue[bytes]()}
        self.status = 200

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        address = urlsplit(request.path)
        plural = address.path.rpartition("/")[2]
        options = {name: value for name, (value,) in parse_qs(address.query).items()}
        self.asked.append((plural, options))
        request.send_response(self.status)
        request.end_headers()
        if self.status != 200:
            request.wfile.write(b'{"message": "gone or denied"}')
        elif "watch" not in options:
            request.wfile.write(json.dumps({"metadata": {"resourceVersion": "100"}, "items": []}).encode())
        else:
            while said := self.sent[plural].get():
                request.wfile.write(said)

    def happens(self, plural: str, space: str, version: int, kind: str = "MODIFIED") -> None:
        about = {"name": "x", "namespace": space, "resourceVersion": str(version)}
        self.sent[plural].put(json.dumps({"type": kind, "object": {"metadata": about}}).encode() + b"\n")

    def watches(self) -> list[tuple[str, dict[str, str]]]:
        return [(plural, options) for plural, options in self.asked if "watch" in options]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Server, Access]]:
    server, pem = Server(), identity("api")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None: ...

    (tmp_path / "own.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.socket = context.wrap_socket(served.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}).start()
        authority = pem.decode().partition("-----BEGIN PRIVATE")[0]
        yield server, Access(f"https://127.0.0.1:{served.server_port}", authority=authority)
        for waiting in server.sent.values():
            waiting.put(END)
        served.shutdown()


@pytest.fixture
def watching(server: tuple[Server, Access], monkeypatch: pytest.MonkeyPatch) -> Iterator[Changes]:
    monkeypatch.setattr(changes, "_RETRY", 0.05)
    found = Changes(Cluster(server[1], kept=0), watched=KINDS)
    yield found
    found.close()


def until_known(watching: Changes, before: Mark | None = None) -> Mark:
    """The mark once there is one, another than `before`."""
    deadline = time.monotonic() + 10
    while (mark := watching.mark("book")) is None or mark == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return mark


def test_an_event_is_known_in_its_namespace_and_in_no_other(
    server: tuple[Server, Access], watching: Changes
) -> None:
    first, other = until_known(watching), watching.mark("shop")
    server[0].happens("pods", "", 101, "BOOKMARK")
    server[0].happens("pods", "book", 102)
    assert until_known(watching, first) == Mark(first.epoch, first.events + 1)
    assert watching.mark("shop") == other
    assert "elsewhere" not in watching._counts  # whoever makes namespaces fills no memory here
    assert ("resourcequotas", "metadata.name=cyberprivacy") in {
        (plural, options.get("fieldSelector")) for plural, options in server[0].asked
    }


def test_a_watch_that_ends_goes_on_where_it_was_and_nothing_has_happened(
    server: tuple[Server, Access], watching: Changes
) -> None:
    first = until_known(watching)
    server[0].happens("pods", "", 150, "BOOKMARK")
    server[0].sent["pods"].put(END)
    deadline = time.monotonic() + 10
    while len(server[0].watches()) < 3:
        assert watching.mark("book") in (first, None)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert server[0].watches()[-1][1]["resourceVersion"] == "150"
    assert watching.mark("book") == first


@pytest.mark.parametrize("spoilt", [b'{"type": "ERROR", "object": {"code": 410}}\n', b"[]\n", b"{\n"])
def test_whoever_may_have_missed_something_says_so(
    server: tuple[Server, Access], watching: Changes, spoilt: bytes
) -> None:
    first = until_known(watching)
    server[0].sent["pods"].put(spoilt)
    assert until_known(watching, first).epoch > first.epoch
    assert server[0].watches()[-1][1]["resourceVersion"] == "100"


@pytest.mark.parametrize("status", [403, 410, 500])
def test_nobody_is_told_anything_by_a_server_that_does_not_answer(
    server: tuple[Server, Access], watching: Changes, status: int
) -> None:
    first = until_known(watching)
    server[0].status = status
    server[0].sent["pods"].put(END)
    deadline = time.monotonic() + 10
    while watching.mark("book") is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    server[0].status = 200
    assert until_known(watching) >= first


def test_a_server_that_hangs_is_not_believed_for_longer_than_a_watch_lives(server: tuple[Server, Access]) -> None:
    passed = [0.0]
    watching = Changes(Cluster(server[1], kept=0), watched=KINDS, now=lambda: passed[0])
    until_known(watching)
    passed[0] = 66.0
    assert watching.mark("book") is None
    watching.close()


def test_a_fault_of_ours_is_not_hidden(server: tuple[Server, Access]) -> None:
    watching = Changes(Cluster(server[1], kept=0), watched={"Unknown": ""})
    watching._begin()
    watching._threads[0].join()
    with pytest.raises(RuntimeError):
        watching.mark("book")
    watching.close()


@given(st.lists(st.binary(max_size=8)))
def test_lines_are_the_same_however_they_come(parts: list[bytes]) -> None:
    assert list(lines(iter(parts))) == b"".join(parts).split(b"\n")[:-1]


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_EVENT", 10)
    assert list(lines(iter([b"0123456789\n"]))) == [b"0123456789"]
    with pytest.raises(ClusterOdd):
        list(lines(iter([b"01234", b"567890"])))
