"""A machine with the Privacy OS in a town: QEMU with a software TPM, told a chain and an organisation.

Beside it whoever vouches for TPMs (`Desk`), and somebody who changes an image (`changed`).
"""

import json
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC
from cyberprivacy.errors import TryLater
from cyberprivacy.privacy_os.emulator import ADDRESS, SERVING, Running, Settings, make_tpm, running
from cyberprivacy.privacy_os.image import DISK, MEASUREMENTS
from cyberprivacy.privacy_os.volume import make_volume
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.tpm import FakeVendor

HOST: Final = "10.0.2.2"
"""This machine, seen from inside. Source: QEMU, "User mode networking"."""
MEMORY: Final = 3072
"""MiB: a build holds a base image several times, and the data of a demo's machine are in memory, too."""
BOOT: Final = 900.0
"""Seconds to serve under emulation, on a machine that does much else."""
LOG: Final = "/.well-known/cyberprivacy/log"

Types = Callable[..., Mapping[str, Any]]
"""Has somebody type a command; its JSON answer."""


class Desk:
    """A maker of TPMs, and an authority that vouches for machines; both for development.

    Args:
        folder: what they keep.
        types: has somebody type a command.
    """

    def __init__(self, folder: Path, types: Types) -> None:
        folder.mkdir()
        self.folder, self._types, self.vendor = folder, types, FakeVendor.new(marked=False)
        (folder / "vendor.pem").write_bytes(self.vendor.root.public_bytes(Encoding.PEM))
        (folder / "issuer.pem").write_bytes(self.vendor.issuer.public_bytes(Encoding.PEM))
        made = types("tpm", "authority", folder / "authority", "--name", "Somebody who has seen it")
        self.root = str(made["root"])

    def provision(self, state: Path) -> None:
        """What leaves the factory: a TPM with a certificate.

        Args:
            state: of the TPM.
        """
        make_tpm(state)
        engine = SoftwareTpm(state)
        self.vendor.provision(Tpm(engine), 0x01C0000A, ENDORSEMENT_ECC)
        engine.close()

    def certify(self, request: Path, answer: Path) -> None:
        """Answer what a machine asks for its attestation key."""
        self._types(
            *("tpm", "certify", request, "--authority", self.folder / "authority", "-o", answer),
            *("--vendor", self.folder / "vendor.pem", "--issuers", self.folder / "issuer.pem"),
        )

    def asked(self, image: Path, *, level: str) -> tuple[str | Path, ...]:
        """What a verifier asks for, as words: this image, on a machine that the authority vouches for.

        Args:
            image: folder of its files.
            level: what the authority is worth to the verifier; "development" is said by hand, in no file.
        """
        measured = json.loads((image / MEASUREMENTS).read_text())["measurement"]
        path, by_hand = self.folder / f"policy-{level}.json", level == "development"
        worth = {} if by_hand else {"least": level, "roots": {self.root: level}}
        path.write_text(json.dumps({"v": 1, "measurements": {f"sha256:{measured}": "Privacy OS"}, **worth}))
        return ("--policy", path, *(("--allow-development", self.root) if by_hand else ()))


