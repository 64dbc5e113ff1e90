import contextlib
import http.server
import json
import os
import signal
import socketserver
import ssl
import threading
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.unit.deploy.conftest import Client, eventually, free_port, identity

from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.front_settings import Limits
from cyberprivacy.deploy.haproxy import FrontSilent
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import Misuse

pytestmark = pytest.mark.engines


def endpoint(backend) -> Endpoint:
    return Endpoint(IPv4Address(backend[0]), backend[1])


@pytest.fixture
def port(front: Front) -> int:
    port = free_port()
    front.serve("book", f"127.0.0.1:{port}", identity("first"), Path(front._state) / "api.sock")
    return port


@pytest.fixture
def node(front: Front):
    """The node's own interface on its unix socket."""

    class Api(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"node")

        def address_string(self) -> str:
            return ""

        def log_message(self, *_: object) -> None: ...

    path = Path(front._state) / "api.sock"
    server = socketserver.ThreadingUnixStreamServer(str(path), Api)
    server.daemon_threads, server.block_on_close = True, False
    path.chmod(0o666)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_with_nothing_live_people_read_why_and_programs_get_a_code(front, port):
    client = Client(port)
    status, headers, body = client.ask(accept="text/html")
    assert (status, headers["cyberprivacy-reason"]) == (503, "deploy.none")
    assert b"no active release" in body
    status, headers, body = client.ask()
    assert (status, json.loads(body)["type"]) == (503, "deploy.none")
    front.say("book", "deploy.halted", "Stopped by a vote (halt) at block 12.")
    assert json.loads(client.ask()[2])["title"] == "Stopped by a vote (halt) at block 12."
    client.close()


@pytest.mark.parametrize("text", ["", "<b>", 'a"b', "a\nset map x y z", "%[src]", "a" * 300])
def test_a_reason_is_plain_text_or_refused(front, port, text):
    with pytest.raises(Misuse) as refusal:
        front.say("book", "deploy.none", text)
    assert refusal.value.code == "front.settings"


def test_the_node_answers_under_its_own_path_whatever_the_application_does(front, port, node, backend):
    client = Client(port)
    assert client.ask(path="/.well-known/cyberprivacy/statement")[2] == b"node"
    front.point("book", [endpoint(backend)])
    assert client.ask(path="/.well-known/cyberprivacy/statement")[2] == b"node"
    assert client.ask(path="/.well-known/cyberprivacy")[2] == b"node"
    assert json.loads(client.ask(path="/.well-known/other")[2])["path"] == "/.well-known/other"
    client.close()


def test_a_node_that_is_away_is_named_as_the_reason(front, port):
    client = Client(port)
    status, headers, _ = client.ask(path="/.well-known/cyberprivacy/statement")
    assert (status, headers["cyberprivacy-reason"]) == (503, "node.away")
    client.close()


