"""A machine on this machine: QEMU with UEFI firmware and a software TPM, to try an image and to attack it.

Its owner can read all of its memory and write its TPM's state: what it proves is worth the level "development".
"""

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from cyberprivacy.attest.swtpm import make_tpm
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.privacy_os.secure_boot import Keys, enrolled

FIRMWARE: Final = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
SECURE_FIRMWARE: Final = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
"""It keeps its variables to itself, which needs the processor's system management mode."""
VARIABLES: Final = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
ADDRESS: Final = "10.0.2.15/24"
"""What a machine must be configured with here; its gateway is 10.0.2.2. Source: QEMU, "User mode networking"."""

DOOR: Final = 8443
"""Where a machine proves what it is; see `service`."""
APPLICATION: Final = 443
"""Where users of a machine's first application connect; see `preparing`."""
HINT: Final = "Install it: apt install qemu-system-x86 ovmf swtpm"
SERVING: Final = "privacy-os: serving"
STOPPED: Final = "privacy-os: stopped: "

MONITOR: Final = "monitor.sock"
"""In a machine's state: QEMU's monitor. Source: QEMU, "QEMU Machine Protocol Specification"."""
SERIAL: Final = "serial.sock"
"""In a machine's state: its serial line."""

_EMULATED: Final = "max,-avx,-avx2,-erms,-bmi1,-bmi2,-adx,-la57"
"""What an emulated processor has: all but what costs more in an emulator than what programs do without it.

Measured with QEMU 7.2 (its user mode, seconds with and without): SHA-256 of 8 MiB by OpenSSL 0.51 and 0.16, by Go
0.56 and 0.27, zlib 0.54 and 0.09: vectors of 256 bits are helpers' work; 160 MiB of zeros 0.38 and 0.03: a fast
`rep stosb` goes byte by byte. A fifth level of page tables is one more step each time that a page is looked up.
"""

