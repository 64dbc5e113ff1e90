"""Clusters share one front: none moves another's users, and a dead one holds nobody up."""

import threading
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.unit.deploy.conftest import Client, free_port, identity

from cyberprivacy.deploy.fleet.shares import Shares, WrongAddress
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.haproxy import FrontSilent
from cyberprivacy.deploy.plan import Endpoint

APP, NORTH, SOUTH = "book", "north", "south"
NETWORKS = {NORTH: [IPv4Network("10.1.0.0/16")], SOUTH: [IPv4Network("10.2.0.0/16")]}
BOTH = frozenset(NETWORKS)


def at(cluster: str, number: int = 1) -> Endpoint:
    return Endpoint(NETWORKS[cluster][0][number], 8080)


class MemoryFront:
    """A front that remembers; what is dead cannot be reached."""

    def __init__(self) -> None:
        self.there: frozenset[Endpoint] = frozenset()
        self.dead: set[Endpoint] = set()

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        return self.there

    def point(
        self, app: str, endpoints: Collection[Endpoint], *, drain: float = 0, settled: Collection[Endpoint] = ()
    ) -> None:
        if (set(endpoints) - set(settled)) & self.dead:
            raise FrontSilent("no way to a container")
        self.there = frozenset(endpoints)


@pytest.fixture
def memory() -> MemoryFront:
    return MemoryFront()


def test_each_cluster_moves_its_own_users(memory: MemoryFront) -> None:
    shares = Shares(memory, NETWORKS)
    shares.admit(APP, BOTH)
    north, south = shares.of(NORTH), shares.of(SOUTH)
    north.point(APP, {at(NORTH)})
    south.point(APP, {at(SOUTH)})
    assert memory.there == {at(NORTH), at(SOUTH)}
    north.point(APP, {at(NORTH, 2)})
    assert memory.there == {at(NORTH, 2), at(SOUTH)}
    assert (north.endpoints(APP), south.endpoints(APP)) == ({at(NORTH, 2)}, {at(SOUTH)})
    south.point(APP, ())
    assert memory.there == {at(NORTH, 2)}


def test_a_node_that_comes_back_leaves_users_where_they_are(memory: MemoryFront) -> None:
    memory.there = frozenset({at(NORTH), at(SOUTH)})
    shares = Shares(memory, NETWORKS)
    shares.admit(APP, BOTH)
    shares.of(NORTH).point(APP, {at(NORTH)})
    assert memory.there == {at(NORTH), at(SOUTH)}


def test_a_dead_cluster_holds_no_other_up(memory: MemoryFront) -> None:
    memory.there, memory.dead = frozenset({at(NORTH), at(SOUTH)}), {at(SOUTH)}
    shares = Shares(memory, NETWORKS)
    shares.admit(APP, BOTH)
    shares.of(NORTH).point(APP, {at(NORTH, 2)})
    assert memory.there == {at(NORTH, 2), at(SOUTH)}
    with pytest.raises(FrontSilent):
        shares.of(SOUTH).point(APP, {at(SOUTH)})


def test_users_of_one_home_never_come_to_another(memory: MemoryFront) -> None:
    memory.there = frozenset({at(NORTH), at(SOUTH)})
    shares = Shares(memory, NETWORKS)
    shares.admit(APP, frozenset({NORTH}))
    assert memory.there == {at(NORTH)}
    shares.of(SOUTH).point(APP, {at(SOUTH)})
    assert memory.there == {at(NORTH)}


def test_a_cluster_that_is_configured_no_longer_gets_no_users(memory: MemoryFront) -> None:
    memory.there = frozenset({at(NORTH), Endpoint(IPv4Address("10.3.0.1"), 80)})
    Shares(memory, NETWORKS).admit(APP, BOTH)
    assert memory.there == {at(NORTH)}


