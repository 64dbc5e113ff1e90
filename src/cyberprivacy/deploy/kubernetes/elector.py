"""Stands for election in a cluster: reads and writes the Lease in a thread of its own. Rules: `lease`."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import uuid4

import structlog

from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.lease import Election, Pace, Record, Standby, clock, moment
from cyberprivacy.errors import CyberPrivacyError

_FIRST: Final = 30.0
"""Seconds within which the first look at the Lease must be over."""
_log = structlog.get_logger("deploy")


class Elector:
    """Holds a Lease as long as it can; begins when it is first asked. Threads may share it.

    Args:
        cluster: a client of its own, which no lead restrains.
        namespace, name: of the Lease.
        pace: the same for all who stand.
        now: seconds, by a clock that never stops.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        *,
        pace: Pace | None = None,
        now: Callable[[], float] = clock,
    ) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._pace, self._now = pace or Pace(), now
        self._election = Election(f"{socket.gethostname()}_{uuid4()}", self._pace)
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._stop, self._looked = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: CyberPrivacyError | None = None
        self._fault: Exception | None = None

    @property
    def me(self) -> str:
        """By which name this process stands."""
        return self._election.me

    @property
    def term(self) -> int | None:
        """See `Lead.term`."""
        self._begin()
        with self._lock:
            election = self._election
            return election.record.transitions if election.left(self._now()) > 0 else None

    def left(self) -> float:
        """See `Lead.left`."""
        self._begin()
        with self._lock:
            left, holder = self._election.left(self._now()), self._election.record.holder
        if left > 0:
            return left
        where = f"{self._namespace}/{self._name}"
        if self._trouble is not None:
            raise Standby("nobody can say which node acts", lease=where, code_of_it=self._trouble.code)
        raise Standby("another node acts in this cluster", lease=where, holder=holder)

    def round(self) -> None:
        """Look at the Lease, and take or renew it if the rules say so.

        Raises:
            CyberPrivacyError: the cluster does not answer, or does not let us.
        """
        found = self._cluster.get("Lease", self._name, self._namespace)
        with self._lock:
            self._election.saw(Record.read(found), self._now())
            led = self._election.left(self._now()) > 0
            wish = self._election.wish(self._now(), moment())
        if wish is None:
            return
        before = self._now()
        written = self._cluster.replace(wish.write(self._namespace, self._name, self._pace))
        with self._lock:
            self._election.wrote(Record.read(written), before, self._now())
        if not led:
            _log.info("leads", lease=f"{self._namespace}/{self._name}", me=self.me, term=wish.transitions)

    def close(self) -> None:
        """Act no more, and let the next one begin at once."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            mine = self._election.left(self._now()) > 0
            free = self._election.laid_down()
            self._election.saw(Record(), self._now())
        if mine:
            with suppress(CyberPrivacyError):  # then it ends by itself
                self._cluster.replace(free.write(self._namespace, self._name, Pace(lease=1)))
        self._cluster.close()

    def _begin(self) -> None:
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
                self._thread.start()
        self._looked.wait(_FIRST)
        if self._fault is not None:
            raise RuntimeError("the thread that holds the Lease has ended") from self._fault

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self.round()
                    self._trouble = None
                except CyberPrivacyError as trouble:
                    if self._trouble is None:
                        _log.warning("lease", code=trouble.code, what=str(trouble))
                    self._trouble = trouble
                self._looked.set()
                self._stop.wait(self._pace.retry)
        except Exception as fault:  # noqa: BLE001  (of ours: whoever asks next hears of it, and ends the process)
            self._fault = fault
            self._looked.set()
