"""Somebody who sits at a machine: types on its serial line, and has QEMU's monitor and all of its memory."""

import json
import mmap
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from cyberprivacy.privacy_os.emulator import MONITOR, SERIAL

KEYS = re.compile(rb"[\x31\x35\x41\x45]\0{7}(?=(.{32}))", re.DOTALL)
"""A block of glibc's heap that has room for a number of 256 bits, by its size. Source: glibc, malloc/malloc.c."""
STARTING = 20.0
"""Seconds."""
VARIED = 20
"""Different bytes that a random number of 32 bytes has, but for one in a million."""


class Hands:
    """Whoever sits at a machine.

    Args:
        state: the machine's folder.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._monitor = _connected(state / MONITOR)
        self._said = self._monitor.makefile("rb")
        self._said.readline()
        self.does("qmp_capabilities")

    def close(self) -> None:
        self._said.close()
        self._monitor.close()

    def does(self, what: str, **how: object) -> object:
        """One command of the monitor; its answer."""
        self._monitor.sendall(json.dumps({"execute": what, "arguments": how}).encode())
        while True:
            said = json.loads(self._said.readline())
            assert "error" not in said, said
            if "return" in said:
                return said["return"]

    def types(self, text: bytes) -> None:
        """On the serial line."""
        with socket.socket(socket.AF_UNIX) as line, suppress(BrokenPipeError):
            line.connect(str(self._state / SERIAL))
            line.sendall(text)

    def commands(self, letter: str) -> None:
        """The kernel's key (SysRq) with a letter: as a break on the serial line, and on a keyboard."""
        self.does("chardev-send-break", id="line")
        self.types(letter.encode())
        self.does("send-key", keys=[{"type": "qcode", "data": key} for key in ("alt", "sysrq", letter)])

    def freeze(self) -> None:
        """Hold all processors."""
        self.does("stop")

    def copies(self, to: Path) -> None:
        """Registers, memory, devices and the TPM of a machine that is held; it stays held."""
        self.does("migrate", uri=f"exec:cat >{to}")
        while (status := self._status("query-migrate")) != "completed":
            assert status in {"setup", "active", "device", None}, status
            time.sleep(0.2)

    def goes_on(self) -> None:
        """Let processors run, once a copy has come in."""
        while self._status("query-status") == "inmigrate":
            time.sleep(0.2)
        self.does("cont")

    def is_off(self, seconds: float) -> None:
        """Wait until the machine has switched itself off; QEMU then holds its memory: see `-no-shutdown`."""
        until = time.monotonic() + seconds
        while self._status("query-status") != "shutdown":
            assert time.monotonic() < until
            time.sleep(0.1)

    def _status(self, command: str) -> str | None:
        said = self.does(command)
        assert isinstance(said, dict)
        return said.get("status")

    def memory(self, megabytes: int) -> Path:
        """All of the machine's memory, as a file."""
        to = self._state / "memory"
        self.does("pmemsave", val=0, size=megabytes << 20, filename=str(to))
        return to


def _connected(path: Path) -> socket.socket:
    """A connection with QEMU, which may still be starting."""
    until = time.monotonic() + STARTING
    while True:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(path))
        except OSError:
            made.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return made


def private_key(memory: Path, public: ec.EllipticCurvePublicKey) -> int | None:
    """The private key on P-256 that goes with this public key, if OpenSSL holds it somewhere in there."""
    tried: set[bytes] = set()
    for number in _numbers(memory):
        if number not in tried:
            tried.add(number)
            value = int.from_bytes(number, "little")
            with suppress(ValueError):  # not below the order of the curve
                if ec.derive_private_key(value, ec.SECP256R1()).public_key() == public:
                    return value
    return None


def _numbers(memory: Path) -> Iterator[bytes]:
    with memory.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as seen:
        for found in KEYS.finditer(seen):
            if found.start() % 8 == 0 and len(set(found[1])) > VARIED:
                yield found[1]


def places(memory: Path, number: int) -> int:
    """How often 32 bytes are in there, in either order."""
    with memory.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as seen:
        both = {number.to_bytes(32, "little"), number.to_bytes(32, "big")}
        return sum(len(re.findall(re.escape(each), seen)) for each in both)
