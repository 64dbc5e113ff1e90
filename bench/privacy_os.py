"""How does the Privacy OS compare with a stock Debian on the same kernel?

    uv run python bench/privacy_os.py [--rounds 3]     (root; apt install mmdebstrap qemu-system-x86 ovmf swtpm)

Both are built from Debian's packages and started on the same emulated machine, by turns, in the same run. Debian
is what mmdebstrap makes of systemd, Python and the very kernel of `os/build.lock`, with Debian's own initial RAM
disk; it serves once systemd has started a program of four lines in Python that listens. Ours serves once its door
does. Verification is the whole command, beside a Python that starts and ends.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2

from cyberprivacy.cli.privacy_os import CACHE, SOURCES
from cyberprivacy.privacy_os.emulator import ADDRESS, SERVING, Settings, running, virtualised
from cyberprivacy.privacy_os.image import DISK, PACKED
from cyberprivacy.privacy_os.sources import BUILD_SUITE, KERNEL, STUB, gather
from cyberprivacy.privacy_os.toolbox import toolbox
from cyberprivacy.privacy_os.volume import make_volume
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townmachine import Desk, TownMachine

RESULTS = Path(__file__).parent / "results" / "privacy_os.json"
PATIENCE = 600.0
CONFIGURATION = f"address {ADDRESS}\nchain http://10.0.2.2:8545\ndao 0x{1:040x}\n".encode()
STOCK_SERVING = "stock: serving"
PROGRAM = f"""
import signal, socket
with socket.create_server(("", 8443)), open("/dev/console", "w") as console:
    print("{STOCK_SERVING}", file=console, flush=True)
    signal.pause()
"""
UNIT = "[Service]\nExecStart=/usr/bin/python3 /serve.py\n[Install]\nWantedBy=multi-user.target\n"


def types(*words: object) -> dict[str, object]:
    """What a person would type; its JSON answer."""
    command = [sys.executable, "-m", "cyberprivacy", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


class Stock:
    """A Debian with the same kernel, as a disk image beside its kernel and initial RAM disk."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.disk = folder, folder / "stock.img"

    def build(self) -> None:
        """Out of Debian's packages, which were fetched before: see `main`."""
        root, tar = self.folder / "root", self.folder / "root.tar"
        packages = f"systemd-sysv,python3-minimal,libpython3-stdlib,initramfs-tools,zstd,{KERNEL}"
        (self.folder / "serve.py").write_text(PROGRAM)
        (self.folder / "serve.service").write_text(UNIT)
        subprocess.run(
            (
                *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}"),
                f"--customize-hook=copy-in {self.folder}/serve.py /",
                f"--customize-hook=copy-in {self.folder}/serve.service /etc/systemd/system",
                '--customize-hook=chroot "$1" systemctl enable --quiet serve.service',
                *(BUILD_SUITE, str(tar)),
            ),
            check=True,
        )
        root.mkdir()
        subprocess.run(("tar", "--extract", f"--file={tar}", f"--directory={root}"), check=True)
        for name, found in (("vmlinuz", "vmlinuz-*"), ("initrd.img", "initrd.img-*")):
            (path,) = (root / "boot").glob(found)
            shutil.copyfile(path, self.folder / name)
        words = ("mke2fs", "-q", "-t", "ext4", "-d", str(root), str(self.disk), "1500M")
        subprocess.run(words, check=True)

    def packed(self) -> int:
        """Bytes of its root, packed by the tools and with the options of the Privacy OS."""
        with httpx2.Client(timeout=60) as client:
            build = gather(SOURCES, CACHE / "packages", client).build
        with toolbox({name: data for name, data in build.items() if name not in {KERNEL, STUB}}, CACHE) as box:
            shutil.copyfile(self.folder / "root.tar", box.work / "root.tar")
            box.run("mkfs.erofs", "--quiet", "--tar=f", *PACKED, "/work/root.erofs", "/work/root.tar")
            return (box.work / "root.erofs").stat().st_size

    @property
    def words(self) -> Sequence[str]:
        """For QEMU: its kernel, and its disk once more, which takes what is written and forgets it."""
        return (
            *("-drive", f"if=virtio,format=raw,snapshot=on,file={self.disk}"),
            *("-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd.img")),
            *("-append", "root=/dev/vdb rw console=ttyS0 quiet"),
        )


def power_on(settings: Settings, words: str) -> float:
    """Seconds from power-on until the machine has said these words."""

    def work() -> None:
        with running(settings) as machine:
            assert machine.wait_for(words, PATIENCE), settings.state

    return timed(work)


class Ours:
    """The Privacy OS."""

    def __init__(self, folder: Path) -> None:
        self.image, self.volume = folder / "os", folder / "machine.img"
        self.volume.write_bytes(make_volume(CONFIGURATION))

    def build(self) -> None:
        """With tools that are unpacked, out of packages that were fetched before."""
        types("os", "build", "--to", self.image)


def verifications(image: Path, folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of `verify` for what a machine says of itself, and of a bare Python; one pair a round."""
    desk = Desk(folder / "desk", types)
    machine = TownMachine(folder / "asked", image / DISK, CONFIGURATION, desk=desk, types=types)
    with machine:
        machine.serves(lambda _: None)
        machine.enrol()
        words = ("verify", *machine.evidence(), *desk.asked(image, level="measured-boot"))
        pairs = [
            (timed(lambda: types(*words)), timed(lambda: subprocess.run([sys.executable, "-c", ""], check=True)))
            for _ in range(rounds)
        ]
    return [ours for ours, _ in pairs], [bare for _, bare in pairs]


def measured(folder: Path, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds and bytes of both, by what was measured."""
    ours, stock = Ours(folder), Stock(folder)
    ours.build()  # what the locks name is fetched, and the tools are unpacked
    found: dict[str, dict[str, list[float]]] = {
        "build_seconds": {"ours": [timed(ours.build)], "stock": [timed(stock.build)]},
        "root_bytes": {"ours": [float((ours.image / DISK).stat().st_size)], "stock": [float(stock.packed())]},
        "power_on_seconds": {"ours": [], "stock": []},
    }
    for number in range(rounds):
        state, on = folder / f"round{number}", found["power_on_seconds"]
        machine = Settings(disk=ours.image / DISK, volumes=(ours.volume,), state=state / "ours", port=free_port())
        other = Settings(disk=stock.disk, volumes=(), state=state / "stock", port=free_port(), more=stock.words)
        on["ours"].append(power_on(machine, SERVING))
        on["stock"].append(power_on(other, STOCK_SERVING))
    verified, bare = verifications(ours.image, folder, 5)
    return found | {"verification_seconds": {"ours": verified, "stock": bare}}


def main() -> None:
    """Print the ratios; keep what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        found = measured(Path(place), parser.parse_args().rounds)
    how = "KVM" if virtualised() else "TCG"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": how, "kernel": KERNEL, "raw": found}, indent=1) + "\n")
    for what, raw in found.items():
        ratio = statistics.median(a / b for a, b in zip(raw["ours"], raw["stock"], strict=True))
        ours, stock = (statistics.median(raw[name]) for name in ("ours", "stock"))
        print(f"{what:<22} ours/stock {ratio:.2f} (ours {ours:.1f}, stock {stock:.1f})")


if __name__ == "__main__":
    main()
