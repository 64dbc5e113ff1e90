"""A release on its way through a fleet: one wave after the other, with a gate between two.

What it remembers lies in the clusters alone. A wave begins only after the gate before it has held, so a cluster
of a later wave that serves the release is the proof that every gate before it did: who begins again, after a
failure or a death at any place, applies anew what is there already, which changes nothing, and holds only the
gates that are still open.

A release that does not come up in a cluster is taken back there by that cluster's own runtime, as `Runtime.apply`
says. Once a cluster serves it, what served before is gone, so a gate that does not hold takes nothing back: it
keeps the release from all later waves.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.fleet.member import Member, Watcher, named, serves
from cyberprivacy.deploy.patience import Stopped
from cyberprivacy.errors import CyberPrivacyError, Untrusted

BEGUN: Final = "deploy.wave"
HELD: Final = "deploy.gate"


class Pace(NamedTuple):
    """Seconds.

    Attributes:
        soak: for which all clusters of a wave are seen ready, without a break, before the next wave begins.
        patience: what a gate may take beyond that.
        look: between two looks.
    """

    soak: float = 60.0
    patience: float = 120.0
    look: float = 2.0


class Stage(NamedTuple):
    """Where a roll-out is: the wave, and whether releases are brought to it or its gate is held."""

    wave: int
    doing: Literal["bringing", "watching"]


class Unready(Untrusted):
    """A cluster did not stay ready with the new release while its gate was held."""

    code = "fleet.unready"
    hint = "Later waves keep the release that they serve. The node tries again; publish one that stays ready."


class Waves:
    """Takes releases through a fleet.

    Args:
        members: of the fleet.
        watcher: looks at them.
        pace: of the gates.
        told: hears, as a kind and facts for the ledger, of each wave before it begins and each gate that held.
        now, pause: a clock that never goes back, and waiting, in seconds.
    """

    def __init__(
        self,
        members: Sequence[Member],
        watcher: Watcher,
        pace: Pace,
        *,
        told: Callable[[str, Mapping[str, object]], object],
        now: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self._members, self._watcher, self._pace = members, watcher, pace
        self._told, self._now, self._pause = told, now, pause
        self._stages: dict[str, Stage] = {}
        self._last: dict[tuple[str, str, int], Mapping[str, object]] = {}

    def stage(self, name: str) -> Stage | None:
        """Where an application's roll-out is; None when none is under way."""
        return self._stages.get(name)

    def roll_out(self, application: Application, go_on: Callable[[], None]) -> None:
        """Return when every cluster serves the release.

        Args:
            application: what is to run.
            go_on: raises `Stopped` once nobody wants it any more.

        Raises:
            Unready: a gate did not hold.
            Stopped: as its name says.
            CyberPrivacyError: what a cluster's runtime raised, with the cluster's name in it.
        """
        have = {member.name for member in self._members if self._has(member, application)}
        try:
            for number in sorted({member.wave for member in self._members}):
                wave = [member for member in self._members if member.wave == number]
                later = {member.name for member in self._members if member.wave > number}
                self._bring(application, number, wave, have, go_on)
                if later and not later & have:
                    self._hold(application, number, wave, go_on)
        finally:
            self._stages.pop(application.name, None)

    def _has(self, member: Member, application: Application) -> bool:
        """Whether a cluster surely serves it already; one that does not say so costs a gate held twice."""
        try:
            return serves(self._watcher.look(member, application.name), application)
        except CyberPrivacyError:
            return False

    def _bring(
        self,
        application: Application,
        number: int,
        wave: Sequence[Member],
        have: set[str],
        go_on: Callable[[], None],
    ) -> None:
        """Apply the release in the clusters of a wave, in turn: the first that fails spares the others."""
        go_on()
        self._stages[application.name] = Stage(number, "bringing")
        if fresh := [member.name for member in wave if member.name not in have]:
            self._tell(BEGUN, application, number, {"clusters": fresh})
        for member in wave:
            go_on()
            try:
                member.runtime.apply(application)
            except CyberPrivacyError as failure:
                raise named(member, failure) from failure
            try:
                go_on()
            except Stopped:  # the removal may have passed by this cluster before anything was there
                member.runtime.remove(application.name)
                raise

    def _hold(
        self, application: Application, number: int, wave: Sequence[Member], go_on: Callable[[], None]
    ) -> None:
        """Return when all clusters of a wave have been seen ready for long enough."""
        self._stages[application.name] = Stage(number, "watching")
        pace, start = self._pace, self._now()
        since: float | None = None
        while True:
            go_on()
            trouble = self._trouble(application, wave)
            now = self._now()
            if trouble is not None:
                since = None
            elif since is None:
                since = now
            if since is not None and now - since >= pace.soak:
                break
            if now - start > pace.soak + pace.patience:
                raise trouble or Unready(f"wave {number} did not stay ready", seconds=pace.soak)
            self._pause(pace.look)
        self._tell(HELD, application, number, {"seconds": int(pace.soak)})

    def _trouble(self, application: Application, wave: Sequence[Member]) -> CyberPrivacyError | None:
        """Why a wave is not ready at this moment; None when it is."""
        for member in wave:
            try:
                running = self._watcher.look(member, application.name)
            except CyberPrivacyError as failure:
                return named(member, failure)
            if running is None or not serves(running, application):
                return named(member, Unready("does not serve the release any more"))
            if running.ready != running.wanted:
                return named(member, Unready("is not ready", ready=running.ready, wanted=running.wanted))
        return None

    def _tell(self, kind: str, application: Application, wave: int, more: Mapping[str, object]) -> None:
        """Tell what happened; the same again, as a roll-out that is tried anew says it, is not told twice."""
        facts = {"app": application.name, "bundle": str(application.release), "wave": wave, **more}
        key = (kind, application.name, wave)
        if self._last.get(key) != facts:
            self._told(kind, facts)
            self._last[key] = facts
