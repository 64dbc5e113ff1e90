"""What a build can do to its host: nothing. Each promise is tried by a shell inside the sandbox."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cyberprivacy.build.sandbox import OWNER, BuildFailed, Limits, Sandbox, View
from cyberprivacy.build.scratch import prefix

pytestmark = pytest.mark.engines

SMALL = Limits(memory=128 << 20, disk=64 << 20, pids=64, seconds=60, result=1 << 20)
Shell = Callable[..., str]


def view(**more: object) -> View:
    """A view with the host's programs, so that a shell can look around."""
    links = {
        str(path): str(path.readlink()) for path in map(Path, ("/bin", "/lib", "/lib64")) if path.is_symlink()
    }
    binds = {"/usr/bin": Path("/usr/bin"), "/usr/lib": Path("/usr/lib")}
    if Path("/usr/lib64").is_dir():
        binds["/usr/lib64"] = Path("/usr/lib64")
    return View(binds=binds, links=links, folders=("/out",), **more)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run a shell script in a sandbox; gives what it said."""

    def run(script: str, limits: Limits = SMALL, **more: object) -> str:
        sandbox = Sandbox(tmp_path / "sandbox", limits)
        return sandbox.run([["/usr/bin/sh", "-ec", script]], view(), env={"PATH": "/usr/bin"}, **more)

    return run


def leftovers(work: Path) -> list[Path]:
    """Scratch folders and control groups of a sandbox."""
    groups = [path for path in Path("/sys/fs/cgroup").rglob(f"{prefix(work)}*") if path.is_dir()]
    return [*work.glob("*"), *groups]


def running(mark: str) -> list[int]:
    """Processes whose arguments contain a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def eventually(truth: Callable[[], bool]) -> bool:
    """Whether something becomes true within seconds; the kernel needs a moment to bury the dead."""
    deadline = time.monotonic() + 20
    while not truth():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_nothing_of_the_host_is_there_but_what_the_view_says(shell: Shell, tmp_path: Path) -> None:
    secret = tmp_path / "keys" / "node.key"
    secret.parent.mkdir()
    secret.write_text("secret")
    said = shell(f"ls /; for path in /root /home /var {secret} /etc/shadow; do test ! -e $path; done")
    links = {path.name for path in map(Path, ("/bin", "/lib", "/lib64")) if path.is_symlink()}
    assert set(said.split()) == {"dev", "out", "proc", "tmp", "usr"} | links


def test_root_inside_is_nobody_outside(shell: Shell) -> None:
    said = shell("cat /proc/self/uid_map; id -u; stat -c %u /out; ! mknod /out/disk b 254 0 2>/dev/null")
    assert said.split() == ["0", str(OWNER), "65536", "0", "0"]


def test_what_is_bound_can_be_neither_written_nor_remounted(shell: Shell) -> None:
    shell(
        "! touch /usr/lib/x; ! mount -o remount,rw,bind /usr/lib; ! umount /usr/lib; ! umount /proc; ! touch /usr/bin/x"
    )


def test_the_hosts_processes_cannot_be_seen(shell: Shell) -> None:
    said = shell("ls -d /proc/[0-9]*")
    assert len(said.split()) <= 3
    shell(f"! kill -0 {os.getpid()} 2>/dev/null || test $$ -eq {os.getpid()}")


