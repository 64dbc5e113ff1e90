"""Who of several nodes with one account acts in a cluster: the holder of a Lease, else nobody.

The rules are those of Kubernetes' own controllers. The holder renews; another takes the Lease when *its own* clock
has seen nothing new in it for `Pace.lease` seconds, so clocks are never compared. Whoever could not renew for
`Pace.renew` seconds, counted from the moment before its last renewal was sent, has stopped acting: `Pace.lease` -
`Pace.renew` seconds before anybody else can begin. Each write tells the API server what is left of that time.

What it does not guard: a request that a server takes after its time is over, and a machine that is held still
between the look at the clock and the write. Both meet objects whose applying again changes nothing.

Source: k8s.io/client-go/tools/leaderelection; kubernetes.io/docs/concepts/architecture/leases.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from cyberprivacy.deploy.kubernetes.fields import Object, at, number, text
from cyberprivacy.errors import TryLater

_MOMENT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""MicroTime. Source: k8s.io/apimachinery/pkg/apis/meta/v1."""


class Standby(TryLater):
    """Another node acts in this cluster, or nobody can say who does."""

    code = "kubernetes.standby"
    hint = "This node goes on by itself as soon as the one that holds the Lease no longer renews it."


class Pace(NamedTuple):
    """Seconds; those of Kubernetes' own controllers.

    Attributes:
        lease: after so long without a renewal somebody else may begin.
        renew: after so long without a renewal the holder has stopped.
        retry: between two looks.
    """

    lease: float = 15.0
    renew: float = 10.0
    retry: float = 2.0


class Lead(Protocol):
    """Whether this node may act now."""

    @property
    def term(self) -> int | None:
        """Number of the time during which nobody but this node acts; None while it may not act."""
        ...

    def left(self) -> float:
        """Seconds for which it surely still may.

        Raises:
            Standby: it may not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says.

    Attributes:
        holder: "" = nobody.
        transitions: how often it went from one holder to another.
        acquired, renewed: as the holder's clock had it; for people, and to see that it changed.
        version: of the object; "" = it is not there yet.
    """

    holder: str = ""
    transitions: int = 0
    acquired: str = ""
    renewed: str = ""
    version: str = ""

    @classmethod
    def read(cls, found: Object | None) -> "Record":
        """Of the object; what has another form counts as not said."""
        if found is None:
            return cls()
        spec = at(found, "spec")
        return cls(
            holder=text(spec, "holderIdentity"),
            transitions=max(0, number(spec, "leaseTransitions")),
            acquired=text(spec, "acquireTime"),
            renewed=text(spec, "renewTime"),
            version=text(found, "metadata", "resourceVersion"),
        )

    def write(self, namespace: str, name: str, pace: Pace) -> Object:
        """The object. With a version in it, the API server takes it only if nobody wrote since."""
        about = {"name": name, "namespace": namespace}
        said: dict[str, object] = {"acquireTime": self.acquired, "renewTime": self.renewed}
        spec = {name: value for name, value in said.items() if value} | {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": max(1, round(pace.lease)),
            "leaseTransitions": self.transitions,
        }
        metadata = about | ({"resourceVersion": self.version} if self.version else {})
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


class Election:
    """The rules, without a cluster: what is seen and written goes in, what to write and whether to act comes out.

    Args:
        me: this process; no other may have the same name, also not the same one after a restart.
        pace: the same for all.
    """

    def __init__(self, me: str, pace: Pace) -> None:
        self.me, self._pace = me, pace
        self.record = Record()
        self._seen = float("-inf")
        self._until = float("-inf")

    def saw(self, record: Record, now: float) -> None:
        """The Lease is so; `now` is the moment after it was read, by a clock that never stops."""
        changed = (record.holder, record.renewed, record.transitions) != (
            self.record.holder,
            self.record.renewed,
            self.record.transitions,
        )
        if changed or self._seen == float("-inf"):
            self._seen = now
        self.record = record
        if record.holder != self.me:
            self._until = float("-inf")

    def wish(self, now: float, moment: str) -> Record | None:
        """What to write; None = nothing, because another holds it.

        Args:
            now: by the clock of `saw`.
            moment: the same for people.
        """
        old = self.record
        if old.holder == self.me:
            return Record(self.me, old.transitions, old.acquired, moment, old.version)
        if old.holder and now < self._seen + self._pace.lease:
            return None
        return Record(self.me, old.transitions + 1, moment, moment, old.version)

    def wrote(self, record: Record, before: float, now: float) -> None:
        """It was taken as it was wished; `before` is the moment before it was sent."""
        self.saw(record, now)
        self._until = before + self._pace.renew

    def left(self, now: float) -> float:
        """Seconds for which this process surely holds it; none or less = it may not act."""
        return self._until - now

    def laid_down(self) -> Record:
        """What to write when this process ends, so that nobody has to wait."""
        old = self.record
        return Record("", old.transitions, old.acquired, old.renewed, old.version)


def clock() -> float:
    """Seconds that go on while the machine sleeps, and that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def moment(now: Callable[[], float] = time.time) -> str:
    """This moment for people, as a Lease has it."""
    return datetime.fromtimestamp(now(), UTC).strftime(_MOMENT)
