"""Whether anything happened in an application's namespace: the API server tells it, so that nobody has to ask.

Each kind of object that can lie there is watched, over the whole cluster and by its metadata alone. What is told
is never taken for what is there; it only says when to look again. So a quiet cluster costs a few requests a
minute, however many applications it runs, and nothing is believed that was not read for the purpose.

Nobody is told anything (`Changes.mark` is None) unless each of the watches stands and has been renewed in time;
then whoever wants to know looks for itself.

Source: kubernetes.io/docs/reference/using-api/api-concepts, "Efficient detection of changes", "Watch bookmarks".
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import structlog

from cyberprivacy.bundle.pace import Line
from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterOdd
from cyberprivacy.deploy.kubernetes.fields import KINDS, Object, place, text
from cyberprivacy.deploy.kubernetes.objects import PULL
from cyberprivacy.errors import CyberPrivacyError

_EVERY: Final = (
    *("Namespace", "Deployment", "ReplicaSet", "Pod", "Service", "ConfigMap", "NetworkPolicy"),
    *("PersistentVolumeClaim", "StatefulSet", "DaemonSet", "Job", "CronJob"),
)
WATCHED: Final[Mapping[str, str]] = dict.fromkeys(_EVERY, "") | {
    "ResourceQuota": "cyberprivacy",
    "ServiceAccount": "default",
    "Secret": PULL,
}
"""Kind -> the only name of which we may know; "" = any."""
_LIFE: Final = 60.0
"""Seconds after which a watch is renewed, and shows by that that the server is still there."""
_SLACK: Final = 5.0
_RETRY: Final = 2.0
MAX_EVENT: Final = 4 << 20
_log = structlog.get_logger("deploy")


class Mark(NamedTuple):
    """A moment in the history of a namespace: two that are equal have nothing between them.

    Attributes:
        epoch: how often a watch began anew, without knowing what it missed.
        events: in the namespace.
    """

    epoch: int
    events: int


class Changes:
    """Watches a cluster from when it is first asked. Threads may share it.

    Args:
        cluster: a client of its own; closed with this.
        watched: as `WATCHED`.
        life: seconds after which a watch is renewed.
        now: seconds, monotonic.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        watched: Mapping[str, str] = WATCHED,
        life: float = _LIFE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster, self._watched, self._life, self._now = cluster, watched, life, now
        self._lock, self._over = threading.Lock(), threading.Event()
        self._lines = {kind: Line() for kind in watched}
        self._threads: list[threading.Thread] = []
        self._epoch = 0
        self._counts: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._fault: Exception | None = None

    def mark(self, app: str) -> Mark | None:
        """This moment in an application's namespace; None = nobody can say whether anything happens there.

        Take it before you look: what happens in between makes the next one another.
        """
        with self._lock:
            if not self._threads and not self._over.is_set():
                self._begin()
            if self._fault is not None:
                raise RuntimeError("a thread that watches has ended") from self._fault
            count = self._counts.setdefault(app, 0)
            stands = len(self._until) == len(self._watched) and min(self._until.values()) > self._now()
            return Mark(self._epoch, count) if stands else None

    def close(self) -> None:
        """Watch no more."""
        with self._lock:
            self._over.set()
        for line in self._lines.values():
            line.cut()
        for thread in self._threads:
            thread.join()
        self._cluster.close()

    def _begin(self) -> None:
        for kind in self._watched:
            thread = threading.Thread(target=self._run, args=(kind,), name=f"watch-{kind}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, kind: str) -> None:
        reached, well = [""], True
        try:
            while not self._over.is_set():
                try:
                    self._follow(kind, reached)
                    well = True
                except CyberPrivacyError as trouble:
                    if well and not self._over.is_set():
                        _log.warning("watch", kind=kind, code=trouble.code, what=str(trouble))
                    well = False
                    self._lost(kind)
                    reached[:] = [""] if isinstance(trouble, ClusterOdd) else reached
                    self._over.wait(_RETRY)
        except Exception as fault:  # noqa: BLE001  (of ours: whoever asks next hears of it, and ends the process)
            self._fault = fault

    def _follow(self, kind: str, reached: list[str]) -> None:
        """Watch until the server ends it, which it does after a while.

        Args:
            kind: of what.
            reached: its one entry is the version to go on from, "" = from now; then the one that was reached.

        Raises:
            ClusterOdd: it cannot go on from there.
            CyberPrivacyError: it does not answer, or does not let us.
        """
        where, only = place(KINDS[kind], ""), self._watched[kind]
        options = {"fieldSelector": f"metadata.name={only}"} if only else {}
        anew = not reached[0]
        reached[0] = reached[0] or self._cluster.version(where, options)
        options |= {"watch": "true", "resourceVersion": reached[0], "allowWatchBookmarks": "true"}
        options |= {"timeoutSeconds": str(round(self._life))}
        asked = self._now()
        with self._cluster.stream(where, options, self._lines[kind], self._life + _SLACK) as parts:
            self._stands(kind, asked + self._life + _SLACK, anew=anew)
            for line in lines(parts):
                reached[0] = self._take(kind, self._cluster.read(line))

    def _take(self, kind: str, event: Object) -> str:
        """Count an event; the version that is reached with it."""
        metadata = event.get("object")
        version = text(metadata, "metadata", "resourceVersion")
        if event.get("type") == "ERROR" or not version:
            raise ClusterOdd("a watch cannot go on", server=self._cluster.server, kind=kind)
        space = text(metadata, "metadata", "name" if kind == "Namespace" else "namespace")
        with self._lock:
            if event.get("type") != "BOOKMARK" and space in self._counts:
                self._counts[space] += 1
        return version

    def _stands(self, kind: str, until: float, *, anew: bool) -> None:
        with self._lock:
            self._epoch += anew
            self._until[kind] = until

    def _lost(self, kind: str) -> None:
        with self._lock:
            self._until.pop(kind, None)


def lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """What comes in parts, line by line; what is after the last end of a line was cut off, and is dropped.

    Raises:
        ClusterOdd: a line is longer than any event.
    """
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > MAX_EVENT:
            raise ClusterOdd("an event is too large", limit=MAX_EVENT)
        yield from whole
