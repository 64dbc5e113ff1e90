"""What a node says of itself is right also while it changes: its own work is never somebody else's."""

import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from tests.unit.deploy.answers import hangs, says

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.found import Found
from cyberprivacy.deploy.inspection import Foreign
from cyberprivacy.deploy.observation import Observer, Senses
from cyberprivacy.deploy.plan import Care, Endpoint, Place
from cyberprivacy.review.workload import Probe

PLACE = Place(name="book", number=0, network=IPv4Network("127.0.0.0/24"), first_uid=1 << 20)
OLD, NEW = "a" * 64, "b" * 64
WELL = says(b"HTTP/1.1 200 OK\r\n\r\n")


class Machine:
    """Containers, cables and users of one application; `between` happens while the containers are read."""

    def __init__(self) -> None:
        self.containers: list[Found] = []
        self.cables: set[str] = set()
        self.users: set[Endpoint] = set()
        self.spec = OLD
        self.heard = False
        self.before: Callable[[], object] = lambda: None
        self.between: Callable[[], object] = lambda: None

    def observer(self) -> Observer:
        def containers() -> list[Found]:
            self.before()
            read = list(self.containers)
            self.between()
            return read

        return Observer(
            Senses(
                containers=containers,
                cables=lambda _: frozenset(self.cables),
                endpoints=lambda _: frozenset(self.users),
                serving=lambda _: self.spec,
                heard=lambda _: self.heard,
            )
        )

    def start(self, number: int, port: int, *, spec: str = OLD, timeout: int = 60) -> Found:
        """A replica as the runtime starts it: first the container, then its cable."""
        address, asked = IPv4Address("127.0.0.1") + number, Probe("/", port, 0, 1, timeout, 1)
        care = Care(readiness=asked, liveness=None, grace=1, redirects=(), public=port, wanted=2)
        labels = {"app": "book", "release": str(Cid.of(DAG_PB, b"r")), "spec": spec, "workload": "web"}
        labels |= {"replica": str(number), "image": "web", "digest": "sha256:d", "address": str(address)}
        name = f"book-{spec[:12]}-web-{number}"
        found = Found(
            id=name, name=name, status="running", pid=1, exit_code=0, image="", digests=frozenset({"sha256:d"}),
            sessions=0, labels=labels | {"care": care.text()},
        )  # fmt: skip
        self.containers.append(found)
        self.cables.add(PLACE.link(address))
        return found

    def end(self, found: Found) -> None:
        """The container goes first; its cable a moment later."""
        self.containers.remove(found)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def port(serve) -> int:
    return serve(WELL).port


def test_a_replica_that_is_plugged_in_while_we_look_is_no_stranger(machine, port):
    machine.start(0, port)
    numbers = iter(range(1, 20))
    machine.between = lambda: machine.start(next(numbers), port)  # one with every look
    assert machine.observer().look(PLACE).wanted == 2


def test_a_cable_that_outlives_its_container_for_a_moment_is_no_stranger(machine, port):
    machine.start(0, port)
    going = machine.start(1, port)
    machine.end(going)
    link = PLACE.link(IPv4Address(going.labels["address"]))

    def second() -> None:
        machine.cables.discard(link)

    def first() -> None:
        machine.before = second

    machine.before = first
    assert machine.observer().look(PLACE) is not None


def test_a_cable_that_stays_is_a_stranger(machine, port):
    machine.start(0, port)
    machine.cables.add("tap")
    with pytest.raises(Foreign) as refusal:
        machine.observer().look(PLACE)
    assert refusal.value.facts["cables"] == ["tap"]


def test_users_who_are_moved_while_we_look_are_not_sent_elsewhere_and_users_sent_elsewhere_are(machine, port):
    machine.start(0, port)
    machine.users = {Endpoint(IPv4Address("127.0.0.1"), port)}
    machine.between = lambda: machine.users.add(Endpoint(IPv4Address("127.0.0.9"), port))
    machine.before = lambda: machine.users.discard(Endpoint(IPv4Address("127.0.0.9"), port))
    assert machine.observer().look(PLACE) is not None
    machine.before = lambda: None
    with pytest.raises(Foreign):
        machine.observer().look(PLACE)


def test_a_switch_while_we_look_is_not_told_as_nothing_runs(machine, port):
    machine.start(0, port)

    def switch() -> None:
        machine.containers.clear()
        machine.cables.clear()
        machine.start(1, port, spec=NEW)
        machine.spec = NEW
        machine.before = lambda: None

    machine.before = switch
    assert machine.observer().look(PLACE) is not None


def test_a_container_with_broken_labels_is_a_stranger_and_not_a_fault_of_ours(machine, port):
    found = machine.start(0, port)
    machine.containers.append(replace(found, name="x", labels={"app": "book", "address": "here"}))
    with pytest.raises(Foreign):
        machine.observer().look(PLACE)


def test_hung_containers_are_told_in_time_and_the_slow_ones_by_what_their_caretaker_heard(machine, serve, port):
    hung = serve(hangs).port
    for number in range(6):
        machine.start(number, hung)
    machine.start(6, port)
    began = time.monotonic()
    assert machine.observer().look(PLACE).ready == 1
    machine.heard = True
    assert machine.observer().look(PLACE).ready == 7
    assert time.monotonic() - began < 8


def test_one_that_had_all_its_time_and_kept_silent_is_not_ready_whatever_was_heard_before(machine, serve):
    machine.heard = True
    machine.start(0, serve(hangs).port, timeout=1)
    assert machine.observer().look(PLACE).ready == 0
