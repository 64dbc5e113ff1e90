import json
import threading

import pytest
from tests.unit.deploy.conftest import Machine

from cyberprivacy.errors import CyberPrivacyError

pytestmark = pytest.mark.engines


class Users(threading.Thread):
    """Somebody who asks all the time, on one connection or on a new one each time, and writes now and then."""

    def __init__(self, machine: Machine, *, keep: bool) -> None:
        super().__init__()
        self.machine, self.keep = machine, keep
        self.stop, self.asked, self.written, self.lost = threading.Event(), 0, 0, []

    def run(self) -> None:
        client = self.machine.client()
        while not self.stop.is_set():
            writes = self.asked % 5 == 0
            try:
                status, *_ = (
                    client.ask("POST", "/api/messages", b'{"name": "a", "text": "b"}')
                    if writes
                    else client.ask(path="/healthz")
                )
            except OSError as failure:
                self.lost.append(repr(failure))
            else:
                self.asked += 1
                self.written += writes and status == 201
                if status not in (200, 201):
                    self.lost.append(status)
            if not self.keep:
                client.close()
        client.close()


class Node(threading.Thread):
    """The node's other duties, which go on while it switches: it looks after containers and tells what runs."""

    def __init__(self, machine: Machine, *, pause: float = 0.3) -> None:
        super().__init__()
        self.machine, self.pause = machine, pause
        self.stop, self.rounds, self.trouble = threading.Event(), 0, []

    def run(self) -> None:
        while not self.stop.wait(self.pause):
            try:
                self.trouble += self.machine.runtime.tend()
                self.machine.runtime.observe("book")
            except CyberPrivacyError as failure:
                self.trouble.append(failure)
            self.rounds += 1


def test_no_request_is_lost_or_done_twice_over_six_switches(machine):
    machine.runtime.apply(machine.guestbook("1.0.0"))
    users = [Users(machine, keep=keep) for keep in (True, True, False, False)]
    node = Node(machine)
    for thread in (*users, node):
        thread.start()
    for number in range(6):
        version = ("1.1.0", "1.0.0")[number % 2]
        machine.runtime.apply(machine.guestbook(version, release=str(number)))
        assert machine.version() == version
    for thread in (*users, node):
        thread.stop.set()
    for thread in (*users, node):
        thread.join()
    assert not node.trouble
    assert node.rounds > 5
    assert not [loss for user in users for loss in user.lost]
    assert min(user.asked for user in users) > 50
    assert entries(machine) == sum(user.written for user in users)


def entries(machine: Machine) -> int:
    count, older = 0, ""
    while True:
        page = json.loads(machine.read(f"/api/messages?limit=50{older}")[2])
        count += len(page["messages"])
        if page["next"] is None:
            return count
        older = f"&before={page['next']}"


def test_replicas_that_are_being_started_and_ended_are_never_taken_for_strangers(machine):
    machine.runtime.apply(machine.guestbook(replicas=2))
    node = Node(machine, pause=0)
    node.start()
    for number in range(2):
        machine.runtime.apply(machine.guestbook(replicas=3, release=f"busy {number}"))
    node.stop.set()
    node.join()
    assert not node.trouble
    assert node.rounds > 5
