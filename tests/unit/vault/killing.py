"""Kills a process at one of its writes: before it, or in the middle of it."""

import os
import signal
from collections.abc import Callable
from typing import Any

CALLS = ("pwrite", "fsync", "fdatasync", "replace", "link", "unlink", "posix_fallocate")


def dies_at(number: int, work: Callable[[], object], *, torn: bool = False) -> bool:
    """Run `work` in a child that is killed at its write of this number, from 0. False: it ended before that."""
    child = os.fork()
    if child == 0:
        try:
            _arm(number, torn=torn)
            work()
        except BaseException:  # noqa: BLE001 the parent sees the code
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False


def _arm(number: int, *, torn: bool) -> None:
    left = [number]

    def fatal(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if left[0] == 0:
                if torn and name == "pwrite":
                    file, data, place = arguments
                    real(file, data[: len(data) // 2], place)
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return real(*arguments, **named)

        return call

    for name in CALLS:
        setattr(os, name, fatal(name, getattr(os, name)))
