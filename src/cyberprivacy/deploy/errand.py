"""Work by a thread of its own, so that nobody waits for a container that hangs."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def send(work: Callable[[], T]) -> "Future[T]":
    """Begin a piece of work that ends by itself; its result or its failure is there when it is done.

    A pool would keep a node that ends waiting for the slowest container; this thread is left behind.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as failure:  # noqa: BLE001 not swallowed: it is raised where the result is taken
            future.set_exception(failure)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="errand", daemon=True).start()
    return future
