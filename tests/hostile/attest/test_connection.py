"""A server may answer anything, at any pace: the conversation is bounded and ends with a reason."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509

from cyberprivacy.attest import conversation
from cyberprivacy.attest.certificates import spki
from cyberprivacy.attest.conversation import NoConnection, ask
from cyberprivacy.attest.identity import TlsIdentity

pytestmark = pytest.mark.timeout(60)
NONCE = b"n" * 32
Talk = Callable[[ssl.SSLSocket], None]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    listeners: list[socket.socket] = []

    def start(talk: Talk, *, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> str:
        identity = TlsIdentity.born(["localhost"], lifetime=600, now=int(time.time()))
        (tmp_path / "tls.pem").write_bytes(identity.pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = newest
        context.load_cert_chain(tmp_path / "tls.pem")
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            with suppress(OSError):
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as channel:
                    channel.recv(4096)
                    talk(channel)

        threading.Thread(target=run, daemon=True).start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def test_the_key_is_that_of_the_very_connection(serve: Callable[..., str], tmp_path: Path) -> None:
    url = serve(lambda channel: channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    answer = ask(url, NONCE)
    certificate = x509.load_pem_x509_certificate((tmp_path / "tls.pem").read_bytes())
    assert answer.spki == sha256(spki(certificate)).digest()
    assert answer.attestation == b"{}"


def test_a_server_that_drips_is_cut_off(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(channel: ssl.SSLSocket) -> None:
        channel.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            channel.sendall(b"x")
            time.sleep(0.02)

    monkeypatch.setattr(conversation, "LONGEST", 0.5)
    began = time.monotonic()
    with pytest.raises(NoConnection) as refusal:
        ask(serve(drip), NONCE)
    assert "within" in refusal.value.facts["reason"]
    assert time.monotonic() - began < 10


def test_a_server_that_is_silent_is_left(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(conversation, "STEP", 0.5)
    with pytest.raises(NoConnection):
        ask(serve(lambda _: over.wait(30) and None), NONCE)
    over.set()


def test_old_tls_is_refused(serve: Callable[..., str]) -> None:
    with pytest.raises(NoConnection):
        ask(serve(lambda _: None, newest=ssl.TLSVersion.TLSv1_2), NONCE)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "\u00e4" * 70, "no.such.host.invalid"])
def test_a_name_that_leads_nowhere_is_out_of_reach(host: str) -> None:
    with pytest.raises(NoConnection):
        ask(f"https://{host}", NONCE)
