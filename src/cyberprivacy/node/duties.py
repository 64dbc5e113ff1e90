"""What one process does at the same time: duties, each of which ends when all shall end, or ends them all."""

import threading
from collections.abc import Callable

Duty = Callable[[threading.Event], None]
"""Something done until the event is set."""


def on_duty(duty: Duty, stop: threading.Event) -> None:
    """Do one duty until `stop`; when it ends for any other reason, all others end with it."""
    try:
        duty(stop)
    finally:
        stop.set()
