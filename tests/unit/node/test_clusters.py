"""A node uses clusters when its configuration says so, and never claims that hardware vouches for them."""

import json
from pathlib import Path

import pytest

from cyberprivacy.cli import node as command
from cyberprivacy.deploy.fleet.fleet import Fleet
from cyberprivacy.deploy.fleet.shares import WrongAddress
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.kubernetes.kubeconfig import BadKubeconfig
from cyberprivacy.errors import Misuse
from cyberprivacy.node.clusters import InClusters
from cyberprivacy.node.config import load, parse
from cyberprivacy.node.tables import BadConfig

DAO = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
CLUSTER = {"kubeconfig": "/k", "registry": "https://registry.example", "front": ["10.0.0.5/32"]}
SHARED = {"registry": "https://registry.example", "front": ["10.0.0.5/32"]}
NORTH = {"name": "north", "kubeconfig": "/n", "services": ["10.96.0.0/16"]}
SOUTH = {"name": "south", "kubeconfig": "/s", "services": ["10.97.0.0/16", "10.98.0.0/16"], "wave": 2}


def document(**more: object) -> dict[str, object]:
    served = [{"address": DAO, "listen": "127.0.0.1:8443"}]
    return {"data": "/d", "chain": {"rpc": ["http://127.0.0.1:8545"]}, "dao": served, **more}


def test_a_cluster_is_optional_and_read_as_it_is_written() -> None:
    assert parse(document()).clusters is None
    full = CLUSTER | {
        "context": "c",
        "registry-auth": "/a",
        "pull-auth": "/p",
        "registry-ca": "/r",
        "storage-class": "s",
    }
    found = parse(document(kubernetes=full)).clusters
    assert found is not None
    (one,) = found.clusters
    assert (one.context, found.push, found.pull, found.authority) == ("c", Path("/a"), Path("/p"), Path("/r"))
    assert (one.name, one.front, one.storage) == ("", ("10.0.0.5/32",), "s")


def test_a_lease_is_always_kept_and_may_be_another_one() -> None:
    found = parse(document(kubernetes=CLUSTER)).clusters
    other = parse(document(kubernetes=CLUSTER | {"lease": "space/second", "kubeconfig": "in-cluster"})).clusters
    assert found is not None
    assert other is not None
    assert [(one.lease, one.kubeconfig) for one in found.clusters] == [("cyberprivacy/node", Path("/k"))]
    assert [(one.lease, one.kubeconfig) for one in other.clusters] == [("space/second", None)]


def test_hardware_that_runs_no_application_vouches_for_none() -> None:
    assert parse(document(evidence="hardware")).hardware
    with pytest.raises(BadConfig) as refusal:
        parse(document(evidence="hardware", kubernetes=CLUSTER))
    assert "operator-trusted" in refusal.value.hint


@pytest.mark.parametrize(
    "spoilt",
    [
        {"front": ["10.0.0.5/8"]},
        {"front": "10.0.0.5/32"},
        {"registry": "registry.example"},
        {"registry": "https://user:secret@registry.example"},
        {"kubeconfig": ""},
        {"token": "t"},
        {"lease": "node"},
        {"lease": "a/b/c"},
        {"lease": ""},
        {"soak": 5},
        {"cluster": [NORTH]},
        {"wave": 1},
    ],
)
def test_anything_else_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(BadConfig) as refusal:
        parse(document(kubernetes=CLUSTER | spoilt))
    assert "secret" not in str(refusal.value)


def written(folder: Path, more: str = "") -> Path:
    path = folder / "node.toml"
    path.write_text(
        f'data = "{folder}/data"\n[chain]\nrpc = ["http://127.0.0.1:1"]\n'
        f'[[dao]]\naddress = "{DAO}"\nlisten = "127.0.0.1:8443"\n{more}'
    )
    return path


def test_a_node_does_not_start_with_another_profile_than_its_configuration_has(tmp_path: Path) -> None:
    table = '[kubernetes]\nkubeconfig = "/absent"\nregistry = "https://registry.example"\nfront = []\n'
    for more, profile in (("", command.Profile.KUBERNETES), (table, command.Profile.EMBEDDED)):
        with pytest.raises(Misuse) as refusal:
            command.start(written(tmp_path, more), profile=profile)
        assert refusal.value.code == "node.profile"


