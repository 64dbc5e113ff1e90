"""The loop of a Privacy Server: what the chain wants, what runs, and the way from one to the other.

Rules that make it safe to be wrong for a while: a chain that cannot be read, is stale or contradicts
itself changes nothing; only a clear answer that nothing is live stops the application. A release that
fails leaves the running one in place.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

import structlog

from cyberprivacy.build.image import images_digest
from cyberprivacy.deploy.deployment import Deployment, Runtime
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.node.journal import Journal
from cyberprivacy.node.road import Overtaken, Road
from cyberprivacy.proposal.release import Address, ApprovedRelease, FinalBlock

FIRST_DELAY: Final = 2.0
"""Seconds before a failed journey is tried again; doubled each time that it ends at the same step."""
LONGEST_DELAY: Final = 300.0
OTHERS_TURN: Final = frozenset({"release.waiting-for-builders", "kubernetes.standby"})
"""Codes of what is no failure, but somebody else's turn: asked again soon, and not told in the ledger."""

State = Literal["starting", "working", "serving", "waiting", "refused", "stopped"]

_log = structlog.get_logger("node")


class Chain(Protocol):
    """Reads what a DAO decided, and remembers how far it has read."""

    def approved(self, dao: Address) -> ApprovedRelease | None:
        """The release that must run; None when nothing may. Errors mean: nobody can say."""
        ...

    @property
    def why(self) -> str:
        """Why nothing may run, after `approved` said so: never, revoked, halted or expired."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where one DAO stands on this node.

    Attributes:
        state: serving (what the chain wants runs), working (on its way), waiting (something is out of
            reach), refused (a check failed; the release before goes on), stopped (nothing may run).
        step: the step being taken, or that failed.
        wanted: bundle that the chain wants, "" if none or unknown.
        running: what really runs.
        code: reason code of the last failure, "" if none.
        why: the failure in words.
        retry: seconds since 1970 of the next try; 0 = now.
        block: the last finalised block that was read.
    """

    dao: Address
    state: State
    step: str = ""
    wanted: str = ""
    number: int = 0
    running: Deployment | None = None
    code: str = ""
    why: str = ""
    hint: str = ""
    retry: float = 0
    block: FinalBlock | None = None


