import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.unit.deploy.conftest import PYTHON, eventually
from tests.unit.deploy.containers import HANGS_WHEN_ASKED_TO, hang, names

from cyberprivacy.deploy.podman import PodmanRuntime
from cyberprivacy.errors import Untrusted
from cyberprivacy.review.workload import Probe

pytestmark = pytest.mark.engines


def test_a_dead_container_is_started_again_at_its_address(machine):
    machine.runtime.apply(machine.guestbook(replicas=2))
    found = machine.runtime._engine.containers()[0]
    os.kill(found.pid, signal.SIGKILL)
    eventually(lambda: machine.runtime.tend() == (found.name,))
    eventually(lambda: machine.runtime.tend() == () and len(machine.front.endpoints("book")) == 2)
    assert machine.runtime.observe("book").ready == 2


def test_a_hung_container_is_restarted(machine):
    liveness, hanging = Probe("/", 8080, 0, 1, 1, 2), (*PYTHON, "-c", HANGS_WHEN_ASKED_TO)
    machine.runtime.apply(machine.guestbook(command=hanging, liveness=liveness, readiness=liveness))
    hang(machine)
    eventually(machine.runtime.tend)
    eventually(lambda: machine.runtime.tend() == () and machine.read()[0] == 200)


def test_a_restarted_node_looks_after_what_it_finds(machine):
    machine.runtime.apply(machine.guestbook())
    found = machine.runtime._engine.containers()[0]
    reborn = PodmanRuntime(machine.settings, machine.front)
    assert reborn.tend() == ()
    os.kill(found.pid, signal.SIGKILL)
    eventually(lambda: reborn.tend() == (found.name,))
    eventually(lambda: reborn.tend() == () and machine.read()[0] == 200)


def test_another_image_under_our_labels_is_told_and_then_repaired(machine):
    machine.runtime.apply(machine.guestbook())
    machine.runtime._engine.pull(machine.pushed("1.1.0").reference, machine.images["1.1.0"], machine.settings.pull)
    found = machine.runtime._engine.containers()[0]
    labels = [f"--label=org.cyberprivacy.{name}={text}" for name, text in found.labels.items()]
    machine.runtime._engine.discard([found])
    machine.podman("create", "--name", found.name, "--network=none", *labels, machine.pushed("1.1.0").reference)
    assert machine.runtime.observe("book").images == {"web": machine.images["1.1.0"]}
    machine.runtime.apply(machine.guestbook())
    assert machine.runtime.observe("book").images == {"web": machine.images["1.0.0"]}
    assert machine.version() == "1.0.0"


def test_a_container_that_we_did_not_start_is_refused_and_then_removed(machine):
    before = machine.runtime.apply(machine.guestbook())
    machine.podman("create", "--name=intruder", "--network=none", machine.pushed("1.0.0").reference)
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.code == "deploy.foreign"
    assert refusal.value.facts["containers"] == ["intruder"]
    assert machine.runtime.apply(machine.guestbook()) == before


def test_somebody_inside_a_container_is_told_and_the_container_replaced(machine):
    machine.runtime.apply(machine.guestbook())
    found = machine.runtime._engine.containers()[0]
    machine.podman("exec", "--detach", found.id, *PYTHON, "-c", "import time; time.sleep(60)")
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.code == "deploy.foreign"
    machine.runtime.apply(machine.guestbook())
    assert machine.runtime.observe("book").ready == 1
    assert found.id not in names(machine)


def test_users_sent_elsewhere_are_told_and_brought_back(machine, backend):
    machine.runtime.apply(machine.guestbook())
    slot = next(one for one in machine.front._admin("book").slots("app") if one.mode == "ready")
    machine.front._admin("book").ask(f"set server app/{slot.name} addr {backend[0]} port {backend[1]}")
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.code == "deploy.foreign"
    machine.runtime.apply(machine.guestbook())
    assert machine.runtime.observe("book").ready == 1
    assert machine.version() == "1.0.0"


def test_a_cable_that_we_did_not_plug_in_is_told_and_then_cut(machine):
    before = machine.runtime.apply(machine.guestbook())
    bridge = machine.runtime._places.claim("book").bridge
    tap = bridge.replace("cp-", "tap-")
    subprocess.run(["ip", "link", "add", tap, "type", "veth", "peer", "name", f"{tap}-e"], check=True)
    subprocess.run(["ip", "link", "set", tap, "master", bridge], check=True)
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.facts["cables"] == [tap]
    assert machine.runtime.apply(machine.guestbook()) == before
    assert not Path("/sys/class/net", tap).exists()
