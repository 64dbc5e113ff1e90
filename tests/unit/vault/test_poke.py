"""Pokes: signed as the standard says, sent only outwards, understood by a real server over TLS."""

import base64
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from people import NOW, refusal

from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.vault import poke

KEY = bytes(range(32))


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    # Source: github.com/standard-webhooks/standard-webhooks, the specification's example of a symmetric signature.
    key = poke.secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = poke.headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_poke_is_of_who_has_the_secret_and_of_now() -> None:
    said = poke.body(NOW)
    sent = poke.headers(KEY, "one", said, NOW)
    poke.check(KEY, sent, said, NOW + 300)
    poke.check(KEY, {**sent, "webhook-signature": "v1a,x " + sent["webhook-signature"]}, said, NOW)
    assert refusal(lambda: poke.check(KEY, sent, said, NOW + 301)) == "poke.time"
    for change in ({"webhook-id": "two"}, {"webhook-timestamp": str(NOW + 1)}, {"webhook-signature": ""}):
        assert refusal(lambda change=change: poke.check(KEY, {**sent, **change}, said, NOW)) == "poke.signature"
    assert refusal(lambda: poke.check(bytes(32), sent, said, NOW)) == "poke.signature"
    assert refusal(lambda: poke.check(KEY, sent, said + b" ", NOW)) == "poke.signature"
    assert refusal(lambda: poke.check(KEY, {}, said, NOW)) == "poke.signature"


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!!!", "x" + base64.b64encode(KEY).decode(), "whsec_AAAA"])
def test_a_secret_has_one_form(text: str) -> None:
    assert refusal(lambda: poke.secret_of(text)) == "poke.secret"
    assert poke.secret_of("whsec_" + base64.b64encode(KEY).decode()) == KEY


@pytest.mark.parametrize(
    ("url", "found", "code"),
    [
        ("https://example.org/hook", ["93.184.215.14"], ""),
        ("https://example.org:8443/hook?x=1", ["2606:2800:21f::1"], ""),
        ("http://example.org/", ["93.184.215.14"], "poke.address"),
        ("https://user:pass@example.org/", ["93.184.215.14"], "poke.address"),
        ("https:///hook", [], "poke.address"),
        ("https://example.org/" + "x" * 500, ["93.184.215.14"], "poke.address"),
        *(
            ("https://inside.example.org/", [address], "outward.address")
            for address in (
                "127.0.0.1",
                "10.0.0.1",
                "169.254.169.254",
                "::1",
                "fe80::1%eth0",
                "192.168.1.1",
                "0.0.0.0",  # noqa: S104  # looked at, not bound to
            )
        ),
        ("https://both.example.org/", ["93.184.215.14", "127.0.0.1"], "outward.address"),
        ("https://nowhere.example.org/", [], "outward.address"),
    ],
)
def test_a_poke_goes_out_only(url: str, found: list[str], code: str) -> None:
    assert refusal(lambda: poke.target(url, find=lambda _host, _port: found)) == code


class Listener(BaseHTTPRequestHandler):
    """Answers with what it was told to, and remembers what came."""

    answer = 204
    came: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012  # emptied by the fixture

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["content-length"]))
        self.came.append(({name.lower(): value for name, value in self.headers.items()}, said))
        self.send_response(self.answer)
        self.send_header("location", "https://127.0.0.1/elsewhere")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[poke.Target, ssl.SSLContext]]:
    identity = TlsIdentity.born(["listener.test"], lifetime=3_600, now=int(time.time()))
    file = tmp_path / "identity.pem"
    file.write_bytes(identity.pem())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Listener.came.clear()
    url = httpx2.URL(f"https://listener.test:{server.server_port}/hook")
    yield poke.Target(url, "127.0.0.1"), ssl.create_default_context(cafile=str(file))
    server.shutdown()
    server.server_close()


def test_a_listener_gets_a_poke_that_it_can_check(listener: tuple[poke.Target, ssl.SSLContext]) -> None:
    to, trust = listener
    poke.send(to, KEY, "one", now=NOW, tls=trust)
    ((came, said),) = Listener.came
    poke.check(KEY, came, said, NOW)
    assert came["host"] == f"listener.test:{to.url.port}"


@pytest.mark.parametrize(("answer", "code"), [(410, "poke.gone"), (302, "poke.silent"), (500, "poke.silent")])
def test_what_a_listener_answers_is_understood(
    listener: tuple[poke.Target, ssl.SSLContext], answer: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Listener, "answer", answer)
    to, trust = listener
    assert refusal(lambda: poke.send(to, KEY, "one", now=NOW, tls=trust)) == code
    assert len(Listener.came) == 1


def test_another_name_in_the_certificate_gets_nothing(listener: tuple[poke.Target, ssl.SSLContext]) -> None:
    to, trust = listener
    other = poke.Target(to.url.copy_with(host="other.test"), to.address)
    assert refusal(lambda: poke.send(other, KEY, "one", now=NOW, tls=trust)) == "poke.silent"
    assert Listener.came == []
