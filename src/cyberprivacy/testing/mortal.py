"""Ending a process, or its disk, at a chosen step: every step by which something lasting happens to the disk."""

import os
import signal
from collections.abc import Callable
from typing import Final

STEPS: Final = ("fsync", "replace", "mkdir")
"""What is counted."""


def count_down(steps: int, end: Callable[[], None]) -> Callable[[], None]:
    """Call `end` before that step of any of `STEPS`, in this process; returns what undoes it."""
    left, real = [steps], {name: getattr(os, name) for name in STEPS}

    def counted(name: str) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                end()
            return real[name](*arguments, **named)

        return step

    for name in STEPS:
        setattr(os, name, counted(name))

    def undo() -> None:
        for name in STEPS:
            setattr(os, name, real[name])

    return undo


def killed_before(steps: int, work: Callable[[], None]) -> bool:
    """Do some work in a child that is killed (`kill -9`) before its step number `steps`; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            count_down(steps, lambda: os.kill(os.getpid(), signal.SIGKILL))
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])
