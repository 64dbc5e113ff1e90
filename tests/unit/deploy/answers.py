"""Containers on the loopback that answer a probe as a test says: well, badly, or never."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import IPv4Address

from cyberprivacy.deploy.plan import Endpoint

Answer = Callable[[socket.socket, threading.Event], None]
"""Gets the line on which a question came, and the event after which nobody listens any more."""
Serve = Callable[[Answer], Endpoint]


@contextmanager
def serving() -> Iterator[Serve]:
    """Start listeners that answer each question, until the block ends."""
    over = threading.Event()
    with ExitStack() as stack:

        def start(answer: Answer) -> Endpoint:
            listener = stack.enter_context(socket.create_server(("", 0), backlog=128))
            listener.settimeout(0.05)
            server = threading.Thread(target=_accept, args=(listener, answer, over))
            server.start()
            stack.callback(server.join)
            return Endpoint(IPv4Address("127.0.0.1"), listener.getsockname()[1])

        try:
            yield start
        finally:
            over.set()


def _accept(listener: socket.socket, answer: Answer, over: threading.Event) -> None:
    threads = []
    while not over.is_set():
        with suppress(TimeoutError):
            threads.append(threading.Thread(target=_one, args=(listener.accept()[0], answer, over)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _one(line: socket.socket, answer: Answer, over: threading.Event) -> None:
    with line, suppress(OSError):
        line.settimeout(5)
        line.recv(4096)
        answer(line, over)


def says(text: bytes) -> Answer:
    return lambda line, _: line.sendall(text)


def hangs(_: socket.socket, over: threading.Event) -> None:
    over.wait()
