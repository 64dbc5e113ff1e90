"""A clock that stands still, but for those who sleep: an hour of waiting is a moment."""

from dataclasses import dataclass, field


@dataclass
class StandingClock:
    """Seconds since 1970, as somebody sets them.

    Attributes:
        now: what it shows.
        slept: for how long somebody slept, in order.
    """

    now: float
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Go on by so many seconds at once."""
        self.slept.append(seconds)
        self.now += seconds
