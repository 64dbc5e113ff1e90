"""Whoever runs machines may be killed at any time: nothing of them stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = """
import sys, time
from pathlib import Path
from cyberprivacy.privacy_os.emulator import Settings, running
folder = Path(sys.argv[1])
with running(Settings(disk=folder / "disk", volumes=(), state=folder / "state")):
    print("on", flush=True)
    time.sleep(60)
"""


def _named(folder: Path) -> set[str]:
    """Programs that were told of a folder."""
    found = set()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if os.fsencode(folder) in b" ".join(words[1:]):
            found.add(words[0].decode())
    return found


def _become(programs: set[str], folder: Path) -> None:
    until = time.monotonic() + 10
    while _named(folder) != programs:
        assert time.monotonic() < until, _named(folder)
        time.sleep(0.1)


def test_whoever_is_killed_leaves_no_machine_behind(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"on\n"
        _become({"swtpm", "qemu-system-x86_64", sys.executable}, tmp_path)
        started.send_signal(signal.SIGKILL)
    _become(set(), tmp_path)