def test_the_node_environment_stays_outside(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_SECRET", "hunter2")
    said = shell("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'")
    assert "hunter2" not in said


def test_no_descriptor_leads_outside(shell: Shell, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        said = shell("readlink /proc/self/fd/* /proc/1/fd/* 2>/dev/null || true")
    assert str(tmp_path) not in said


def test_there_is_no_network_not_even_the_hosts_loopback(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        where = f"127.0.0.1:{listening.getsockname()[1]}"
        ask = f'print IO::Socket::INET->new("{where}") ? "reached" : "no: $!"'
        said = shell(f"cut -d: -f1 /proc/net/dev | tail -n +3; perl -MIO::Socket::INET -e '{ask}'")
    assert said.split("\n") == ["    lo", "no: Network is unreachable"]


def test_a_result_comes_out_and_nothing_stays(shell: Shell, tmp_path: Path) -> None:
    shell("echo made > /out/it; echo left > /tmp/left", result="/out/it", into=tmp_path / "it")
    assert (tmp_path / "it").read_text() == "made\n"
    assert leftovers(tmp_path / "sandbox") == []


@pytest.mark.parametrize("script", ["false", "true", "ln -s /proc/self/environ /out/it", "mkdir /out/it"])
def test_without_a_plain_result_nothing_comes_out(shell: Shell, tmp_path: Path, script: str) -> None:
    with pytest.raises(BuildFailed) as refusal:
        shell(script, result="/out/it", into=tmp_path / "it")
    assert refusal.value.code == "build.failed"
    assert not (tmp_path / "it").exists()
    assert leftovers(tmp_path / "sandbox") == []


def test_a_result_has_a_size(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as refusal:
        shell("head -c 2M /dev/zero > /out/it", result="/out/it", into=tmp_path / "it")
    assert refusal.value.code == "build.size"
    assert not (tmp_path / "it").exists()


def test_time_runs_out_for_everything_that_was_started(shell: Shell, tmp_path: Path) -> None:
    limits = Limits(memory=128 << 20, disk=64 << 20, pids=64, seconds=1)
    mark = f"86399.1{os.getpid()}"
    with pytest.raises(BuildFailed) as refusal:
        shell(f"setsid sleep {mark} & nohup sleep {mark} & exec sleep {mark}", limits)
    assert refusal.value.code == "build.timeout"
    assert running(f"sleep\0{mark}") == []
    assert leftovers(tmp_path / "sandbox") == []


def test_what_a_recipe_leaves_running_ends_with_it(shell: Shell) -> None:
    mark = f"86399.2{os.getpid()}"
    shell(f"setsid sleep {mark} > /dev/null 2>&1 &")
    assert eventually(lambda: running(f"sleep\0{mark}") == [])


def test_memory_is_bounded(shell: Shell) -> None:
    with pytest.raises(BuildFailed) as refusal:
        shell("head -c 512M /dev/zero | tail > /dev/null")
    assert refusal.value.code == "build.memory"


def test_files_are_bounded(shell: Shell) -> None:
    with pytest.raises(BuildFailed) as refusal:
        shell("for i in 1 2 3 4; do head -c 30M /dev/zero > /out/$i; done")
    assert "No space left" in str(refusal.value.facts["log"])


def test_a_fork_bomb_stops_at_the_limit(shell: Shell) -> None:
    bomb = "for (1..500) { $child = fork; last if !defined $child; if (!$child) { sleep 60; exit } $n++ } print $n"
    assert 1 <= int(shell(f"exec perl -e '{bomb}'")) <= SMALL.pids


def test_when_the_node_is_killed_the_build_dies_and_the_next_run_cleans_up(tmp_path: Path) -> None:
    work, mark = tmp_path / "sandbox", f"86399.3{os.getpid()}"
    script = (
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from pathlib import Path\n"
        "from test_sandbox import SMALL, view\n"
        "from cyberprivacy.build.sandbox import Sandbox\n"
        "Sandbox(Path(sys.argv[1]), SMALL).run([['/usr/bin/sleep', sys.argv[2]]], view(), env={})\n"
    )
    node = subprocess.Popen([sys.executable, "-c", script, str(work), mark, str(Path(__file__).parent)])
    try:
        assert eventually(lambda: len(running(f"sleep\0{mark}")) == 1)
    finally:
        node.send_signal(signal.SIGKILL)
        node.wait()
    assert eventually(lambda: running(mark) == [])
    assert leftovers(work) != []
    Sandbox(work, SMALL).run([["/usr/bin/true"]], view(), env={})
    assert leftovers(work) == []


def test_two_builds_do_not_see_each_other(shell: Shell, tmp_path: Path) -> None:
    shell("echo poison > /tmp/cache; echo poison > /out/cache")
    assert shell("ls /tmp /out").split() == ["/out:", "/tmp:"]
