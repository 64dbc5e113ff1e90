"""What administrators turn reaches the containers: read-only, at once, and without starting anything anew."""

import json
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from tests.unit.deploy.conftest import Machine, topology
from tests.unit.deploy.test_plan import application

from cyberprivacy.deploy.container import create_arguments
from cyberprivacy.deploy.deployment import PARAMETERS
from cyberprivacy.deploy.plan import Place, generation, spec_of
from cyberprivacy.node import files

PLACE = Place(name="book", number=3, network=IPv4Network("10.9.3.0/24"), first_uid=1 << 20)


def test_a_container_gets_the_folder_read_only_and_only_if_there_is_one():
    plain = application(topology())
    turned = replace(plain, parameters=Path("/data/parameters/book/r"))
    mounts = {"hosts": "/h", "config/settings": "/c", "claim/messages": "/m"}
    for wanted, found in (
        (plain, []),
        (turned, [f"--volume=/data/parameters/book/r:{PARAMETERS}:ro,noexec,nosuid,nodev"]),
    ):
        plan = generation(wanted, PLACE, [], {})
        arguments = create_arguments(plan, plan.pods[0], PLACE, mounts)
        assert [each for each in arguments if PARAMETERS in each] == found


def test_an_application_without_parameters_is_not_started_anew_by_this_version():
    """Its spec is what it was; with parameters it is another, wherever on this machine their folder is."""
    plain = application(topology())
    here, there = replace(plain, parameters=Path("/a")), replace(plain, parameters=Path("/b"))
    assert spec_of(plain) != spec_of(here) == spec_of(there)


@pytest.mark.engines
def test_a_running_application_sees_each_change_and_cannot_write(machine: Machine, folder: Path):
    shelf = folder / "parameters"
    shelf.mkdir(mode=0o755)

    def turn(per_page: int) -> None:
        values = {"parameters": {"per-page": per_page}, "algorithms": {"order": "newest"}}
        files.replace(shelf / "parameters.json", json.dumps(values).encode())

    def shown() -> int:
        return len(json.loads(machine.read("/api/messages")[2])["messages"])

    turn(2)
    machine.runtime.apply(replace(machine.guestbook("1.1.0"), parameters=shelf))
    before = {found.id for found in machine.runtime._engine.containers()}
    user = machine.client()
    for number in range(4):
        body = json.dumps({"name": "a", "text": f"n{number}"}).encode()
        assert user.ask("POST", "/api/messages", body)[0] == 201
    user.close()
    assert shown() == 2
    turn(3)
    assert shown() == 3
    (container,) = before
    pid = machine.podman("inspect", "--type=container", "--format={{.State.Pid}}", container).strip()
    mounted = next(
        line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines() if PARAMETERS in line
    )
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(mounted[5].split(","))
    machine.runtime.apply(replace(machine.guestbook("1.1.0"), parameters=shelf))
    assert {found.id for found in machine.runtime._engine.containers()} == before
