"""Whatever the law says can be rebuilt from its logs alone, also when the chain changes its mind."""

import random
from collections.abc import Callable

import pytest
from eth_utils.crypto import keccak
from tests.law.conftest import Town
from tests.law.replay import NOBODY, Law, Policy, as_stored

from cyberprivacy.proposal.abi import ZERO, contract


class Indexer:
    """Follows logs block by block, and goes back to where its blocks are still part of the chain."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._hashes: dict[int, bytes] = {}
        self._times: dict[int, int] = {}
        self.rewound = 0

    def law(self) -> Law:
        """The law as of the newest block."""
        town, head = self._town, self._town.chain.block()
        while self._hashes and not self._known(max(self._hashes)):
            self._times.pop(max(self._hashes))
            self._hashes.pop(max(self._hashes))
            self.rewound += 1
        for number in range(max(self._hashes, default=town.first - 1) + 1, head.number + 1):
            block = town.chain.block(number)
            self._hashes[number], self._times[number] = block.hash, block.timestamp
        law = Law(town.dao.registry, town.dao.seats, town.shared.organisations, town.shared.clusters)
        law.apply(town.logs(town.first, head.number), self._times)
        return law

    def _known(self, number: int) -> bool:
        head = self._town.chain.block().number
        return number <= head and self._town.chain.block(number).hash == self._hashes[number]


def compare(town: Town, law: Law) -> None:
    """Every view of the contracts against the replay, at the same block."""
    now, read = town.now, lambda *call: town.read("ReleaseRegistry", *call)
    assert Policy.of(read("policy").struct("0")) == law.policy(now)
    pending, start = law.pending(now)
    assert read("pendingPolicy").integer("1") == start
    assert pending is None or Policy.of(read("pendingPolicy").struct("0")) == pending
    active = read("active")
    assert (active.octets("0"), active.integer("1"), active.integer("2")) == law.active(now)
    assert read("head").octets("0") == law.head(now)
    assert read("current").octets("0") == law.current
    assert read("lastRatified").octets("0") == law.last_ratified
    assert read("highestNumber").integer("0") == law.highest
    assert read("lastEmergency").integer("0") == law.last_emergency
    assert read("queued").integer("0") == law.queued(now)
    for who in (*town.providers, town.newcomer):
        assert read("providerSince", who).integer("0") == law.providers.get(who, 0)
        assert read("isPublisher", who).flag("0") == (who in law.publishers)
    compare_releases(town, law, now)
    for seat in range(5):
        assert town.read("AuditorSeats", "holderAt", seat, now).address("0") == law.holder(seat, now)


def compare_releases(town: Town, law: Law, now: int) -> None:
    for bundle, release in law.releases.items():
        there = town.read("ReleaseRegistry", "release", bundle).struct("0")
        assert {name: there._values[name] for name in as_stored(release)} == as_stored(release)
        assert there.integer("reviewEnds") == law.review_ends(bundle, now)
        assert Policy.of(town.read("ReleaseRegistry", "rules", bundle).struct("0")) == law.rules(bundle, now)
        voices = town.read("ReleaseRegistry", "attestations", bundle).many("0")
        assert [tuple(each._values[name] for name in VOICE) for each in voices] == release.voices
        built = town.read("Clusters", "images", town.dao.registry, bundle)
        assert (built.octets("0"), built.integer("1"), built.flag("2")) == law.agreed(bundle, now)


VOICE = ("auditor", "lines", "complexity", "severity", "report")


class Life:
    """Plays everybody, by dice; refusals are part of the game."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town, self.dice = town, random.Random(seed)  # noqa: S311  dice, not keys
        self.bundles: list[bytes] = []
        self.nodes = {each: index + 1 for index, each in enumerate(town.providers)}
        for provider, cluster in self.nodes.items():
            clusters, place = contract("Clusters"), town.shared.clusters
            assert town.send(provider, place, clusters.encode("register", "https://cluster.example"))
            assert town.send(
                provider, place, clusters.encode("addNode", cluster, provider, b"\1" * 32, ZERO)
            )  # the provider's own account is its node
            assert town.send(provider, place, clusters.encode("join", cluster))

    def step(self) -> None:
        acts: list[Callable[[], object]] = [
            self.publish,
            self.attest,
            self.attest,
            self.grow,
            self.repair,
            self.policy,
            self.provider,
            self.halt,
            self.revoke,
            self.seat,
            self.build,
            lambda: self.town.wait(self.dice.randrange(1, 40)),
        ]
        self.dice.choice(acts)()

    def publish(self) -> bytes:
        bundle = keccak(self.dice.randbytes(8))
        head = self.town.read("ReleaseRegistry", "head").octets("0")
        number = self.town.read("ReleaseRegistry", "highestNumber").integer("0") + 1
        read = self.pick() if self.dice.random() < 0.2 else ZERO
        if self.town.registry(self.town.member, "publish", bundle, head, number, 1, read):
            self.bundles.append(bundle)
        return bundle

    def attest(self, bundle: bytes | None = None, severity: int = 0, lines: int = 0) -> None:
        self.town.registry(
            self.dice.choice(self.town.seats),
            "attest",
            bundle or self.pick(),
            lines or self.dice.randrange(2_000_000),
            self.dice.randrange(100, 301),
            severity,
            self.dice.randbytes(32),
        )

    def grow(self) -> None:
        bundle = self.publish()
        for seat in self.dice.sample(self.town.seats, 4):
            self.town.registry(seat, "attest", bundle, self.dice.randrange(2_000_000), 100, 0, ZERO)
        if self.town.vote_through(bundle):
            self.nothing_to_do()

    def repair(self) -> None:
        bundle = self.publish()
        for seat in self.town.seats:
            self.town.registry(seat, "attest", bundle, 40, 100, 4, ZERO)
        self.town.wait(40)
        if self.town.registry(self.town.newcomer, "activateEmergency", bundle) and self.dice.random() < 0.5:
            self.town.vote_through(bundle)

    def policy(self) -> None:
        now = self.town.read("ReleaseRegistry", "policy").struct("0")._values
        names = list(Policy.__dataclass_fields__)
        next_ = {name: now[name] for name in names}
        next_["floor"] = self.dice.randrange(10, 30)
        next_["linesPerDay"] = self.dice.choice([4_000_000_000, 2_000_000_000, 1_000_000_000])
        next_["emergencyQuorum"] = self.dice.choice([4, 5])
        self.town.registry(self.town.dao.timelock, "proposePolicy", next_)

    def provider(self) -> None:
        who = self.dice.choice([*self.town.providers, self.town.newcomer])
        self.town.registry(self.town.dao.timelock, "setProvider", who, self.dice.random() < 0.7)
        self.town.registry(self.town.dao.timelock, "setPublisher", self.town.newcomer, self.dice.random() < 0.5)

    def halt(self) -> None:
        bundle = self.pick()
        for seat in self.dice.sample(self.town.seats, 3):
            self.town.registry(seat, "halt", bundle)

    def revoke(self) -> None:
        if self.dice.random() < 0.4:
            self.town.registry(self.town.dao.timelock, "revoke", self.pick())

    def seat(self) -> None:
        seat, fresh = self.dice.randrange(5), "0x" + self.dice.randbytes(20).hex()
        law, place = contract("AuditorSeats"), self.town.dao.seats
        who, call = (
            (self.town.dao.timelock, law.encode("nameAuditor", seat, fresh))
            if seat < 2
            else (self.town.seats[seat], law.encode("handOver", seat, fresh))
        )
        self.town.send(who, place, call)

    def build(self) -> None:
        images = self.dice.choice([b"\7" * 32, b"\7" * 32, b"\x08" * 32])
        call = contract("Clusters").encode("built", self.town.dao.registry, self.pick(), images)
        self.town.send(self.dice.choice(self.town.providers), self.town.shared.clusters, call)

    def nothing_to_do(self) -> None:
        """What runs is reported, as a cluster would."""
        self.build()

    def pick(self) -> bytes:
        return self.dice.choice(self.bundles[-4:]) if self.bundles else b"\1" * 32


