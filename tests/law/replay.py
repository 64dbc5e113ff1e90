"""What the law says, rebuilt from its logs alone: a second and naive implementation, in Python.

It reads nothing but logs and the times of their blocks. Source of every rule: contracts/src/interfaces/.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from cyberprivacy.proposal.abi import ZERO, Fields, contract
from cyberprivacy.proposal.chain import Log

DAY = 86_400
NOBODY = "0x" + 40 * "0"


@dataclass(frozen=True)
class Policy:
    floor: int
    ceiling: int
    emergencyFloor: int  # noqa: N815  names as on chain, so that both sides compare field by field
    voteAllowance: int  # noqa: N815
    cooldown: int
    linesPerDay: int  # noqa: N815
    emergencyLines: int  # noqa: N815
    emergencyQuorum: int  # noqa: N815
    builders: int

    @classmethod
    def of(cls, values: Fields) -> "Policy":
        return cls(**{each.name: values.integer(each.name) for each in fields(cls)})

    def tightest(self, other: "Policy") -> "Policy":
        least = {"voteAllowance", "linesPerDay", "emergencyLines"}
        return Policy(
            **{
                each.name: (min if each.name in least else max)(
                    getattr(self, each.name), getattr(other, each.name)
                )
                for each in fields(self)
            }
        )


@dataclass
class Release:
    parent: bytes
    alreadyRead: bytes  # noqa: N815
    number: int
    pipeline: int
    publishedAt: int  # noqa: N815
    weight: int = 0
    ahead: int = 0
    clockStart: int = 0  # noqa: N815
    activatedAt: int = 0  # noqa: N815
    expires: int = 0
    haltedUntil: int = 0  # noqa: N815
    revoked: bool = False
    voices: list[tuple[str, int, int, int, bytes]] = field(default_factory=list)
    rules: Policy | None = None
    tail: int = 0  # the mark where it ended in the queue when it was charged


@dataclass(frozen=True)
class Holding:
    auditor: str
    organisation: str
    start: int


class Law:
    """One DAO's registry, seats and cluster reports as their logs tell them."""

    def __init__(self, registry: str, seats: str, organisations: str, clusters: str) -> None:
        self._at = {registry: "ReleaseRegistry", seats: "AuditorSeats"}
        self._at |= {organisations: "AuditorRegistry", clusters: "Clusters"}
        self._registry = registry
        self.policies: list[tuple[int, Policy]] = []  # (from, policy): what holds from then on
        self.releases: dict[bytes, Release] = {}
        self.publishers: set[str] = set()
        self.providers: dict[str, int] = {}
        self.current = self.last_ratified = ZERO
        self.highest = self.last_emergency = 0
        self.seats: dict[int, list[Holding]] = {}
        self.removed: dict[str, int] = {}
        self.images: dict[bytes, dict[str, bytes]] = {}
        self._passed, self._since = 0, 0  # marks behind the reader, and when: 86,400 marks are one line
        self._end = 0  # the mark where the last change ends

    def apply(self, logs: Iterable[Log], times: dict[int, int]) -> None:
        """Take logs in order; `times` has the second of each block."""
        for log in logs:
            law = contract(self._at[log.address])
            for name in EVENTS[law.name]:
                values = law.event(name, log)
                if values is not None:
                    getattr(self, f"_{name}")(values, times[log.block])

    # ------------------------------------------------------------------------------------------ pure functions

    def policy(self, now: int) -> Policy:
        return next(policy for start, policy in reversed(self.policies) if start <= now)

    def pending(self, now: int) -> tuple[Policy | None, int]:
        start, policy = self.policies[-1]
        return (policy, start) if start > now else (None, 0)

    def rules(self, bundle: bytes, now: int) -> Policy:
        rules = self.releases[bundle].rules
        return self.policy(now).tightest(rules) if rules else self.policy(now)

    def review_ends(self, bundle: bytes, now: int) -> int:
        release, rules = self.releases[bundle], self.rules(bundle, now)
        if not release.clockStart:
            return 0
        reading = -(-(release.ahead + release.weight) * DAY // rules.linesPerDay)
        return release.clockStart + min(rules.ceiling, rules.floor + reading)

    def queued(self, now: int) -> int:
        return -(-max(0, self._end - self._reader(now)) // DAY)

    def head(self, now: int) -> bytes:
        if self.current == ZERO:
            return ZERO
        expires = self.releases[self.current].expires
        return self.last_ratified if expires and now >= expires else self.current

    def active(self, now: int) -> tuple[bytes, int, int]:
        head = self.head(now)
        release = self.releases.get(head)
        if release is None or release.revoked or now < release.haltedUntil:
            return ZERO, 0, 0
        return head, release.pipeline, release.expires

    def holder(self, seat: int, now: int) -> str:
        holding = next(each for each in reversed(self.seats[seat]) if each.start <= now)
        removed = self.removed.get(holding.organisation)
        return NOBODY if removed is not None and now > removed else holding.auditor

    def agreed(self, bundle: bytes, now: int) -> tuple[bytes, int, bool]:
        reports = self.images.get(bundle, {})
        said = [images for who, images in reports.items() if 0 < self.providers.get(who, 0) <= now]
        mismatch = len(set(said)) > 1
        return (said[0] if said and not mismatch else ZERO), len(said), mismatch

    # -------------------------------------------------------------------------------------------------- events

    def _PolicyProposed(self, it: Fields, now: int) -> None:  # noqa: N802  named as the events are
        self._passed, self._since = (self._reader(now) if self.policies else 0), now
        self.policies = [each for each in self.policies if each[0] < now]  # what still waited is replaced
        self.policies.append((now, Policy.of(it.struct("inForce"))))
        if it.integer("from"):
            self.policies.append((it.integer("from"), Policy.of(it.struct("next"))))

    def _PublisherSet(self, it: Fields, _now: int) -> None:  # noqa: N802
        (self.publishers.add if it.flag("on") else self.publishers.discard)(it.address("publisher"))

    def _ProviderSet(self, it: Fields, _now: int) -> None:  # noqa: N802
        self.providers[it.address("provider")] = it.integer("from")

    def _ReleasePublished(self, it: Fields, now: int) -> None:  # noqa: N802
        self.releases[it.octets("bundle")] = Release(
            parent=it.octets("parent"),
            alreadyRead=it.octets("alreadyRead"),
            number=it.integer("number"),
            pipeline=it.integer("pipeline"),
            publishedAt=now,
        )

    def _ReleaseAttested(self, it: Fields, _now: int) -> None:  # noqa: N802
        self.releases[it.octets("bundle")].voices.append(
            (
                it.address("auditor"),
                it.integer("lines"),
                it.integer("complexity"),
                it.integer("severity"),
                it.octets("report"),
            )
        )

    def _ReviewLapSet(self, it: Fields, now: int) -> None:  # noqa: N802
        release, weight = self.releases[it.octets("bundle")], it.integer("weight")
        self._passed, self._since = self._reader(now), now
        if not release.clockStart:
            release.rules, release.clockStart = self.policy(now), it.integer("clockStart")
            release.ahead = it.integer("ahead")
            release.tail = self._end = max(self._end, self._passed) + weight * DAY
        else:
            unread = max(0, release.tail - self._passed)
            self._passed += min(unread, (release.weight - weight) * DAY)
        release.weight = weight
        assert self.review_ends(it.octets("bundle"), now) == it.integer("reviewEnds")

    def _ReleaseActivated(self, it: Fields, now: int) -> None:  # noqa: N802
        bundle = it.octets("bundle")
        release = self.releases[bundle]
        release.activatedAt, release.expires = now, it.integer("expires")
        self.current, self.highest = bundle, release.number
        if it.flag("emergency"):
            self.last_emergency = now
        else:
            self.last_ratified = bundle

    def _ReleaseRatified(self, it: Fields, _now: int) -> None:  # noqa: N802
        self.last_ratified = it.octets("bundle")
        self.releases[self.last_ratified].expires = 0

    def _ReleaseRevoked(self, it: Fields, _now: int) -> None:  # noqa: N802
        self.releases[it.octets("bundle")].revoked = True

    def _ReleaseHalted(self, it: Fields, _now: int) -> None:  # noqa: N802
        self.releases[it.octets("bundle")].haltedUntil = it.integer("until")

    def _SeatGiven(self, it: Fields, now: int) -> None:  # noqa: N802
        held = [each for each in self.seats.get(it.integer("seat"), []) if each.start <= now]
        held.append(Holding(it.address("auditor"), it.address("organisation"), it.integer("from")))
        self.seats[it.integer("seat")] = held

    def _OrganisationRemoved(self, it: Fields, now: int) -> None:  # noqa: N802
        self.removed[it.address("organisation")] = now

    def _ImagesBuilt(self, it: Fields, _now: int) -> None:  # noqa: N802
        if it.address("registry") == self._registry:
            self.images.setdefault(it.octets("bundle"), {})[it.address("provider")] = it.octets("images")

    def _reader(self, now: int) -> int:
        """The mark where the public's reading stands, second by second at the rate of each policy."""
        passed = self._passed
        for start, policy in self.policies:
            until = min([later for later, _ in self.policies if later > start] + [now])
            passed += max(0, until - max(start, self._since)) * policy.linesPerDay
        return passed


EVENTS = {
    name: [each.removeprefix("_") for each in vars(Law) if each.removeprefix("_") in contract(name)._events]
    for name in ("ReleaseRegistry", "AuditorSeats", "AuditorRegistry", "Clusters")
}


def as_stored(release: Release) -> dict[str, object]:
    """A release without what only the replay keeps."""
    kept = ("voices", "rules", "tail")
    return {each.name: getattr(release, each.name) for each in fields(release) if each.name not in kept}
