"""What the vault's server promises of sockets, whatever an application behind it does."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from people import refusal
from starlette.types import Receive, Scope, Send

from cyberprivacy.bundle.serve import listening
from cyberprivacy.vault.web import server

Handler = Callable[[Scope, Receive, Send], Any]


class App:
    """Answers with a handler; counts beginnings and ends."""

    def __init__(self, handler: Handler) -> None:
        self.handler, self.lived, self.asked = handler, list[str](), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self.asked.set()
            await self.handler(scope, receive, send)
            return
        while True:
            message = await receive()
            self.lived.append(message["type"])
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def _begin(send: Send, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*headers]})


async def address(scope: Scope, _receive: Receive, send: Send) -> None:
    await _begin(send)
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})


@contextmanager
def serving(handler: Handler, **how: str) -> Iterator[tuple[int, App, server.Server]]:
    app = App(handler)
    with listening("127.0.0.1", 0) as bound:
        running, bound_to = server.prepared(app, **how), bound.getsockname()
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield bound_to[1], app, running
        finally:
            running.stop()
            thread.join(timeout=60)
            assert not thread.is_alive()
        with pytest.raises(ConnectionRefusedError):  # also while whoever gave it the socket goes on
            socket.create_connection(bound_to, timeout=30)
    assert app.lived == ["lifespan.startup", "lifespan.shutdown"]


def asking(port: int) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))


def get(port: int, **headers: str) -> bytes:
    with asking(port) as connection:
        connection.request("GET", "/", headers=headers)
        return connection.getresponse().read()


def test_only_the_front_says_who_asks() -> None:
    for front, believed in (("", b"127.0.0.1"), ("10.9.8.7", b"127.0.0.1"), ("127.0.0.1", b"203.0.113.9")):
        with serving(address, front=front) as (port, _, _):
            assert get(port, **{"X-Forwarded-For": "203.0.113.9"}) == believed


def test_headers_that_no_honest_request_has_are_refused() -> None:
    with serving(address) as (port, _, _):
        assert get(port, Note="n" * 30_000) == b"127.0.0.1"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as there:
            there.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nNote: " + b"n" * 100_000)
            assert b" 431 " in there.recv(1_000).split(b"\r\n")[0]


@pytest.mark.parametrize("said", [[(b"content-length", b"10")], []])
def test_an_answer_that_breaks_off_does_not_look_whole(said: list[tuple[bytes, bytes]]) -> None:
    async def breaks(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _begin(send, *said)
        await send({"type": "http.response.body", "body": b"12345", "more_body": True})
        raise ConnectionError

    with serving(breaks) as (port, _, _), pytest.raises(http.client.IncompleteRead):
        get(port)


def test_what_has_begun_is_answered_before_the_end() -> None:
    told = threading.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        while not told.is_set():  # the loop goes on meanwhile
            await server.asyncio.sleep(0.01)
        await address(scope, receive, send)

    with serving(waits) as (port, app, running):
        found: list[bytes] = []
        asker = threading.Thread(target=lambda: found.append(get(port)))
        asker.start()
        assert app.asked.wait(timeout=30)
        running.stop()
        told.set()
        asker.join(timeout=30)
        assert found == [b"127.0.0.1"]


def test_what_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", 0.3)

    async def streams(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _begin(send)
        while True:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})
            await server.asyncio.sleep(0.01)

    with serving(streams) as (port, _, running), asking(port) as connection:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.read(4) == b"more"
        running.stop()
        with pytest.raises(http.client.IncompleteRead):
            answer.read()


def test_a_connection_too_many_waits_until_another_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    with serving(address) as (port, _, _), asking(port) as first, asking(port) as second:
        for each in (first, second):
            each.request("GET", "/")
            assert each.getresponse().read() == b"127.0.0.1"
        with socket.create_connection(("127.0.0.1", port), timeout=0.3) as third:
            third.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(TimeoutError):
                third.recv(1)
            first.close()
            third.settimeout(30)
            assert third.recv(8) == b"HTTP/1.1"


def test_an_application_that_cannot_begin_is_not_served() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with listening("127.0.0.1", 0) as bound:
        assert refusal(lambda: server.prepared(app).run(sockets=[bound])) == "vault.server"


PROGRAM = """
import sys, socket
sys.path.insert(0, "tests/unit/vault")
from test_server import App, address
from cyberprivacy.bundle.serve import listening
from cyberprivacy.vault.web import server
with listening("127.0.0.1", 0) as bound:
    app = App(address)
    print(bound.getsockname()[1], flush=True)
    server.prepared(app).run(sockets=[bound])
    print(*app.lived, flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(how: signal.Signals) -> None:
    line = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "src"}) as it:
        assert it.stdout is not None
        port = int(it.stdout.readline())
        with asking(port) as idle:
            idle.request("GET", "/")
            assert idle.getresponse().read() == b"127.0.0.1"
            begun = time.monotonic()
            it.send_signal(how)
            assert it.stdout.read().split() == ["lifespan.startup", "lifespan.shutdown"]
            assert it.wait(timeout=30) == 0
            assert time.monotonic() - begun < server.GRACE  # a connection on which nobody asks holds nobody up