@pytest.mark.parametrize("seed", [1, 2])
def test_state_is_rebuilt_from_logs_alone_across_a_reorganisation(town: Town, seed: int) -> None:
    life, indexer = Life(town, seed), Indexer(town)
    life.grow()
    life.repair()
    for _ in range(12):
        life.step()
    compare(town, indexer.law())
    depth = 6
    seen = town.logs(town.chain.block().number - depth + 1, town.chain.block().number)
    town.ask("anvil_reorg", depth, [])
    compare(town, indexer.law())
    assert indexer.rewound == depth
    assert seen, "the blocks that vanished held logs that the indexer had believed"
    for _ in range(6):
        life.step()
    compare(town, indexer.law())


def test_a_publication_that_vanished_is_forgotten_and_can_be_made_again(town: Town) -> None:
    life, indexer = Life(town, 3), Indexer(town)
    life.grow()
    bundle = life.publish()
    assert bundle in indexer.law().releases
    town.ask("anvil_reorg", 1, [])
    assert bundle not in indexer.law().releases
    head = town.read("ReleaseRegistry", "head").octets("0")
    assert town.registry(town.member, "publish", bundle, head, 9, 1, ZERO)
    assert indexer.law().releases[bundle].number == 9
    compare(town, indexer.law())


def test_the_play_reaches_both_roads_and_every_kind_of_stop(town: Town) -> None:
    """What was compared above is not an empty world."""
    life, indexer = Life(town, 1), Indexer(town)
    life.grow()
    life.repair()
    law = indexer.law()
    assert law.last_ratified != ZERO
    assert law.last_emergency
    life.halt()
    town.registry(town.dao.timelock, "revoke", life.bundles[0])
    life.seat()
    life.policy()
    law = indexer.law()
    assert any(each.haltedUntil for each in law.releases.values())
    assert any(each.revoked for each in law.releases.values())
    assert any(len(each) > 1 for each in law.seats.values())
    assert law.holder(0, town.now) != NOBODY
    compare(town, law)
