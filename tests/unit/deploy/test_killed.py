import os
import signal
import time

import pytest
from tests.unit.deploy.conftest import Machine
from tests.unit.deploy.containers import names

from cyberprivacy.deploy.podman import PodmanRuntime

pytestmark = pytest.mark.engines


@pytest.mark.timeout(600)
def test_a_node_killed_at_any_command_comes_to_the_same_end(machine):
    """Every podman command of a switch is once the last thing that a node lives to see (in CI every third one)."""
    machine.runtime.apply(machine.guestbook("1.0.0", release="start"))
    number, survived = 1 - STRIDE, False
    while not survived:
        number += STRIDE
        version = ("1.1.0", "1.0.0")[number % 2]
        release = machine.guestbook(version, release=f"kill {number}")
        survived = not killed(machine, release, number)
        assert machine.version() in ("1.0.0", "1.1.0")  # somebody always serves
        machine.runtime._engine._settled = False
        deployment = PodmanRuntime(machine.settings, machine.front).apply(release)
        assert (deployment.images["web"], deployment.ready) == (machine.images[version], 1)
        assert machine.version() == version
        assert len(names(machine)) == 1
    assert number > FEWEST_COMMANDS


STRIDE = 3 if os.environ.get("CI") == "true" else 1
FEWEST_COMMANDS = 12
"""A switch has more commands than this, or the test does not count them any more."""


def killed(machine: Machine, release, number: int) -> bool:
    """Apply in a process of its own that dies at its n-th command: odd before it, even while it runs."""
    child = os.fork()
    if child == 0:
        engine, count = machine.runtime._engine, 0
        do = engine.do

        def counted(*arguments: str, **options) -> str:
            nonlocal count
            count += 1
            if count == number:
                if number % 2 == 0 and os.fork() == 0:  # an orphan that goes on by itself
                    do(*arguments, **options)
                    os._exit(0)
                time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*arguments, **options)

        engine.do = counted
        try:
            machine.runtime.apply(release)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
