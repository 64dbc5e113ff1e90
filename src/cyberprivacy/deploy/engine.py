"""Podman as we use it: its own storage, its own settings, and nothing that the machine's owner left in /etc."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.found import EngineFailed, Found, digests_of, found
from cyberprivacy.deploy.plan import PREFIX
from cyberprivacy.errors import Untrusted

_SETTLE_SECONDS: Final = 60.0
_TRIES: Final = 3
_UNKNOWN: Final = "image not known"
"""How podman ends its only complaint when it works well and has no such image."""
_BUSY_PAUSES: Final = (0.1, 0.3, 1.0, 3.0)
"""Seconds between attempts to remove a container whose last mounts the kernel has not let go of yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """How the engine reaches the registry.

    Attributes:
        authfile: containers-auth.json(5) with the credentials; None = anonymous.
        certificates: folder with `ca.crt` of the registry; None = the machine's roots.
        tls: False only for a registry on this machine's loopback.
    """

    authfile: Path | None = None
    certificates: Path | None = None
    tls: bool = True

    def arguments(self) -> list[str]:
        """The flags of `podman pull`."""
        flags = [f"--tls-verify={str(self.tls).lower()}"]
        if self.authfile is not None:
            flags.append(f"--authfile={self.authfile}")
        if self.certificates is not None:
            flags.append(f"--cert-dir={self.certificates}")
        return flags


