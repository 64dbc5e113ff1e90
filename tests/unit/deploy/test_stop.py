import os
import shutil
import signal
import threading
import time
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.unit.deploy.conftest import PYTHON, eventually, free_port, identity
from tests.unit.deploy.containers import HANGS_WHEN_ASKED_TO, hang, names

from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.haproxy import FrontSilent
from cyberprivacy.deploy.podman import PodmanRuntime
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.review.workload import Probe

pytestmark = pytest.mark.engines


class BrokenFront:
    """A front that fails in a way that nobody thought of."""

    def __init__(self, front: Front) -> None:
        self.endpoints = front.endpoints

    def point(self, app: str, endpoints: object, *, drain: float = 30.0) -> None:
        raise RuntimeError("a fault of ours")


def test_whatever_goes_wrong_nothing_of_a_release_that_did_not_come_up_is_left(machine):
    before = machine.runtime.apply(machine.guestbook())
    containers = names(machine)
    with pytest.raises(RuntimeError):
        PodmanRuntime(machine.settings, BrokenFront(machine.front)).apply(machine.guestbook("1.1.0"))
    assert names(machine) == containers
    assert machine.runtime.observe("book") == before


@pytest.fixture
def frozen(machine):
    """The front of `book` hangs."""
    machine.runtime.apply(machine.guestbook())
    pid = machine.front._admin("book").pid()
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


def test_a_stop_is_obeyed_though_the_front_hangs_and_told_as_unfinished(machine, frozen):
    with pytest.raises(FrontSilent):
        machine.runtime.remove("book")
    assert not names(machine)
    os.kill(frozen, signal.SIGCONT)
    machine.runtime.remove("book")
    assert machine.read()[1]["cyberprivacy-reason"] == "deploy.none"


@pytest.mark.parametrize("release", ["1.0.0", "1.1.0"])
def test_a_stop_does_not_wait_for_a_hung_release_and_nothing_comes_after_it(machine, release):
    """Whether that release is the one that serves and is being repaired, or a new one on its way."""
    hangs = {"command": (*PYTHON, "-c", HANGS_WHEN_ASKED_TO), "readiness": Probe("/", 8080, 0, 1, 60, 2)}
    machine.runtime.apply(machine.guestbook(**hangs))
    if release == "1.0.0":
        hang(machine)
    else:
        hangs["readiness"] = Probe("/hang", 8080, 0, 1, 60, 2)
    patient, failures = PodmanRuntime(replace(machine.settings, start_seconds=300), machine.front), []

    def travel() -> None:
        try:
            patient.apply(machine.guestbook(release, **hangs))
        except CyberPrivacyError as failure:
            failures.append(failure.code)

    journey = threading.Thread(target=travel)
    journey.start()
    wanted = 1 if release == "1.0.0" else 2
    eventually(lambda: len([one for one in machine.runtime._engine.containers() if one.running]) == wanted)
    journey.join(timeout=3)
    began = time.monotonic()
    patient.remove("book")
    assert time.monotonic() - began < 20
    journey.join()
    assert failures == ["deploy.stopped"]
    assert not names(machine)


def test_the_trouble_of_one_application_does_not_keep_the_others_from_care(machine, frozen):
    machine.front.serve("other", f"127.0.0.1:{free_port()}", identity("other"), machine.folder / "api.sock")
    machine.runtime.apply(replace(machine.guestbook(), name="other"))
    try:
        other = next(one for one in machine.runtime._engine.containers() if one.labels["app"] == "other")
        os.kill(other.pid, signal.SIGKILL)
        eventually(
            lambda: not next(one for one in machine.runtime._engine.containers() if one.id == other.id).running
        )
        with capture_logs() as logs, pytest.raises(FrontSilent):
            machine.runtime.tend()
        told = [(log["app"], log["code"]) for log in logs if log["event"] == "tend"]
        assert told == [("book", "front.silent")]
        assert next(one for one in machine.runtime._engine.containers() if one.id == other.id).running
    finally:
        machine.runtime.remove("other")
        machine.front.stop("other")
        shutil.rmtree(machine.settings.data / "other")
