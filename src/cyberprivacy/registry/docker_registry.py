"""The embedded engine behind `registry`: Debian's docker-registry, on the loopback address, behind TLS.

Everything that it needs is made at the first start: a private CA, a password, a configuration. It is watched
and started again while we live, and the kernel ends it when we die.
"""

import base64
import json
import secrets
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cyberprivacy.build.oci import replace
from cyberprivacy.build.scratch import disk_problem
from cyberprivacy.errors import TryLater
from cyberprivacy.registry.certificates import renew
from cyberprivacy.registry.distribution import Distribution
from cyberprivacy.registry.oci import OciRegistry, connect

USER: Final = "node"
PATIENCE: Final = 20.0  # seconds until it must answer
PAUSE: Final = 1.0  # seconds before it is started again


class DockerRegistry:
    """A registry of our own, as a context manager.

    Args:
        folder: private folder for its data, keys and log.
        port: TCP port on 127.0.0.1; image references contain it, so keep it.
        storage: folder for images; None is `folder`/storage.
    """

    def __init__(self, folder: Path, port: int, *, storage: Path | None = None) -> None:
        self.folder, self.port = folder, port
        self.url = f"https://127.0.0.1:{port}"
        self.host = f"127.0.0.1:{port}"
        self.storage = storage or folder / "storage"
        self.certs = folder / "certs"
        """Folder with the CA as "ca.crt": for `podman --cert-dir`."""
        self.authfile = folder / "auth.json"
        """Credentials: for `podman --authfile` and `OciRegistry`."""
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: threading.Thread | None = None
        self._client: Distribution | None = None

    @property
    def ca(self) -> Path:
        """PEM file of the private CA."""
        return self.certs / "ca.crt"

    def connect(self) -> Distribution:
        """A client of it; closed when it stops."""
        if self._client is None:
            self._client = connect(self.url, ca=self.ca, authfile=self.authfile)
        return self._client

    def registry(self) -> OciRegistry:
        """It as a `Registry`."""
        return OciRegistry(self.connect())

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
        self._wait()
        return self

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
        renew(self.folder / "tls", self.certs)
        if not self.authfile.exists():
            self._make_password()
        replace(self.folder / "config.yml", json.dumps(self._config(), indent=2).encode())  # JSON is YAML

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
            "http": {"addr": self.host, "secret": secrets.token_hex(32), "tls": tls},
            "auth": {"htpasswd": {"realm": "cyberprivacy", "path": str(self.folder / "htpasswd")}},
        }

    def _keep_running(self) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", "--", "docker-registry", "serve"]
        while not self._stopping.is_set():
            with (self.folder / "registry.log").open("wb") as log:
                try:
                    self._process = subprocess.Popen(
                        [*command, str(self.folder / "config.yml")],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},  # REGISTRY_* would change its settings
                        cwd="/",
                    )
                except OSError as problem:
                    log.write(str(problem).encode())
                    return
                if self._stopping.is_set():
                    self._process.terminate()
                self._process.wait()
            self._stopping.wait(PAUSE)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        distribution = self.connect()
        while time.monotonic() < deadline and self._watch and self._watch.is_alive():
            try:
                if distribution.answers():
                    return
            except TryLater:
                time.sleep(0.05)
        self.stop()
        log = (self.folder / "registry.log").read_text(errors="replace").strip()[-400:]
        raise TryLater("docker-registry does not start", code="registry.start", waits_for=self.host, log=log)