class Reconciler:
    """Keeps one DAO's release running on this node.

    Attributes:
        status: where it stands, for people.
        release: what the chain wanted when it was last read with success; None = nothing may run.
    """

    status: Status
    release: ApprovedRelease | None

    def __init__(
        self,
        dao: Address,
        *,
        chain: Chain,
        road: Road,
        runtime: Runtime,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._dao, self._chain, self._road, self._runtime = dao, chain, road, runtime
        self._journal, self._clock = journal, clock
        self._applied: ApprovedRelease | None = None
        self._failures, self._failed_at = 0, ""
        self._setback = self.status = Status(dao=dao, state="starting")
        self.release = None

    def tick(self) -> Status:
        """Look at the chain and at what runs, and take the way between them if there is one."""
        try:
            wanted = self._chain.approved(self._dao)
        except CyberPrivacyError as error:
            return self._keep_running(error)
        self.release = wanted
        try:
            if wanted is None:
                return self._stop()
            return self._bring(wanted)
        except Overtaken:  # no failure of anybody's: the next look begins with what is wanted now
            _log.info("overtaken", dao=self._dao)
            return self.status
        except CyberPrivacyError as error:
            if wanted is not None and self.release is None:  # `watch` took it away under our feet
                return self.status
            return self._failed(wanted, error)

    def watch(self) -> None:
        """Obey a stop at once, also while a release is on its way; another thread calls this all the while.

        A build takes minutes and `tick` is in it. Whatever runs must end when the chain says so, and the
        journey is told at its next step.
        """
        if self.status.state != "working":
            return  # `tick` itself looks every second
        try:
            if self._chain.approved(self._dao) is not None:
                return
        except CyberPrivacyError as error:  # nobody can say: the journey asks before it deploys
            _log.warning("chain", code=error.code, what=str(error))
            return
        self.release = None
        try:
            self._runtime.remove(self._road.name)
            self._journal.stopped(self._chain.why)
        except CyberPrivacyError as error:  # asked again in a second
            _log.warning("stop", code=error.code, what=str(error))

    def _still(self, wanted: ApprovedRelease) -> bool:
        now = self._chain.approved(self._dao)
        return now is not None and (now.bundle, now.images) == (wanted.bundle, wanted.images)

    def _keep_running(self, error: CyberPrivacyError) -> Status:
        """Nobody can say what is wanted: what runs goes on, nothing new is deployed, and we say so."""
        _log.warning("chain", code=error.code, what=str(error))
        self.status = replace(
            self.status,
            state="waiting",
            step="read chain",
            code=error.code,
            why=str(error),
            hint=error.hint,
            running=self._observe(),
        )
        return self.status

    def _observe(self) -> Deployment | None:
        try:
            return self._runtime.glance(self._road.name)
        except CyberPrivacyError as error:
            _log.warning("observe", code=error.code, what=str(error))
            return None

    def _stop(self) -> Status:
        self._runtime.remove(self._road.name)
        self._journal.stopped(self._chain.why)
        self._applied, self._failures = None, 0
        why = self._chain.why
        self.status = Status(
            dao=self._dao,
            state="stopped",
            why=f"the chain says that nothing may run: {why}",
            code=f"release.{why}",
        )
        return self.status

    def _bring(self, wanted: ApprovedRelease) -> Status:
        running = self._observe()
        if self._in_place(wanted, running):
            self._failures = 0
            return self._serving(wanted, running)
        same = self.status.wanted == str(wanted.bundle)
        if same and self._failures and self._clock() < self._setback.retry:
            self.status = replace(self._setback, running=running)
            return self.status
        if not same:
            self._failures = 0
        self.status = Status(
            dao=self._dao,
            state="working",
            wanted=str(wanted.bundle),
            number=wanted.number,
            running=running,
            block=wanted.block,
        )
        running = self._road.travel(wanted, lambda: self._still(wanted))
        self._applied, self._failures = wanted, 0
        return self._serving(wanted, running)

    def _in_place(self, wanted: ApprovedRelease, running: Deployment | None) -> bool:
        """After a start the road is travelled once in any case: it proves again what is there."""
        return (
            running is not None
            and self._applied is not None
            and self._applied.bundle == wanted.bundle == running.release
            and wanted.images == images_digest(running.images)
            and running.ready == running.wanted
        )

    def _serving(self, wanted: ApprovedRelease, running: Deployment | None) -> Status:
        self.status = Status(
            dao=self._dao,
            state="serving",
            wanted=str(wanted.bundle),
            number=wanted.number,
            running=running,
            block=wanted.block,
        )
        return self.status

    def _remember(self, wanted: ApprovedRelease, error: CyberPrivacyError) -> None:
        try:
            self._journal.failed(wanted, error)
        except CyberPrivacyError as full:  # the failure may be that the ledger's own disk is full
            _log.error("ledger", code=full.code, what=str(full))

    def _failed(self, wanted: ApprovedRelease | None, error: CyberPrivacyError) -> Status:
        if self._failed_at != self._journal.doing:  # it got further, or not as far: another obstacle
            self._failures, self._failed_at = 0, self._journal.doing
        self._failures += 1
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (self._failures - 1))
        if error.code in OTHERS_TURN:
            delay = FIRST_DELAY
        elif wanted is not None:
            self._remember(wanted, error)
        _log.warning("failed", step=self._journal.doing, code=error.code, what=str(error), retry_in=delay)
        self._setback = self.status = replace(
            self.status,
            state="waiting" if isinstance(error, TryLater) else "refused",
            step=self._journal.doing,
            code=error.code,
            why=str(error),
            hint=error.hint,
            retry=self._clock() + delay,
            running=self._observe(),
        )
        return self.status