def test_a_kubeconfig_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    table = '[kubernetes]\nkubeconfig = "absent"\nregistry = "https://registry.example"\nfront = []\n'
    clusters = load(written(tmp_path, table)).clusters
    assert clusters is not None
    with pytest.raises(BadKubeconfig):
        clusters.runtime(Front(tmp_path), lambda _, __: None)


def test_several_clusters_have_a_table_each_and_share_what_is_said_for_all() -> None:
    own = SOUTH | {"front": ["10.0.0.9/32"], "lease": "a/b", "storage-class": "slow"}
    shared = SHARED | {"soak": 5, "storage-class": "fast"}
    found = parse(document(kubernetes=shared | {"cluster": [NORTH, own]})).clusters
    assert found is not None
    assert found.soak == 5
    assert [(one.name, one.wave, one.kubeconfig) for one in found.clusters] == [
        ("north", 1, Path("/n")),
        ("south", 2, Path("/s")),
    ]
    assert [(one.front, one.storage, one.lease) for one in found.clusters] == [
        (("10.0.0.5/32",), "fast", "cyberprivacy/node"),
        (("10.0.0.9/32",), "slow", "a/b"),
    ]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"name": "North"},
        {"name": "south"},
        {"name": ""},
        {"kubeconfig": "/s"},
        {"services": []},
        {"services": ["10.96.0.1/16"]},
        {"services": ["fd00::/64"]},
        {"wave": 0},
        {"wave": True},
        {"wave": "1"},
        {"registry": "https://registry.example"},
        {"front": ["x"]},
    ],
)
def test_a_cluster_of_several_that_is_anything_else_is_refused(spoilt: dict[str, object]) -> None:
    for clusters in ([NORTH | spoilt, SOUTH], [SOUTH, NORTH | spoilt]):
        with pytest.raises(BadConfig):
            parse(document(kubernetes=SHARED | {"cluster": clusters}))


@pytest.mark.parametrize("clusters", [[], [NORTH] * 33, {"north": NORTH}, [1]])
def test_none_and_too_many_are_refused(clusters: object) -> None:
    with pytest.raises(BadConfig):
        parse(document(kubernetes=SHARED | {"cluster": clusters}))


def kubeconfig(folder: Path, name: str, server: str) -> Path:
    path = folder / name
    document = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def fleet(folder: Path, *servers: str, services: tuple[str, str] = ("10.96.0.0/16", "10.97.0.0/16")) -> InClusters:
    tables = [
        {"name": f"c{place}", "kubeconfig": str(kubeconfig(folder, f"k{place}", server)), "services": [network]}
        for place, (server, network) in enumerate(zip(servers, services, strict=True))
    ]
    found = parse(document(kubernetes=SHARED | {"cluster": tables})).clusters
    assert found is not None
    return found


def test_clusters_behind_one_rancher_are_a_fleet(tmp_path: Path) -> None:
    behind = "https://rancher.example/k8s/clusters/"
    runtime = fleet(tmp_path, behind + "c-m-1", behind + "c-m-2").runtime(Front(tmp_path), lambda _, __: None)
    assert isinstance(runtime, Fleet)
    assert runtime.clusters == ("c0", "c1")
    runtime.close()


def test_one_cluster_under_two_names_is_refused(tmp_path: Path) -> None:
    one = "https://one.example"
    with pytest.raises(BadConfig, match="two names for one cluster"):
        fleet(tmp_path, one, one).runtime(Front(tmp_path), lambda _, __: None)


def test_clusters_with_the_same_addresses_are_refused(tmp_path: Path) -> None:
    overlapping = fleet(
        tmp_path, "https://a.example", "https://b.example", services=("10.0.0.0/8", "10.97.0.0/16")
    )
    with pytest.raises(WrongAddress):
        overlapping.runtime(Front(tmp_path), lambda _, __: None)