def test_what_users_say_about_themselves_does_not_reach_the_application(front, port, backend):
    front.point("book", [endpoint(backend)])
    client = Client(port)
    forged = {"X_Forwarded_For": "6.6.6.6", "X_Forwarded_User": "root", "Cyberprivacy_Account": "me", "Proxy": "x"}
    _, headers, body = client.ask(**forged)
    seen = json.loads(body)["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert not {"x-forwarded-user", "cyberprivacy-account", "proxy"} & seen.keys()
    assert "cyberprivacy-reason" not in headers  # an application cannot speak in our name either
    assert headers["strict-transport-security"] == "max-age=31536000"
    client.close()


def test_bodies_are_bounded_and_say_their_length(front, port, backend):
    front.point("book", [endpoint(backend)])
    for headers, status in [
        ({"content_length": str(17 << 20)}, 413),
        ({"transfer_encoding": "chunked"}, 411),
        ({"content_length": "0"}, 200),
    ]:
        client = Client(port)
        assert client.ask("POST", **headers)[0] == status
        client.close()


def test_tls_before_1_3_is_refused(front, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = Client(port)
    client.connection._context = context
    with pytest.raises(ssl.SSLError):
        client.ask()


def test_a_renewed_identity_is_for_new_connections_and_the_open_ones_stay(front, port):
    open_one = Client(port)
    open_one.ask()
    open_socket = open_one.connection.sock
    front.renew("book", identity("second"))
    new_one = Client(port)
    assert new_one.whose() == "second"
    open_one.ask()
    assert open_one.connection.sock is open_socket  # it was not closed in between
    assert open_one.whose() == "first"
    open_one.close()
    new_one.close()


def test_a_broken_identity_is_refused_and_the_old_one_stays(front, port):
    with pytest.raises(Misuse) as refusal:
        front.renew("book", identity("second").replace(b"CERT", b"CORT"))
    assert refusal.value.code == "front.settings"
    client = Client(port)
    assert client.whose() == "first"
    client.close()


def test_the_key_is_in_no_file_no_environment_and_no_core_dump(front, port):
    pid = front._admin("book").pid()
    secret = front._served["book"].identity.splitlines()[-3]  # a line inside the private key
    for file in Path(front._state).rglob("*"):
        assert not file.is_file() or secret not in file.read_bytes()
    assert secret not in Path(f"/proc/{pid}/environ").read_bytes()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert next(line.split()[4:6] for line in limits.splitlines() if "core file" in line) == ["0", "0"]
    assert Path(f"/proc/{pid}/mem").stat().st_uid == 0  # though it runs as another user, that user cannot look
    assert "Uid:\t0" not in Path(f"/proc/{pid}/status").read_text()


def test_a_node_that_comes_back_takes_over_the_running_front_with_a_new_key(front, port, backend):
    front.point("book", [endpoint(backend)])
    user = Client(port)
    user.ask()
    came_back = Front(front._state)
    came_back.serve("book", f"127.0.0.1:{port}", identity("reborn"), Path(front._state) / "api.sock")
    assert came_back.endpoints("book") == {endpoint(backend)}
    assert user.ask()[0] == 200
    fresh = Client(port)
    assert fresh.whose() == "reborn"
    assert came_back._admin("book").pid() == front._served["book"].process.pid
    user.close()
    fresh.close()


def test_new_settings_take_the_listening_socket_over_without_a_lost_request(front, port, backend):
    front.point("book", [endpoint(backend)])
    stop, answers, lost = threading.Event(), [], []

    def hammer() -> None:
        while not stop.is_set():
            client = Client(port)
            try:
                status, headers, _ = client.ask()
                answers.append((status, headers.get("cyberprivacy-reason")))
            except OSError as failure:
                lost.append(repr(failure))
            client.close()

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for body in (1 << 20, 2 << 20, 3 << 20):
        front._limits, old = Limits(body=body), front._admin("book").pid()
        front.serve("book", f"127.0.0.1:{port}", identity(f"limit {body}"), Path(front._state) / "api.sock")
        assert front._admin("book").pid() != old
        seen = len(answers)
        eventually(lambda seen=seen: len(answers) > seen + 20)
    stop.set()
    for thread in threads:
        thread.join()
    assert not lost
    assert set(answers) == {(200, None)}


def test_a_front_that_was_killed_comes_back_with_its_key_and_its_endpoints(front, port, backend):
    front.point("book", [endpoint(backend)])
    os.kill(front._admin("book").pid(), signal.SIGKILL)
    eventually(lambda: front.tend() == ("book",))
    client = Client(port)
    assert client.ask()[0] == 200
    assert client.whose() == "first"
    assert front.tend() == ()
    client.close()


def test_a_front_that_hangs_is_neither_doubled_nor_told_as_idle(front, port, backend):
    front.point("book", [endpoint(backend)])
    pid = front._admin("book").pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(FrontSilent):
            front.endpoints("book")
        with capture_logs() as logs:
            assert front.tend() == ()
        assert [(log["event"], log["app"], log["code"]) for log in logs] == [("front", "book", "front.silent")]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert front._admin("book").pid() == pid
    assert front.endpoints("book") == {endpoint(backend)}


def test_a_front_that_hangs_can_be_stopped_by_whoever_started_it(front, port):
    os.kill(front._admin("book").pid(), signal.SIGSTOP)
    front.stop("book")
    assert front._admin("book").pid() == 0


def test_two_fronts_never_share_a_port(front, port, folder):
    second = Front(folder / "second")
    with pytest.raises(FrontSilent) as refusal:
        second.serve("book", f"127.0.0.1:{port}", identity("second"), folder / "api.sock")
    assert "in use" in str(refusal.value.facts["reason"])
    with contextlib.closing(Client(port)) as client:
        assert client.whose() == "first"


def test_users_stay_where_they_are_when_a_new_endpoint_cannot_be_reached(front, port, backend):
    front.point("book", [endpoint(backend)])
    with pytest.raises(FrontSilent):
        front.point("book", [Endpoint(IPv4Address("127.0.0.1"), free_port())])
    assert front.endpoints("book") == {endpoint(backend)}
    client = Client(port)
    assert client.ask()[0] == 200
    client.close()


def test_an_endpoint_that_came_back_gets_users_at_once(front, port):
    def answer(request, address, server) -> None:
        request.recv(4096)
        request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    class Server(socketserver.TCPServer):
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            """HAProxy's connection checks end with a reset."""

    came = Endpoint(IPv4Address("127.0.0.1"), free_port())
    for _ in range(2):
        server = Server(("127.0.0.1", came.port), answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        front.point("book", [came])
        with contextlib.closing(Client(port)) as client:
            assert client.ask()[0] == 200
        server.shutdown()
        thread.join()
        server.server_close()
        eventually(lambda: not any(slot.up for slot in front._admin("book").slots("app") if slot.mode == "ready"))


@pytest.mark.parametrize("listen", ["", "127.0.0.1", "127.0.0.1:99 ssl", "0.0.0.0:443\nuser root", "x:1"])
def test_an_address_that_is_none_is_refused(front, listen):
    with pytest.raises(Misuse):
        front.serve("other", listen, identity("x"), Path("/run/none.sock"))


def test_who_keeps_a_connection_is_told_before_a_front_that_leaves_ends(front, port, backend):
    front.point("book", [endpoint(backend)])
    pid, client = front._admin("book").pid(), Client(port)
    assert "connection" not in client.ask()[1]
    leaving = threading.Thread(target=front.leave, args=(1.5,))
    leaving.start()
    answers = [client.ask()]
    while answers[-1][1].get("connection") != "close" and len(answers) < 500:
        answers.append(client.ask())
    assert answers[-1][1].get("connection") == "close"
    assert {status for status, _, _ in answers} == {200}
    client.close()
    leaving.join()
    assert not Path(f"/proc/{pid}").exists()


def test_a_request_in_flight_ends_before_a_front_that_leaves(front, port, backend):
    front.point("book", [endpoint(backend)])
    answers, client = [], Client(port)
    asking = threading.Thread(target=lambda: answers.append(client.ask(path="/slow")[0]))
    asking.start()
    threading.Event().wait(0.3)
    front.leave(1.1)
    asking.join()
    assert answers == [200]


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL], ids=["hangs", "dies"])
def test_a_front_that_cannot_be_told_keeps_nobody_from_leaving(front, port, how):
    process = front._served["book"].process
    process.send_signal(how)
    front.leave(0.2)
    assert process.poll() is not None


def test_stopping_twice_is_once(front, port):
    front.stop("book")
    front.stop("book")
    with contextlib.closing(Client(port)) as client, pytest.raises(OSError, match="refused"):
        client.ask()
