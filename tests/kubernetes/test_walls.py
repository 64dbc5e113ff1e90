"""NetworkPolicy in a cluster that enforces it: a pod reaches its own application, and nothing else.

First without enforcement: what is unreachable afterwards was reachable before. It is enforced until the cluster ends.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.kubernetes.conftest import APP, RIG, Town
from tests.kubernetes.test_life import Load, version
from tests.unit.deploy.conftest import identity

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.review.workload import ScratchMount
from cyberprivacy.testing.kubernetes.binaries import kube_router
from cyberprivacy.testing.kubernetes.plane import eventually, run
from cyberprivacy.testing.town import free_port

pytestmark = pytest.mark.timeout(1200)  # kube-router is compiled once
OTHER = "shop"
TRY = """
import json, socket, sys
reached = []
for name, (host, port) in json.loads(sys.argv[1]).items():
    try:
        socket.create_connection((host, port), timeout=2).close()
        reached.append(name)
    except OSError:
        pass
print(json.dumps(reached))
"""
Places = dict[str, tuple[str, int]]


def other(town: Town) -> Application:
    """A second application, of somebody else."""
    mounts = (ScratchMount("/data", 1 << 20), ScratchMount("/tmp", 1 << 20))
    found = town.guestbook("1.0.0", mounts=mounts)
    topology = replace(found.topology, claims=(), config_maps=())
    return replace(found, name=OTHER, release=Cid.of(DAG_PB, b"shop"), topology=topology)


@pytest.fixture(scope="module", autouse=True)
def applications(town: Town) -> Iterator[None]:
    town.front.serve(OTHER, f"127.0.0.1:{free_port()}", identity("shop"), town.folder / "api.sock")
    town.runtime.apply(town.guestbook("1.0.0"))
    town.runtime.apply(other(town))
    yield
    town.runtime.remove(OTHER)


def address(town: Town, app: str) -> str:
    """Of the application's pod, once it has only one."""
    eventually(lambda: len(town.admin.every("Pod", app)) == 1, 60, "the pods from before have ended")
    return text(town.admin.every("Pod", app)[0], "status", "podIP")


def service(town: Town, app: str) -> str:
    (found,) = town.admin.every("Service", app)
    return text(found, "spec", "clusterIP")


def reached_from(town: Town, pod: str, places: Places) -> set[str]:
    """Where somebody who has taken over this pod gets to: in its network, whatever its container may do."""
    for space in (town.plane.folder / "machine" / "state").rglob("netns/cni-*"):
        enter = ["nsenter", f"--net={space}", "--"]
        if f'"{pod}"' in run(*enter, "ip", "-json", "address"):
            return set(json.loads(run(*enter, "/usr/bin/python3", "-c", TRY, json.dumps(places))))
    raise AssertionError(f"no pod has {pod}")


def own(town: Town) -> Places:
    return {"own pod": (address(town, APP), 8080), "own Service": (service(town, APP), 80)}


def foreign(town: Town) -> Places:
    registry, port = town.machine.registry.split(":")
    return {
        "API server": (town.plane.site.inside, 6443),
        "API server's Service": (town.plane.site.services.replace(".0/16", ".1"), 443),
        "kubelet": (town.plane.site.inside, 10250),
        "registry, on the front's machine": (registry, int(port)),
        "other application's pod": (address(town, OTHER), 8080),
        "other application's Service": (service(town, OTHER), 80),
    }


def test_a_pod_reaches_nothing_but_its_own_application_once_policies_are_enforced(town: Town) -> None:
    mine, others = own(town), foreign(town)
    assert reached_from(town, address(town, APP), mine | others) == {
        *mine,
        *others,
    }  # it is the policies that do it
    town.machine.enforce(kube_router(RIG))
    eventually(lambda: reached_from(town, address(town, APP), mine | others) == set(mine), 60, "enforced")
    assert reached_from(town, address(town, OTHER), mine) == set()


def test_the_front_still_reaches_the_public_port(town: Town) -> None:
    assert town.machine.registry.startswith(
        f"{town.plane.site.host}:"
    )  # the front's address, from which alone users come
    assert version(town) == "1.0.0"


def test_an_update_under_load_loses_no_request_where_policies_are_enforced(town: Town) -> None:
    with Load(town).on() as load:
        assert town.runtime.apply(town.guestbook("1.1.0", replicas=2)).ready == 2
    assert (load.lost, version(town)) == ([], "1.1.0")
    town.runtime.apply(town.guestbook("1.0.0"))
    mine, others = own(town), foreign(town)
    eventually(
        lambda: reached_from(town, address(town, APP), mine | others) == set(mine), 30, "new pods are shut as well"
    )
