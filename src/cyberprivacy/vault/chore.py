"""A thread that does one thing again and again: when somebody asks for it, and after a while by itself."""

from abc import ABC, abstractmethod
from threading import Event, Thread


class Chore(ABC):
    """Goes once when it begins, and then for as long as it is not closed.

    What a killed process left undone is taken up at the start, so whoever asks only has to have written down what.
    A subclass calls `__init__` last: the thread begins there.

    Args:
        name: of the thread.
        patience: seconds that a run may still take when it is closed.
    """

    def __init__(self, name: str, *, patience: float) -> None:
        self._patience = patience
        self._asked, self._over = Event(), Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @abstractmethod
    def _go(self) -> float:
        """Once: seconds after which it goes again if nobody asks. What it raises ends the thread."""

    @property
    def over(self) -> bool:
        """Whether it was closed: a long run looks now and then."""
        return self._over.is_set()

    def ask(self) -> None:
        """There is something to do; while it runs, it goes once more after that."""
        self._asked.set()

    def close(self) -> None:
        """Do no more; the next process goes on."""
        self._over.set()
        self._asked.set()
        self._thread.join(timeout=self._patience)

    def _run(self) -> None:
        wait = 0.0
        while True:
            self._asked.wait(wait)
            self._asked.clear()
            if self.over:
                return
            wait = self._go()