class Engine:
    """One private podman: nobody else's containers are in it, so whatever is in it must be ours.

    Args:
        storage: images and container layers; may be lost, never holds user data.
        run: volatile state; must be on a file system that a reboot empties, such as /run.
        runtime: OCI runtime; runc also runs on machines with the hybrid hierarchy of cgroups.
    """

    def __init__(self, storage: Path, run: Path, *, runtime: str = "runc") -> None:
        self._storage, self._run, self._settled = storage, run, False
        self._known: dict[str, frozenset[str]] = {}
        self._copies, self._settling = storage / "copies", threading.Lock()
        for folder in (storage, run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._copies.mkdir(exist_ok=True, mode=0o700)
        settings = run / "settings"
        settings.mkdir(exist_ok=True)
        (settings / "empty.conf").write_text("")
        (settings / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{storage}"\nrunroot = "{run}/root"\n'
        )
        self._environment = os.environ | {
            "CONTAINERS_CONF": str(settings / "empty.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(settings / "empty.conf"),
            "CONTAINERS_STORAGE_CONF": str(settings / "storage.conf"),
            "TMPDIR": str(self._copies),  # layers on their way in: a pull that is killed leaves them behind
        }
        self._podman = (
            "podman",
            f"--root={storage}",
            f"--runroot={run}/root",
            f"--tmpdir={run}/libpod",
            "--storage-driver=overlay",
            "--cgroup-manager=cgroupfs",
            f"--network-config-dir={run}/networks",
            "--events-backend=none",
            f"--runtime={runtime}",
        )

    def do(self, *arguments: str, timeout: float = 120.0, unless: str = "") -> str:
        """Run one podman command; returns what it printed.

        Args:
            arguments: of podman.
            timeout: seconds.
            unless: a complaint that is no failure: when every line of them ends like this, it counts as done.

        Raises:
            EngineFailed: it failed or took longer than `timeout` seconds.
        """
        try:
            done = subprocess.run(
                [*self._podman, *arguments],
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                env=self._environment,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            raise EngineFailed("podman takes too long", command=arguments[0], seconds=timeout) from None
        except FileNotFoundError:
            raise EngineFailed("podman is not installed", hint="apt install podman runc") from None
        complaints = [line for line in done.stderr.strip().splitlines() if not line.startswith("time=")]
        excused = unless and complaints and all(line.endswith(unless) for line in complaints)
        if done.returncode and not excused:
            reason = "; ".join(complaints[-3:]) or done.stderr.strip()[-600:] or f"exit code {done.returncode}"
            raise EngineFailed("podman failed", command=arguments[0], reason=reason[:600])
        return done.stdout

    def settle(self) -> None:
        """Wait for commands that a killed node left running, for they would race with ours; clear what they left.

        Raises:
            EngineFailed: one still runs after a minute, or the disk cannot be cleared.
        """
        with self._settling:  # who comes second has not begun to pull
            if not self._settled:
                self._await_others()
                self._clear()
                self._settled = True

    def _await_others(self) -> None:
        ours, deadline = f"--root={self._storage}".encode(), time.monotonic() + _SETTLE_SECONDS
        while any(ours in words and words[0].endswith(b"podman") for words in _commands()):
            if time.monotonic() > deadline:
                raise EngineFailed("an engine command of an earlier run does not end", hint="Restart the machine.")
            time.sleep(0.1)

    def _clear(self) -> None:
        """Remove what pulls that were killed had fetched; nobody else takes these away, and they are large."""
        try:
            shutil.rmtree(self._copies)
            self._copies.mkdir(mode=0o700)
        except OSError as error:
            raise EngineFailed("the engine's unfinished copies cannot be removed", reason=str(error)) from error

    def pull(self, reference: str, digest: str, access: Pull) -> str:
        """Have the image of this very manifest; returns its config digest (64 hex digits).

        Raises:
            EngineFailed: the registry is out of reach or has no such image, or the disk is full.
            Untrusted: what the engine holds is another manifest ("deploy.image").
        """
        if not reference.endswith(f"@{digest}"):
            raise Untrusted("reference and digest differ", code="deploy.image", reference=reference, digest=digest)
        if not self._described(reference):
            self.do("pull", "--quiet", *access.arguments(), reference, timeout=600)
        found = self._described(reference)
        if not found:
            raise EngineFailed("what was pulled is gone", reference=reference)
        for image in found:
            if digest in digests_of(image):
                return str(image["Id"])
        raise Untrusted("the engine holds another image", code="deploy.image", reference=reference)

    def _described(self, *images: str) -> list[dict[str, object]]:
        """Those of these images that the engine has."""
        described: list[dict[str, object]] = json.loads(self.do("image", "inspect", *images, unless=_UNKNOWN))
        return described

    def containers(self, *, app: str = "") -> list[Found]:
        """Everything in this engine, in any state, read at this moment.

        Args:
            app: only what is labelled as this application's; "" = all.

        Raises:
            EngineFailed: it cannot be read; not only because one went away while we looked.
        """
        tries = 0
        while True:
            tries += 1
            try:
                containers, images = self._read(app)
            except EngineFailed:  # one of them went away between two commands
                if tries == _TRIES:
                    raise
                continue
            # An image goes after its last container: another look tells whether that one is gone too.
            if tries == _TRIES or all(str(one["Image"]) in images for one in containers):
                return [found(one, images.get(str(one["Image"]), frozenset())) for one in containers]

    def _read(self, app: str) -> tuple[list[dict[str, object]], dict[str, frozenset[str]]]:
        """Containers as podman describes them, and the digests of each of their images that is there."""
        only = (f"--filter=label={PREFIX}app={app}",) if app else ()
        names = self.do("ps", "--all", "--quiet", "--no-trunc", *only).split()
        if not names:
            return [], {}
        containers: list[dict[str, object]] = json.loads(self.do("inspect", "--type=container", *names))
        return containers, self._digests(containers)

    def _digests(self, containers: Sequence[Mapping[str, object]]) -> dict[str, frozenset[str]]:
        """The digests of each image of these that is there, and of others.

        A command costs more than all that it says, and a manifest names its image for ever: who has the digest
        that its label promises is not asked about again.
        """
        pairs = [(str(one["Image"]), found(one, frozenset()).labels.get("digest", "")) for one in containers]
        known = self._known
        asked = {image for image, digest in pairs if digest not in known.get(image, ())}
        if asked:
            found_now = {str(one["Id"]): digests_of(one) for one in self._described(*sorted(asked))}
            known = {image: digests for image, digests in known.items() if image not in asked} | found_now
            self._known = known
        return known

    def discard(self, containers: Sequence[Found], *, grace: int = 0) -> None:
        """Stop containers (SIGTERM, `grace` seconds, SIGKILL), all at once, and remove them; twice is once."""
        if not containers:
            return
        names, pauses = [found.id for found in containers], iter(_BUSY_PAUSES)
        while True:
            try:
                self.do("rm", "--force", "--ignore", f"--time={grace}", *names, timeout=grace + 60)
            except EngineFailed:  # the shared memory of one may be busy for a moment while it dies
                pause = next(pauses, None)
                if pause is None:
                    raise
                time.sleep(pause)
                grace = 0  # it was asked already
            else:
                return

    @contextlib.contextmanager
    def keeping_images(self) -> Iterator[None]:
        """A block in which no image is forgotten: a pulled one is nobody's until it has a container."""
        with self._locked(fcntl.LOCK_SH):
            yield

    def forget_images(self) -> None:
        """Remove images that no container uses, so that releases do not fill the disk.

        Nothing is removed while anybody of this engine is between pull and create; who comes last removes it.
        """
        with contextlib.suppress(BlockingIOError), self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            self.do("image", "prune", "--all", "--force")
            self._known = {}

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the engine's lock, in whatever process and thread; the kernel drops a dead one's."""
        folder = os.open(self._run, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, how)
            yield
        finally:
            os.close(folder)


def _commands() -> list[Sequence[bytes]]:
    commands: list[Sequence[bytes]] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:  # it ended while we looked
            continue
        commands.append(words)
    return commands