_PROBE: Final = bytes.fromhex("9bdbe3b02ae6f4f4").ljust(16, b"\xf4").rjust(64 << 10, b"\xf4")
"""Firmware of five instructions at the reset vector: fwait; fninit; mov al, 42; out 0xf4, al; hlt."""
_PROBE_TIME: Final = 5.0
"""Seconds; on a processor that can, it takes a third of one."""
_PROBED: Final = 42 << 1 | 1
"""QEMU's status once it has run. Source: QEMU, hw/misc/debugexit.c."""
_COMMAND: Final = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]")
"""What moves a terminal's cursor or clears it. Source: ECMA-48, 5.4."""
_LEASH: Final = ("setpriv", "--pdeathsig", "KILL")
"""Whoever started a machine and is killed leaves none behind. Source: prctl(2), PR_SET_PDEATHSIG."""
_PATIENCE: Final = 10.0
_TICK: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a machine is put together.

    Attributes:
        disk: the image; never written.
        volumes: further disks, such as the configuration volume; never written.
        data: the data disk, which is written to; None = there is none.
        state: folder of what the machine keeps: its TPM and its firmware's variables.
        port: on 127.0.0.1, where its own door is reached; None = no way in.
        application: on 127.0.0.1, where its first application is reached; None = no way in.
        outward: whether it reaches others. This machine itself is 10.0.2.2 then.
        memory: MiB.
        kvm: use the processor's virtualisation; None = if it works here.
        hands: somebody sits at it: types on its serial line (`SERIAL`), and commands QEMU (`MONITOR`).
        keys: firmware starts only what these allow (Secure Boot); None = it starts anything.
        setup: firmware that knows Secure Boot keeps its variables over starts; at first it has no keys.
        offered: a program that firmware gets from the network when the disk starts nothing.
        more: further words for QEMU: what an attacker would add.
    """

    disk: Path
    volumes: Sequence[Path]
    state: Path
    data: Path | None = None
    port: int | None = None
    application: int | None = None
    outward: bool = False
    memory: int = 1024
    kvm: bool | None = None
    hands: bool = False
    keys: Keys | None = None
    setup: bool = False
    offered: Path | None = None
    more: Sequence[str] = ()


class Running:
    """A machine that runs; see `running`."""

    def __init__(self, process: subprocess.Popen[bytes], console: Path) -> None:
        self._process, self._console = process, console

    @property
    def on(self) -> bool:
        """Whether it has power."""
        return self._process.poll() is None

    def lines(self, until: float) -> Iterator[str]:
        """What the machine says on its console, as it says it, until it is off.

        Args:
            until: when to stop waiting, on the monotonic clock.

        Raises:
            TryLater: it took too long ("os.slow"), or QEMU failed ("os.emulator").
        """
        with self._console.open("rb") as file:
            left = b""
            while True:
                off = self._process.poll()
                left += file.read()
                *whole, left = left.split(b"\n")
                yield from (_printable(line) for line in whole)
                if off is not None:
                    break
                if time.monotonic() > until:
                    raise TryLater("the machine takes too long", code="os.slow", console=str(self._console))
                time.sleep(_TICK)
        if off:
            raise TryLater("QEMU failed", code="os.emulator", status=off, hint="Its words are in qemu.log beside.")

    def wait_for(self, words: str, seconds: float, say: Callable[[str], None] = lambda _: None) -> str | None:
        """The first line with these words; None when the machine went off before it said them."""
        for line in self.lines(time.monotonic() + seconds):
            say(line)
            if words in line:
                return line
        return None


def _printable(line: bytes) -> str:
    """A line without what would command a terminal."""
    text = _COMMAND.sub("", line.decode("ascii", "replace"))
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable()).strip()


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """Start a machine; it is switched off at the end.

    Raises:
        Misuse: QEMU, swtpm or the firmware is not installed, or a disk is missing ("os.emulator").
        TryLater: the software TPM does not start.
    """
    kept = () if settings.data is None else (settings.data,)
    for path in (_firmware(settings), VARIABLES, settings.disk, *settings.volumes, *kept):
        if not path.is_file():
            raise Misuse("a file is missing", code="os.emulator", path=str(path), hint=HINT)
    state = settings.state.resolve()
    make_tpm(state / "tpm")
    blank, variables = VARIABLES.read_bytes(), state / "variables.fd"
    if not (settings.setup and variables.exists()):  # else no boot entry outlives a start
        variables.write_bytes(blank if settings.keys is None else enrolled(blank, settings.keys))
    (state / "console.log").write_bytes(b"")
    with ExitStack() as ends:
        _started(ends, _tpm(state), state / "tpm.log")
        _appears(state / "tpm.sock")
        process = _started(ends, _qemu(settings, state), state / "qemu.log")
        yield Running(process, state / "console.log")


def _started(ends: ExitStack, command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that ends with this block, and with this process, however that ends."""
    for program in (_LEASH[0], command[0]):
        if shutil.which(program) is None:
            raise Misuse("a program is not installed", code="os.emulator", program=program, hint=HINT)
    with log.open("wb") as said:
        process = subprocess.Popen((*_LEASH, *command), stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    ends.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    process.kill()
    process.wait()


def _appears(path: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(_TICK)
    raise TryLater("the software TPM does not start", code="os.emulator", log=str(path.with_name("tpm.log")))


def _tpm(state: Path) -> list[str]:
    (state / "tpm.sock").unlink(missing_ok=True)
    control = f"type=unixio,path={state / 'tpm.sock'},mode=0600"
    return ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state / 'tpm'}", "--ctrl", control]


def _firmware(settings: Settings) -> Path:
    return SECURE_FIRMWARE if _secure(settings) else FIRMWARE


def _secure(settings: Settings) -> bool:
    """Whether its firmware knows Secure Boot."""
    return settings.setup or settings.keys is not None


def _qemu(settings: Settings, state: Path) -> list[str]:
    """A machine with nothing but what is named here: no default devices, no monitor, no other way in.

    An emulated one has one processor. QEMU before 8.1 may translate code that another emulated processor writes:
    a kernel that patches itself as it starts then meets a breakpoint that it has taken away already, and stops.

    Source: QEMU, commit deba78709a ("accel/tcg: Always lock pages before translation").
    """
    kvm = virtualised() if settings.kvm is None else settings.kvm
    words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    smm = "on" if _secure(settings) else "off"
    words += ["-machine", f"q35,smm={smm},accel={'kvm' if kvm else 'tcg'}", "-cpu", "host" if kvm else _EMULATED]
    words += ["-m", str(settings.memory), "-smp", "2" if kvm else "1", "-monitor", "none"]
    words += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={_firmware(settings)}"]
    words += [] if not _secure(settings) else ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    words += ["-drive", f"if=pflash,format=raw,unit=1,file={state / 'variables.fd'}"]
    words += ["-chardev", f"socket,id=tpm,path={state / 'tpm.sock'}", "-tpmdev", "emulator,id=tpm0,chardev=tpm"]
    words += ["-device", "tpm-crb,tpmdev=tpm0", "-device", "virtio-rng-pci"]
    for number, path in enumerate((settings.disk, *settings.volumes)):
        words += ["-drive", f"if=none,id=disk{number},format=raw,readonly=on,file={path.resolve()}"]
        words += ["-device", f"virtio-blk-pci,drive=disk{number}" + ("" if number else ",bootindex=1")]
    if settings.data is not None:
        words += ["-drive", f"if=none,id=data,format=raw,file={settings.data.resolve()}"]
        words += ["-device", "virtio-blk-pci,drive=data"]
    ways = ((settings.port, DOOR), (settings.application, APPLICATION))
    forward = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in ways if here is not None)
    restrict, boot, order = "off" if settings.outward else "on", "", ""
    if settings.offered is not None:
        boot, order = f",tftp={settings.offered.resolve().parent},bootfile={settings.offered.name}", ",bootindex=2"
    words += ["-netdev", f"user,id=net0,restrict={restrict}{boot}{forward}"]
    words += ["-device", f"virtio-net-pci,netdev=net0,romfile={order}"]
    return [*words, *_console(settings, state), *settings.more]


def _console(settings: Settings, state: Path) -> list[str]:
    """What is said goes to a file; what is typed comes from nowhere, unless somebody sits there."""
    log = state / "console.log"
    if not settings.hands:
        return ["-serial", f"file:{log}"]
    line = f"socket,id=line,path={state / SERIAL},server=on,wait=off,logfile={log}"
    return ["-chardev", line, "-serial", "chardev:line", "-qmp", f"unix:{state / MONITOR},server=on,wait=off"]


@cache
def virtualised() -> bool:
    """Whether QEMU can use this processor's virtualisation: it is asked to run five instructions.

    That `/dev/kvm` is there says nothing: in some virtual machines it is, and stops at the first
    instruction for a coprocessor, which is among the first of any firmware.

    Raises:
        Misuse: QEMU is not installed ("os.emulator").
    """
    words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-machine", "pc,accel=kvm", "-cpu", "host", "-m", "16", "-monitor", "none"]
    with NamedTemporaryFile() as firmware:
        firmware.write(_PROBE)
        firmware.flush()
        words += ["-bios", firmware.name, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PROBE_TIME
            )
        except FileNotFoundError as problem:
            raise Misuse(
                "a program is not installed", code="os.emulator", program=words[0], hint=HINT
            ) from problem
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == _PROBED
