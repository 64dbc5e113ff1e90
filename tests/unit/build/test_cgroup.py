"""Control groups of both versions get the same limits; what is not there is left out."""

from pathlib import Path

import pytest

from cyberprivacy.build import cgroup
from cyberprivacy.build.cgroup import Allowance

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
    cgroup._limit(tmp_path, ALLOWANCE)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == written


@pytest.mark.engines
def test_a_group_is_gone_when_its_block_ends() -> None:
    with cgroup.confine("cyberprivacy-test-group", ALLOWANCE) as group:
        folders = group.folders
        assert all(folder.is_dir() for folder in folders)
    assert not any(folder.exists() for folder in folders)
