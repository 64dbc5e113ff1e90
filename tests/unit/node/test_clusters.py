"""A node uses a cluster when its configuration says so, and never claims that hardware vouches for it."""

from pathlib import Path

import pytest

from cyberprivacy.cli import node as command
from cyberprivacy.deploy.kubernetes.kubeconfig import BadKubeconfig
from cyberprivacy.errors import Misuse
from cyberprivacy.node.config import load, parse
from cyberprivacy.node.tables import BadConfig

DAO = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
CLUSTER = {"kubeconfig": "/k", "registry": "https://registry.example", "front": ["10.0.0.5/32"]}


def document(**more: object) -> dict[str, object]:
    served = [{"address": DAO, "listen": "127.0.0.1:8443"}]
    return {"data": "/d", "chain": {"rpc": ["http://127.0.0.1:8545"]}, "dao": served, **more}


def test_a_cluster_is_optional_and_read_as_it_is_written() -> None:
    assert parse(document()).cluster is None
    full = CLUSTER | {
        "context": "c",
        "registry-auth": "/a",
        "pull-auth": "/p",
        "registry-ca": "/r",
        "storage-class": "s",
    }
    found = parse(document(kubernetes=full)).cluster
    assert found is not None
    assert (found.context, found.push, found.pull, found.authority) == ("c", Path("/a"), Path("/p"), Path("/r"))
    assert (found.front, found.storage) == (("10.0.0.5/32",), "s")


def test_a_lease_is_always_kept_and_may_be_another_one() -> None:
    found = parse(document(kubernetes=CLUSTER)).cluster
    other = parse(document(kubernetes=CLUSTER | {"lease": "space/second", "kubeconfig": "in-cluster"})).cluster
    assert found is not None
    assert other is not None
    assert (found.lease, found.kubeconfig) == ("cyberprivacy/node", Path("/k"))
    assert (other.lease, other.kubeconfig) == ("space/second", None)


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
    cluster = load(written(tmp_path, table)).cluster
    assert cluster is not None
    with pytest.raises(BadKubeconfig):
        cluster.runtime(None, lambda _, __: None)  # type: ignore[arg-type]
