"""Whoever answers slowly is cut off in time: in header, body or framing, with and without TLS."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest

from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.pace import Line, Pace, TooSlow
from cyberprivacy.bundle.refusals import Unavailable
from cyberprivacy.bundle.serve import listening
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.registry.certificates import renew

HEADER = b"HTTP/1.1 200 OK\r\n"
PLAIN = HEADER + b"content-length: 1000000\r\n\r\n"
BRISK = Pace(deadline=20.0, first=1.0, grace=0.5, rate=1000)
LONG = 15  # seconds that say that nobody cut; a busy machine stays far below


@contextmanager
def saying(
    start: bytes, *, drip: bytes = b"", tls: ssl.SSLContext | None = None, wait: float = 0.0
) -> Iterator[str]:
    """A server that says `start` to everybody, then `drip` now and then for ever; `wait` comes before its handshake."""
    stop = Event()

    def serve(bound: socket.socket) -> None:
        while not stop.is_set():
            with suppress(OSError):
                connection, _ = bound.accept()
                stop.wait(wait)
                with tls.wrap_socket(connection, server_side=True) if tls else connection as speaking:
                    speaking.sendall(start)
                    while not stop.wait(0.05):
                        speaking.sendall(drip)

    with listening("127.0.0.1", 0) as bound:
        bound.settimeout(0.1)
        thread = Thread(target=serve, args=(bound,), daemon=True)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            stop.set()
            thread.join(timeout=10)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server, and of a client who trusts it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    renew(folder, folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.crt", folder / "server.key")
    return server, ssl.create_default_context(cafile=str(folder / "ca.crt"))


def seconds(read: Callable[[], object]) -> float:
    started = time.monotonic()
    read()
    return time.monotonic() - started


def read(url: str, pace: Pace, trust: ssl.SSLContext | bool = True) -> bytes:
    client = httpx2.Client(timeout=30, verify=trust, trust_env=False)
    with client, Line().ask(client, client.build_request("GET", url), pace) as answer:
        return answer.read()


SLOW = {
    "header": (HEADER + b"x: ", b"x"),
    "body": (PLAIN, b"x"),
    "framing": (HEADER + b"transfer-encoding: chunked\r\n\r\n1;", b"x"),
    "a body without a length": (HEADER + b"connection: close\r\n\r\nhello", b""),
}


@pytest.mark.parametrize("where", SLOW)
@pytest.mark.parametrize("secret", [False, True], ids=["plain", "tls"])
def test_whoever_drips_is_cut_off(where: str, secret: bool, secrets) -> None:
    start, drip = SLOW[where]
    server, client = secrets
    with saying(start, drip=drip, tls=server if secret else None) as url:

        def refused() -> None:
            with pytest.raises(TooSlow):
                read(url, BRISK, client)

        assert seconds(refused) < LONG


def test_time_that_runs_out_during_the_handshake_cuts_right_after_it(secrets) -> None:
    server, client = secrets
    with saying(HEADER + b"x: ", drip=b"x", tls=server, wait=1.0) as url:

        def refused() -> None:
            with pytest.raises(TooSlow):
                read(url, Pace(first=0.3), client)

        assert seconds(refused) < LONG


def test_a_gateway_behind_tls_is_held_to_the_deadline_of_a_block(secrets) -> None:
    server, client = secrets
    with saying(HEADER + b"x: ", drip=b"x", tls=server) as url:
        gateway = Gateway(url, pace=Pace(block=1.0), tls=client)
        with pytest.raises(Unavailable) as refusal:
            assert seconds(lambda: gateway.find(Cid.of(RAW, b""))) < LONG
    assert refusal.value.code == "bundle.slow"


def test_whoever_keeps_the_rate_may_take_longer_than_the_grace(secrets) -> None:
    whole = HEADER + b"content-length: 40\r\n\r\n"
    with saying(whole, drip=b"x") as url:
        pace = Pace(grace=0.2, rate=1)
        assert read(url, pace) == b"x" * 40


def test_a_connection_that_was_cut_is_not_used_again() -> None:
    """What a slow answer left on the way must not become the start of the next one."""
    with saying(PLAIN + b"old", drip=b"x") as url, httpx2.Client(timeout=30, trust_env=False) as client:
        line = Line()
        heard = list[bytes]()
        for _ in range(2):
            asked = client.build_request("GET", url)
            with pytest.raises(TooSlow), line.ask(client, asked, Pace(grace=0.5, rate=1000)) as answer:
                heard.extend(answer.iter_raw())
        assert b"".join(heard).count(b"old") == 2