class TownMachine:
    """A machine with the Privacy OS, seen from outside, as a context manager: it runs while the block lasts.

    Args:
        folder: what it keeps; made.
        disk: the image's disk.
        configuration: what its operator says.
        desk: who vouches for its TPM.
        types: has somebody type a command.
        kvm: use the processor's virtualisation; None = if it works here.
        data: MiB of its data disk, which is made blank; 0 = it has none.
    """

    def __init__(
        self,
        folder: Path,
        disk: Path,
        configuration: bytes,
        *,
        desk: Desk,
        types: Types,
        kvm: bool | None = None,
        data: int = 0,
    ) -> None:
        folder.mkdir(parents=True)
        self._folder, self._desk, self._types = folder, desk, types
        self.port, self.application, self._ends = free_port(), free_port(), ExitStack()
        desk.provision(folder / "tpm")
        (folder / "machine.img").write_bytes(make_volume(configuration))
        if data:
            with (folder / "data.img").open("wb") as file:
                file.truncate(data << 20)
        self._settings = Settings(
            disk=disk,
            volumes=(folder / "machine.img",),
            state=folder,
            data=folder / "data.img" if data else None,
            port=self.port,
            application=self.application,
            outward=True,
            memory=MEMORY,
            kvm=kvm,
        )
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # evidence is what proves a key
        # The door closes a connection on which nothing is said for a while: each question has one of its own.
        self._http = httpx2.Client(verify=context, timeout=120, limits=httpx2.Limits(max_keepalive_connections=0))
        self._machine: Running | None = None

    @property
    def url(self) -> str:
        """Where its first application's users connect."""
        return f"https://127.0.0.1:{self.application}"

    @property
    def log(self) -> Path:
        """What it said on its console."""
        return self._folder / "console.log"

    def __enter__(self) -> Self:
        self._machine = self._ends.enter_context(running(self._settings))
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._ends.close()

    def loses_power(self) -> None:
        """Somebody pulls the plug, and puts it in again."""
        self._ends.close()
        self._machine = self._ends.enter_context(running(self._settings))

    def serves(self, say: Callable[[str], None]) -> None:
        """Wait until its door answers, telling what it says until then.

        Raises:
            TryLater: it went off, or takes too long.
        """
        if self._machine is None or self._machine.wait_for(SERVING, BOOT, say) is None:
            raise TryLater("the machine went off", code="os.stopped", log=str(self.log))

    def alive(self) -> bool:
        """Whether it has power."""
        return self._machine is not None and self._machine.on

    def enrol(self) -> None:
        """Have its attestation key certified."""
        request, answer = self._folder / "request.json", self._folder / "answer.json"
        request.write_bytes(self._door("/enrolment"))
        self._desk.certify(request, answer)
        door = f"https://127.0.0.1:{self.port}/enrolment"
        self._http.post(door, content=answer.read_bytes()).raise_for_status()

    def identity(self) -> dict[str, str]:
        """Account, key and measurement of the node inside, by its own word; its TPM certified.

        Raises:
            TryLater: the node does not come up.
        """
        self.enrol()
        return self.named()

    def named(self) -> dict[str, str]:
        """The same, of one whose TPM was certified before.

        Raises:
            TryLater: the node does not come up.
        """
        end = time.monotonic() + BOOT
        while time.monotonic() < end and self.alive():
            with suppress(httpx2.HTTPError):
                return dict(json.loads(self._door("/identity")))
            time.sleep(1)
        raise TryLater("the node inside does not come up", code="os.no-node", log=str(self.log))

    def entries(self) -> list[dict[str, Any]]:
        """What the ledger of the node inside says; nothing while it does not answer."""
        time.sleep(1)  # whoever asks again and again takes from the work: it is emulated
        with suppress(httpx2.HTTPError):
            lines = self._http.get(self.url + LOG, timeout=10).raise_for_status().text.splitlines()
            return [json.loads(line) for line in lines]
        return []

    def listening(self) -> list[str]:
        """Where it can be spoken to, by its own word."""
        return list(json.loads(self._door("/listening")))

    def evidence(self) -> tuple[str | Path, ...]:
        """Fresh evidence about its own key, as the words with which `verify` checks it."""
        nonce, evidence, key = secrets.token_hex(32), self._folder / "evidence.json", self._folder / "key.pem"
        evidence.write_bytes(self._door(f"/evidence?nonce={nonce}"))
        certificate = ssl.get_server_certificate(("127.0.0.1", self.port)).encode()
        public = x509.load_pem_x509_certificate(certificate).public_key()
        key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return (evidence, "--key", key, "--nonce", nonce, "--role", "machine")

    def boot_log(self) -> Path:
        """What it says that it measured."""
        path = self._folder / "boot-log"
        path.write_bytes(self._door("/boot-log"))
        return path

    def _door(self, path: str) -> bytes:
        return self._http.get(f"https://127.0.0.1:{self.port}{path}").raise_for_status().content


def told(dao: str, *, chain: int, bundles: int, bases: int, data: str = "") -> bytes:
    """What an operator in town says: addresses here, by their ports; who has a part of the disk's key."""
    return (
        f"address {ADDRESS}\ngateway {HOST}\nchain http://{HOST}:{chain}\ndao {dao}\n"
        f"bundles http://{HOST}:{bundles}\nbases http://{HOST}:{bases}\n" + (f"data {data}\n" if data else "")
    ).encode()


def changed(image: Path, to: Path, change: Callable[[str], str]) -> Path:
    """A copy of an image's disk with another command line of the same length.

    Raises:
        ValueError: the command line is not in there exactly once, or the change is none, or changes its length.
    """
    line = json.loads((image / MEASUREMENTS).read_text())["command_line"]
    data, other = (image / DISK).read_bytes(), change(line)
    if (data.count(line.encode()), len(other), other != line) != (1, len(line), True):
        raise ValueError("not a change of one command line")
    to.write_bytes(data.replace(line.encode(), other.encode()))
    return to