def test_nobody_gets_users_of_an_application_that_was_not_admitted(memory: MemoryFront) -> None:
    Shares(memory, NETWORKS).of(NORTH).point(APP, {at(NORTH)})
    assert memory.there == frozenset()


def test_an_address_of_another_cluster_is_refused(memory: MemoryFront) -> None:
    shares = Shares(memory, NETWORKS)
    shares.admit(APP, BOTH)
    with pytest.raises(WrongAddress):
        shares.of(NORTH).point(APP, {at(SOUTH)})
    with pytest.raises(WrongAddress):
        Shares(memory, {NORTH: [IPv4Network("10.0.0.0/8")], SOUTH: NETWORKS[SOUTH]})


def test_all_at_once_lose_nobody(memory: MemoryFront) -> None:
    shares = Shares(memory, NETWORKS)
    shares.admit(APP, BOTH)

    def move(cluster: str) -> None:
        for number in (*range(1, 200), 1):
            shares.of(cluster).point(APP, {at(cluster, number)})

    threads = [threading.Thread(target=move, args=(cluster,)) for cluster in NETWORKS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.there == {at(NORTH), at(SOUTH)}


@pytest.mark.engines
def test_a_real_front_serves_all_users_while_a_cluster_is_dead(front: Front, backend: tuple[str, int]) -> None:
    port, here, dead = free_port(), IPv4Network("127.0.0.1/32"), IPv4Network("127.0.0.2/32")
    front.serve(APP, f"127.0.0.1:{port}", identity("first"), Path(front._state) / "api.sock")
    shares = Shares(front, {NORTH: [here], SOUTH: [dead]})
    shares.admit(APP, BOTH)
    gone = Endpoint(dead[0], free_port())
    with pytest.raises(FrontSilent):
        shares.of(SOUTH).point(APP, {gone})
    front.point(APP, {gone}, settled={gone})  # as it was before the cluster died
    shares.of(NORTH).point(APP, {Endpoint(here[0], backend[1])})
    assert front.endpoints(APP) == {gone, Endpoint(here[0], backend[1])}
    client = Client(port)
    assert {client.ask()[0] for _ in range(20)} == {200}  # a connection that fails is tried elsewhere
    client.close()
    shares.admit(APP, frozenset({NORTH}))
    assert front.endpoints(APP) == {Endpoint(here[0], backend[1])}


class Sharing(RuleBasedStateMachine):
    """What the front does is what each cluster said last, as far as it was admitted then."""

    def __init__(self) -> None:
        super().__init__()
        self.front, self.said, self.admitted = MemoryFront(), dict.fromkeys(NETWORKS, frozenset()), frozenset()
        self.shares = Shares(self.front, NETWORKS)

    @rule(cluster=st.sampled_from(sorted(NETWORKS)), numbers=st.frozensets(st.integers(1, 3), max_size=2))
    def point(self, cluster: str, numbers: frozenset[int]) -> None:
        wanted = frozenset(at(cluster, number) for number in numbers)
        self.shares.of(cluster).point(APP, wanted)
        self.said[cluster] = wanted if cluster in self.admitted else frozenset()

    @rule(clusters=st.frozensets(st.sampled_from(sorted(NETWORKS))))
    def admit(self, clusters: frozenset[str]) -> None:
        self.shares.admit(APP, clusters)
        self.admitted = clusters
        self.said = {name: said if name in clusters else frozenset() for name, said in self.said.items()}

    @rule()
    def shut(self) -> None:
        self.shares.shut(APP)
        self.said = dict.fromkeys(NETWORKS, frozenset())

    @rule()
    def restart(self) -> None:
        """A node that comes back is told again who is admitted before anybody is pointed anywhere."""
        self.shares = Shares(self.front, NETWORKS)
        self.shares.admit(APP, self.admitted)

    @invariant()
    def everybody_is_where_their_cluster_sent_them(self) -> None:
        assert self.front.there == frozenset().union(*self.said.values())


TestSharing = Sharing.TestCase
