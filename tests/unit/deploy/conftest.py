import datetime as dt
import http.client
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.deploy.addresses import subnets
from tests.unit.deploy.answers import Serve, serving
from tests.unit.deploy.images import app_layer, python_layer, write_image

from cyberprivacy.build.image import Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.engine import Pull
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.podman import PodmanRuntime, PodmanSettings
from cyberprivacy.registry.pushed import SEAL, PushedImage
from cyberprivacy.review.workload import (
    Claim,
    ClaimMount,
    ConfigMap,
    ConfigMapMount,
    Container,
    Probe,
    ScratchMount,
    Service,
    Topology,
    Workload,
)

GUESTBOOK = Path(__file__).parents[3] / "examples/guestbook"
PYTHON = ("/usr/bin/python3", "-B")
SERVE = (*PYTHON, "/app/main.py", "--host", "0.0.0.0")  # noqa: S104 inside a container
READY = Probe("/healthz", 8080, 0, 1, 2, 2)


def identity(name: str) -> bytes:
    """A self-signed certificate for this machine and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = builder.not_valid_after(now + dt.timedelta(days=1)).add_extension(names, critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """One connection of a user, kept open; checks no certificate, but tells whose it is."""

    def __init__(self, port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)

    def ask(self, method: str = "GET", path: str = "/", body: bytes | None = None, **headers: str):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, names)
        answer = self.connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def whose(self) -> str:
        if self.connection.sock is None:
            self.connection.connect()
        certificate = self.connection.sock.getpeercert(binary_form=True)
        names = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value)

    def close(self) -> None:
        self.connection.close()


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that HAProxy's own user can walk into, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="deploy-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def backend() -> Iterator[tuple[str, int]]:
    """A server that answers with what it was asked, in JSON."""

    class Echo(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            time.sleep(0.8 if self.path == "/slow" else 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = json.dumps({"path": self.path, "headers": headers}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Cyberprivacy-Reason", "forged")
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 the name is http.server's

        def log_message(self, *_: object) -> None: ...

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """HAProxy's connection checks end with a reset."""

    server = Server(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    yield "127.0.0.1", server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Containers that answer probes as a test says."""
    with serving() as start:
        yield start


@pytest.fixture
def front(folder: Path) -> Iterator[Front]:
    front = Front(Path(tempfile.mkdtemp(dir=folder)))
    Path(front._state).chmod(0o711)
    yield front
    front.stop()


class Machine:
    """A Privacy Server's engines: registry, runtime, front; one application, `book`."""

    def __init__(self, folder: Path, registry: int, images: dict[str, str], subnets: IPv4Network) -> None:
        self.folder, self.registry, self.images = folder, registry, images
        self.port = free_port()
        self.front = Front(folder / "front")
        self.settings = PodmanSettings(
            data=folder / "data",
            storage=folder / "storage",
            run=Path("/run") / folder.name,
            subnets=subnets,
            pull=Pull(tls=False),
            start_seconds=10,
        )
        self.runtime = PodmanRuntime(self.settings, self.front)
        self.front.serve("book", f"127.0.0.1:{self.port}", identity("first"), folder / "api.sock")

    def client(self) -> Client:
        return Client(self.port)

    def read(self, path: str = "/healthz"):
        client = self.client()
        try:
            return client.ask("GET", path)
        finally:
            client.close()

    def version(self) -> str:
        return str(json.loads(self.read()[2])["version"])

    def pushed(self, version: str, name: str = "web") -> PushedImage:
        digest = self.images[version]
        reference = f"127.0.0.1:{self.registry}/book/web@{digest}"
        return PushedImage(name=name, reference=reference, digest=Digest(digest), seal=SEAL)

    def guestbook(self, version: str = "1.0.0", *, release: str = "", **changes: object) -> Application:
        return self.application(version, topology(**changes), release or version)

    def application(self, version: str, topology: Topology, release: str = "r") -> Application:
        images = {one.container.image: self.pushed(version, one.container.image) for one in topology.workloads}
        return Application(name="book", release=Cid.of(DAG_PB, release.encode()), topology=topology, images=images)

    def podman(self, *arguments: str) -> str:
        return self.runtime._engine.do(*arguments)


def container(**changes: object) -> Container:
    fields: dict[str, object] = {
        "name": "guestbook",
        "image": "web",
        "command": (),
        "args": (),
        "env": (("GUESTBOOK_TITLE", "Book of tests"),),
        "ports": (8080,),
        "user": 10001,
        "cpu_millis": 1000,
        "memory": 128 << 20,
        "readiness": READY,
        "liveness": None,
        "mounts": (ClaimMount("/data", "messages", read_only=False), ScratchMount("/tmp", 1 << 20)),
    }
    return Container(**(fields | changes))  # type: ignore[arg-type]


def topology(*, replicas: int = 1, **changes: object) -> Topology:
    mounts = (
        ClaimMount("/data", "messages", read_only=False),
        ScratchMount("/tmp", 1 << 20),
        ConfigMapMount("/settings", "settings"),
    )
    return Topology(
        workloads=(Workload("web", replicas, container(**({"mounts": mounts} | changes)), 5),),
        services=(Service("web", 80, "web", 8080),),
        config_maps=(ConfigMap("settings", (("greeting.txt", "hello\n"),)),),
        claims=(Claim("messages", 1 << 20),),
        public="web",
    )


@pytest.fixture(scope="session")
def registry(folder: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Debian's docker-registry on a loopback port, and the guestbook's images by version."""
    port, base = free_port(), python_layer()
    settings = folder / "registry.yml"
    settings.write_text(
        f'version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: "{folder}/registry"}}}}\n'
        f'http: {{addr: "127.0.0.1:{port}"}}\n'
    )
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(["docker-registry", "serve", settings], stdout=quiet, stderr=quiet)
    digests = {}
    for version in ("1.0.0", "1.1.0"):
        layout, app = folder / f"image-{version}", {}
        for release in ("1.0.0", version):
            app |= {f"/app/{file.name}": file.read_bytes() for file in (GUESTBOOK / release / "app").glob("*.*")}
        digests[version] = write_image(layout, [base, app_layer(app)], list(SERVE))
        push = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout}"]
        eventually(
            lambda push=push, version=version: _push([*push, f"docker://127.0.0.1:{port}/book/web:{version}"])
        )
    yield port, digests
    process.terminate()
    process.wait()


def _push(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def engines(folder: Path, registry: tuple[int, dict[str, str]]) -> Iterator[Machine]:
    if os.geteuid():
        pytest.skip("needs root")
    with subnets() as ours:
        machine = Machine(folder, *registry, ours)
        yield machine
        for found in machine.runtime._engine.containers():
            machine.runtime._engine.discard([found])
        machine.runtime.remove("book")
        machine.front.stop()
        subprocess.run(["umount", machine.settings.storage / "overlay"], check=False, capture_output=True)
        shutil.rmtree(machine.settings.run, ignore_errors=True)


@pytest.fixture
def machine(engines: Machine) -> Iterator[Machine]:
    """The machine with nothing deployed and no data."""
    yield engines
    engines.runtime.remove("book")
    shutil.rmtree(engines.settings.data / "book", ignore_errors=True)


def eventually(done: Callable[[], object], seconds: float = 20.0) -> object:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
    return answer
