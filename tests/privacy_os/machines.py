"""Real machines in QEMU, seen from outside, and whoever vouches for their TPMs."""

import json
import mmap
import secrets
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hands import Hands

from cyberprivacy.cli.privacy_os import CACHE, SOURCES
from cyberprivacy.privacy_os.emulator import ADDRESS, SERVING, STOPPED, Running, Settings, running
from cyberprivacy.privacy_os.image import DISK
from cyberprivacy.privacy_os.partitions import ALIGNED, SECTOR
from cyberprivacy.privacy_os.secure_boot import Keys
from cyberprivacy.privacy_os.sources import KERNEL, STUB, Sources, gather
from cyberprivacy.privacy_os.toolbox import Toolbox, toolbox
from cyberprivacy.privacy_os.volume import make_volume
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townmachine import Desk

CONFIGURATION = f"""address {ADDRESS}
gateway 10.0.2.2
chain http://10.0.2.2:8545
dao 0x0000000000000000000000000000000000000001
""".encode()
PATIENCE = 900.0
"""Seconds; where others compute beside it, a machine gets a fifth of a processor, and needs a minute of one to serve."""


def cyberprivacy(*words: object, code: int = 0) -> dict[str, object]:
    """What a person would type, with `--json`; gives the document that it prints."""
    command = [sys.executable, "-m", "cyberprivacy", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def codes(report: dict[str, object]) -> dict[str, str]:
    """What a verifier found, by check."""
    checks = report["checks"]
    assert isinstance(checks, list)
    return {check["name"]: check["code"] for check in checks}


def failed(report: dict[str, object]) -> set[str]:
    """Why it refused."""
    return set(codes(report).values()) - {"ok"}


def root_at(image: Path) -> int:
    """Where on an image's disk its root begins."""
    with (image / DISK).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # Partitions begin at whole MiB, a file system's magic stands 1024 bytes behind.
        starts = range(0, len(data), ALIGNED * SECTOR)
        (at,) = (each for each in starts if data[each + 1024 : each + 1028] == b"\xe2\xe1\xf5\xe0")
    return at


def changed_root(image: Path) -> bytes:
    """An image's disk with one bit of its root changed: in the file system's own head."""
    data = bytearray((image / DISK).read_bytes())
    data[root_at(image) + 1024 + 100] ^= 1
    return bytes(data)


class Machine:
    """A machine that was started, seen from outside."""

    def __init__(self, machine: Running, port: int, state: Path) -> None:
        self._running, self.state = machine, state
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # evidence is what proves the key
        no_reuse = httpx2.Limits(max_keepalive_connections=0)  # the door closes what is quiet
        self._http = httpx2.Client(
            base_url=f"https://127.0.0.1:{port}", verify=context, timeout=120, limits=no_reuse
        )
        self._port = port

    def close(self) -> None:
        self._http.close()

    def hands(self) -> Hands:
        """Somebody sits down at it: see `Settings.hands`."""
        return Hands(self.state)

    @property
    def on(self) -> bool:
        """Whether it has power."""
        return self._running.on

    def serves(self, heard: Callable[[str], None] = lambda _: None) -> None:
        """Wait until it does; `heard` is told each line on its console."""
        assert self._running.wait_for(SERVING, PATIENCE, heard), self.console()

    def says(self, words: str, seconds: float = PATIENCE) -> None:
        """Wait until it says this."""
        assert self._running.wait_for(words, seconds) is not None, self.console()

    def stops(self) -> str:
        """Why it switched itself off."""
        line = self._running.wait_for(STOPPED, PATIENCE)
        assert line is not None, self.console()
        return line.partition(STOPPED)[2]

    def off(self) -> str:
        """All that it said, when it went off without serving."""
        assert self._running.wait_for(SERVING, PATIENCE) is None
        return self.console()

    def console(self) -> str:
        return (self.state / "console.log").read_text("ascii", "replace")

    def door(self, path: str) -> bytes:
        """What its own door answers."""
        return self._http.get(path).raise_for_status().content

    def tell(self, path: str, body: bytes) -> None:
        """Leave something at its door."""
        self._http.post(path, content=body).raise_for_status()

    def enrol(self, desk: Desk) -> None:
        request, answer = self.state / "request.json", self.state / "answer.json"
        request.write_bytes(self._http.get("/enrolment").raise_for_status().content)
        desk.certify(request, answer)
        self._http.post("/enrolment", content=answer.read_bytes()).raise_for_status()

    def verdict(self, desk: Desk, image: Path, *, code: int) -> dict[str, object]:
        """What the verifier says of it, about the key that answers."""
        nonce, key = self.asked(), self.state / "key.pem"
        key.write_bytes(pem(self.key()))
        return self.judged(desk, image, key=key, nonce=nonce, code=code)

    def asked(self) -> str:
        """Take evidence; the nonce that it was asked with."""
        nonce = secrets.token_hex(32)
        said = self._http.get("/evidence", params={"nonce": nonce}).raise_for_status()
        (self.state / "evidence.json").write_bytes(said.content)
        return nonce

    def key(self) -> ec.EllipticCurvePublicKey:
        """The key that answers."""
        certificate = ssl.get_server_certificate(("127.0.0.1", self._port)).encode()
        public = x509.load_pem_x509_certificate(certificate).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        return public

    def listening(self) -> list[str]:
        """Where it can be spoken to, by its own word."""
        return list(self._http.get("/listening").raise_for_status().json())

    def judged(self, desk: Desk, image: Path, *, key: Path, nonce: str, code: int) -> dict[str, object]:
        """What the verifier says of the evidence that was taken, to who asks about this key and nonce."""
        words = (*desk.asked(image, level="measured-boot"), "--key", key, "--nonce", nonce, "--role", "machine")
        return cyberprivacy("verify", self.state / "evidence.json", *words, code=code)

    def boot_log(self) -> Path:
        log = self.state / "boot-log"
        log.write_bytes(self._http.get("/boot-log").raise_for_status().content)
        return log

    def diagnosis(self, program: Path, *, code: int, config: Path | None = None) -> dict[str, object]:
        log = self.boot_log()
        more = () if config is None else ("--config", config)
        return cyberprivacy("os", "diagnose", log, "--image", program, *more, code=code)


@cache
def gathered() -> Sources:
    """What an image is made of."""
    with httpx2.Client(timeout=60) as client:
        return gather(SOURCES, CACHE / "packages", client)


@contextmanager
def locked_tools() -> Iterator[tuple[Sources, Toolbox]]:
    """What an image is made of, and the tools that make it."""
    sources = gathered()
    with toolbox({name: data for name, data in sources.build.items() if name not in {KERNEL, STUB}}, CACHE) as box:
        yield sources, box


def lay_beside(disk: Path, to: Path, place: str, data: bytes = b"evil") -> None:
    """A copy of an image's disk with a file more on its system partition, by the locked tools."""
    start = f"/work/disk.img@@{ALIGNED * SECTOR}"
    with locked_tools() as (_, box):
        shutil.copyfile(disk, box.work / "disk.img")
        (box.work / "more").write_bytes(data)
        box.run("mmd", "-i", start, f"::/{place.rpartition('/')[0]}")
        box.run("mcopy", "-i", start, "/work/more", f"::/{place}")
        shutil.move(box.work / "disk.img", to)


def another_key() -> bytes:
    """The public key of nobody here, as PEM."""
    return pem(ec.generate_private_key(ec.SECP256R1()).public_key())


def pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@contextmanager
def started(
    folder: Path,
    disk: Path,
    *,
    desk: Desk | None = None,
    texts: Sequence[bytes] = (),
    disks: Sequence[Path] = (),
    more: Sequence[str] = (),
    hands: bool = False,
    offered: Path | None = None,
    keys: Keys | None = None,
) -> Iterator[Machine]:
    """Start a machine with a fresh TPM, unless there is one; `texts` are configuration volumes as they are, else the usual one."""
    volumes = []
    for number, volume in enumerate(texts or (make_volume(CONFIGURATION),)):
        path = folder / f"volume{number}.img"
        path.write_bytes(volume)
        volumes.append(path)
    state, port = folder / "state", free_port()
    state.mkdir(exist_ok=True)
    if desk is not None:
        desk.provision(state / "tpm")
    settings = Settings(disk=disk, volumes=(*volumes, *disks), state=state, port=port)
    settings = replace(settings, more=more, hands=hands, offered=offered, keys=keys)
    with running(settings) as process:
        machine = Machine(process, port, state)
        try:
            yield machine
        finally:
            machine.close()
