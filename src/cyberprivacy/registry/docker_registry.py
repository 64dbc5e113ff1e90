"""The embedded engine behind `registry`: Debian's docker-registry, on the loopback address, behind TLS.

Everything that it needs is made at the first start: a private CA, a password, a configuration. It is watched
and started again while we live, and the kernel ends it when we die. For a new certificate, and to clean its disk
up, it is paused: transfers that are under way end first, new ones wait for a moment.
"""

import base64
import json
import secrets
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2

from cyberprivacy.build.oci import replace
from cyberprivacy.build.scratch import disk_problem, on_disk
from cyberprivacy.bundle.scratch import if_unused, in_use
from cyberprivacy.errors import TryLater
from cyberprivacy.registry import cleaning
from cyberprivacy.registry.certificates import renew
from cyberprivacy.registry.distribution import Credentials, Distribution, trusting
from cyberprivacy.registry.oci import OciRegistry

USER: Final = "node"
PATIENCE: Final = 20.0  # seconds until it must answer
PAUSE: Final = 1.0  # seconds before it is started again
MAX_LOG: Final = 1 << 20
DRAIN: Final = 5  # seconds that a transfer may take to end when it is stopped


class DockerRegistry:
    """A registry of our own, as a context manager.

    Args:
        folder: private folder for its data, keys and log.
        port: TCP port on 127.0.0.1; image references contain it, so keep it.
        storage: folder for images; None is `folder`/storage.
        clock: seconds since 1970, for certificates.
    """

    def __init__(
        self, folder: Path, port: int, *, storage: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder, self.port, self._clock = folder, port, clock
        self.url = f"https://127.0.0.1:{port}"
        self.host = f"127.0.0.1:{port}"
        self.storage = storage or folder / "storage"
        self.certs = folder / "certs"
        """Folder with the CA as "ca.crt": for `podman --cert-dir`."""
        self.authfile = folder / "auth.json"
        """Credentials: for `podman --authfile` and `OciRegistry`."""
        self._stopping, self._turn = threading.Event(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: threading.Thread | None = None
        self._client: Distribution | None = None
        self._tls: ssl.SSLContext | None = None

    @property
    def ca(self) -> Path:
        """PEM file of the private CA."""
        return self.certs / "ca.crt"

    def connect(self) -> Distribution:
        """A client of it; closed when it stops."""
        if self._client is None:
            self._tls = trusting(self.ca)
            client = httpx2.Client(verify=self._tls, timeout=60, trust_env=False)
            self._client = Distribution(self.url, client, Credentials.read(self.authfile, self.host))
        return self._client

    def registry(self) -> OciRegistry:
        """It as a `Registry`."""
        return OciRegistry(self.connect(), lambda: in_use(self.folder))

    def start(self) -> Self:
        """Start it and wait until it answers; started already changes nothing.

        Raises:
            TryLater: it does not start ("registry.start"), or the disk is full.
        """
        if self._watch and self._watch.is_alive():
            return self
        try:
            self._prepare()
        except OSError as problem:
            raise disk_problem(problem) from problem
        self._stopping.clear()
        # The kernel ends the engine with the thread that started it, so that thread lives as long as the engine.
        self._watch = threading.Thread(target=self._keep_running, name="docker-registry", daemon=True)
        self._watch.start()
        try:
            self._wait()
        except TryLater:
            self.stop()
            raise
        return self

    def tend(self) -> bool:
        """Renew the certificate within a month of its end, and serve with it; whether that was done.

        To be called now and then; while somebody pushes through `registry` it waits for the next time. Clients
        made here trust a new CA at once, and the old one as long as it lasts.

        Raises:
            TryLater: it does not start again ("registry.start"), or the disk failed.
        """
        with on_disk(), if_unused(self.folder) as unused:
            if not unused or not renew(self.folder / "tls", self.certs, self._now()):
                return False
            if self._tls is not None:
                self._tls.load_verify_locations(cafile=str(self.ca))
            with self._paused():
                return True

    def keep(self, digests: Collection[str], *, unused_since: float) -> int:
        """Drop every image but these and those that came later; gives the bytes that are free now.

        Nothing is dropped while somebody pushes through `registry`; call it again later.

        Args:
            digests: of image manifests ("sha256:…"), base images included.
            unused_since: seconds since 1970.

        Raises:
            TryLater: it cannot be cleaned up ("registry.cleaning"), it does not start again ("registry.start"),
                or the disk failed.
        """
        with on_disk(), if_unused(self.folder) as unused:
            if not unused or not cleaning.dispensable(self.storage, digests, unused_since):
                return 0
            with self._paused():
                return cleaning.clean(self.storage, self.folder / "config.yml", digests, unused_since)

    def stop(self) -> None:
        """Stop it; stopped already changes nothing."""
        self._stopping.set()
        if self._process:
            self._process.terminate()
        if self._watch:
            self._watch.join(PATIENCE)
        self._watch = None
        if self._client:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.storage.mkdir(parents=True, exist_ok=True, mode=0o700)
        renew(self.folder / "tls", self.certs, self._now())
        if not self.authfile.exists():
            self._make_password()
        config = self.folder / "config.yml"
        replace(config, json.dumps(self._config(), indent=2).encode())  # JSON is YAML
        with suppress(TryLater):  # it serves all the same; `keep` will say what is wrong
            cleaning.clean(self.storage, config)  # what a crash left: half an upload, half a clean-up

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _make_password(self) -> None:
        password = secrets.token_urlsafe(32)
        try:
            hashed = subprocess.run(
                ["htpasswd", "-niB", USER], input=password.encode(), capture_output=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError) as problem:
            raise TryLater("htpasswd cannot be run", code="registry.start", waits_for="htpasswd") from problem
        replace(self.folder / "htpasswd", hashed)
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        replace(self.authfile, json.dumps({"auths": {self.host: {"auth": auth}}}).encode(), mode=0o600)

    def _config(self) -> dict[str, object]:
        """Source: distribution.github.io, "Configuring a registry", version 2.8."""
        tls = {
            "certificate": str(self.folder / "tls" / "server.crt"),
            "key": str(self.folder / "tls" / "server.key"),
            "minimumtls": "tls1.2",
        }
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.storage)}, "delete": {"enabled": True}},
            "http": {
                "addr": self.host,
                "secret": secrets.token_hex(32),
                "tls": tls,
                "draintimeout": f"{DRAIN}s",
            },
            "auth": {"htpasswd": {"realm": "cyberprivacy", "path": str(self.folder / "htpasswd")}},
        }

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            with self._turn:
                if not self._run_once():
                    return
            self._stopping.wait(PAUSE)

    def _run_once(self) -> bool:
        """Run the engine until it ends; False when it cannot be run at all."""
        command = ["setpriv", "--pdeathsig", "KILL", "--", "docker-registry", "serve"]
        path = self.folder / "registry.log"
        long = path.exists() and path.stat().st_size > MAX_LOG
        with path.open("wb" if long else "ab") as log:
            try:
                self._process = subprocess.Popen(
                    [*command, str(self.folder / "config.yml")],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=cleaning.ENV,
                    cwd="/",
                )
            except OSError as problem:
                log.write(str(problem).encode())
                return False
            if self._stopping.is_set():
                self._process.terminate()
            self._process.wait()
        return True

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """The engine is down while the block lasts, and answers again after it if it did before."""
        deadline = time.monotonic() + PATIENCE
        while not self._turn.acquire(timeout=0.05):  # its watcher gives way when it has ended
            if self._process:
                patient = time.monotonic() < deadline
                self._process.send_signal(signal.SIGTERM if patient else signal.SIGKILL)
        try:
            yield
        finally:
            self._turn.release()
        if self._watch:
            self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        distribution = self.connect()
        while time.monotonic() < deadline and self._watch and self._watch.is_alive():
            try:
                if distribution.answers():
                    return
            except TryLater:
                time.sleep(0.05)
        log = (self.folder / "registry.log").read_text(errors="replace").strip()[-400:]
        raise TryLater("docker-registry does not start", code="registry.start", waits_for=self.host, log=log)
