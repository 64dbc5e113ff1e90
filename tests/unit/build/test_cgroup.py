"""Control groups of both versions get the same limits; where memory or processes have none, nothing is built."""

import os
from pathlib import Path

import pytest

from cyberprivacy.build import cgroup
from cyberprivacy.build.cgroup import Allowance, Group
from cyberprivacy.errors import TryLater

ALLOWANCE = Allowance(memory=1 << 20, pids=7, cpus=1.5)


@pytest.mark.parametrize(
    ("files", "written"),
    [
        ({"memory.max": "", "memory.swap.max": ""}, {"memory.max": "1048576", "memory.swap.max": "0"}),
        ({"memory.limit_in_bytes": ""}, {"memory.limit_in_bytes": "1048576"}),
        ({"pids.max": "max", "cpu.max": ""}, {"pids.max": "7", "cpu.max": "150000 100000"}),
        ({"cpu.cfs_quota_us": "-1"}, {"cpu.cfs_quota_us": "150000"}),
        ({}, {}),
    ],
)
def test_each_hierarchy_gets_what_it_understands(
    tmp_path: Path, files: dict[str, str], written: dict[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cgroup._limit(tmp_path, ALLOWANCE) == set(written)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == written


@pytest.mark.engines
def test_a_group_is_gone_when_its_block_ends() -> None:
    with cgroup.confine(f"cyberprivacy-test-{os.getpid()}", ALLOWANCE) as group:
        folders = group.folders
        assert all(folder.is_dir() for folder in folders)
    assert not any(folder.exists() for folder in folders)


@pytest.mark.engines
def test_a_machine_that_cannot_limit_processes_builds_nothing() -> None:
    offered = [parent for parent in cgroup._parents() if "pids" not in parent.parts]
    if len(offered) == len(list(cgroup._parents())):
        pytest.skip("control groups of version 2 come as one")
    with pytest.raises(TryLater) as refusal, cgroup.confine("cyberprivacy-test", ALLOWANCE, offered):
        pytest.fail("the build would run")
    assert (refusal.value.code, refusal.value.facts["missing"]) == ("build.sandbox", ["pids"])
    assert not any((parent / "cyberprivacy-test").exists() for parent in offered)


def test_a_group_without_controllers_is_no_group(tmp_path: Path) -> None:
    with pytest.raises(TryLater) as refusal, cgroup.confine("group", ALLOWANCE, [tmp_path]):
        pytest.fail("the build would run")
    assert (refusal.value.code, refusal.value.facts["missing"]) == ("build.sandbox", ["memory", "pids"])
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_may_not_be_made_is_said(tmp_path: Path) -> None:
    taken = tmp_path / "group"
    taken.write_text("in the way")
    with pytest.raises(TryLater) as refusal, cgroup.confine("group", ALLOWANCE, [tmp_path]):
        pytest.fail("the build would run")
    assert refusal.value.code == "build.sandbox"
    assert "exists" in str(refusal.value.facts["problem"])


def test_what_the_kernel_refuses_is_of_the_error_family(tmp_path: Path) -> None:
    (tmp_path / "memory.max").mkdir()
    with pytest.raises(TryLater) as refusal:
        cgroup._limit(tmp_path, ALLOWANCE)
    assert refusal.value.code == "build.sandbox"
    with pytest.raises(TryLater) as refusal:
        Group((tmp_path / "gone",)).add(1)
    assert refusal.value.code == "build.sandbox"


def test_on_version_2_a_group_stands_beside_our_own_and_is_given_controllers(tmp_path: Path) -> None:
    parent = tmp_path / "system.slice"
    parent.mkdir()
    (parent / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    assert list(cgroup._parents("0::/system.slice/node.service\n", tmp_path)) == [parent]
    assert (parent / "cgroup.subtree_control").exists()
    assert list(cgroup._parents("0::/\n", parent)) == [parent]  # the root itself may divide


@pytest.mark.parametrize(("path", "where"), [("/a/b", "memory/a/b"), ("/docker/x", "memory")])
def test_on_version_1_a_group_stands_below_our_own_in_each_hierarchy(
    tmp_path: Path, path: str, where: str
) -> None:
    (tmp_path / "memory/a/b").mkdir(parents=True)
    (tmp_path / "freezer").mkdir()
    membership = f"9:name=systemd:/\n4:memory:{path}\n3:freezer:/\n2:pids:/\n0::/\n"
    assert list(cgroup._parents(membership, tmp_path)) == [tmp_path / where]
