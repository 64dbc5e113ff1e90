"""The TLS front of each application: one HAProxy process, one key that is only ever in memory."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import structlog

from cyberprivacy.deploy.front_settings import IDLE_JSON, IDLE_PAGE, Limits, backend, settings
from cyberprivacy.deploy.haproxy import AdminSocket, FrontSilent, alive, farewell, launch, until
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import Misuse

_TEXT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:;_()/-]{0,199}\Z")
_LISTEN: Final = re.compile(r"(\*|[0-9.]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}\Z")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")
_IDLE: Final = ("deploy.none", "This DAO has no active release on this node.")
_log = structlog.get_logger("deploy")
_STUMBLED: Final = (
    "deploy.unready",
    "The application does not answer at the moment. The node is starting it again.",
)


@dataclass(slots=True)
class _Served:
    """What must be known to start a front again; it is never written anywhere."""

    identity: bytes
    process: "subprocess.Popen[bytes] | None" = None


class Balancer(Protocol):
    """What moves users between containers: `Front`."""

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        """Where users are sent now."""
        ...

    def point(self, app: str, endpoints: Collection[Endpoint], *, drain: float = 30.0) -> None:
        """Send users to exactly these, the others get `drain` seconds to end what they do."""
        ...


class Front:
    """Serves applications by TLS 1.3 (HTTP/1.1 and h2) and moves their users between containers.

    Paths under /.well-known/cyberprivacy/ always go to the node. A front outlives the node's process;
    a node that comes back calls `serve` with its new identity and takes the running front over.

    Args:
        state: folder for settings and sockets, best under /run; may be lost.
        user: whom HAProxy becomes after its start; needs a way to the node's api sockets. None = stays who it is.
        limits: for clients.
    """

    def __init__(self, state: Path, *, user: str | None = "haproxy", limits: Limits | None = None) -> None:
        self._state, self._user, self._limits = state, user, limits or Limits()
        self._lock = threading.RLock()
        self._served: dict[str, _Served] = {}
        self._retired: list[subprocess.Popen[bytes]] = []  # they serve those who are still on them, for a minute

    def serve(self, app: str, listen: str, identity: bytes, api_socket: Path) -> None:
        """Have a front for this application with this identity; one that runs already keeps its connections.

        Args:
            app: name of the application.
            listen: "address:port"; IPv6 in brackets.
            identity: PEM: certificate chain and private key. Goes from memory to memory.
            api_socket: unix socket on which the node answers, HTTP/1.1.

        Raises:
            Misuse: `listen` or the identity cannot be used ("front.settings").
            FrontSilent: HAProxy does not start, or one that runs already hangs: it is never doubled.
        """
        if not _LISTEN.match(listen) or not _NAME.match(app):
            raise Misuse("not a name and an address to listen on", code="front.settings", app=app, listen=listen)
        with self._lock:
            served = self._served.setdefault(app, _Served(identity))
            served.identity = identity
            if not self._is_current(
                app, settings(self._folder(app), listen, api_socket, self._user, self._limits)
            ):
                self._start(app, served)
            else:
                self.renew(app, identity)

    def _is_current(self, app: str, text: str) -> bool:
        """Whether a front with these settings runs already; else the files for a new one are written."""
        folder = self._folder(app)
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        file, admin = folder / "haproxy.cfg", self._admin(app)
        if admin.pid() and file.exists() and file.read_text() == text:
            return True
        if not (folder / "reason.map").exists():
            self._write_reason(app, *_IDLE)
        for name, page in (("idle.html", IDLE_PAGE), ("idle.json", IDLE_JSON)):
            (folder / name).write_text(page.replace("MAP", f"{folder}/reason.map"))
        file.write_text(text)
        return False

    def renew(self, app: str, identity: bytes) -> None:
        """Use another certificate and key for new connections; the ones that are open stay open.

        Raises:
            Misuse: nothing is served under this name, or the PEM cannot be used ("front.settings").
            FrontSilent: the front does not answer.
        """
        if app not in self._served:
            raise Misuse("no such front", code="front.settings", app=app)
        admin = self._admin(app)
        name = next(line for line in admin.ask("show ssl cert").splitlines() if line.startswith("/"))
        lines = [line for line in identity.decode().splitlines() if line.strip()]
        answer = admin.ask(f"set ssl cert {name} <<\n" + "\n".join(lines) + "\n")
        if "ransaction" not in answer:
            raise Misuse("the identity cannot be used", code="front.settings", reason=answer[:200])
        admin.tell(f"commit ssl cert {name}", expect="Success")
        self._served[app].identity = identity

    def say(self, app: str, code: str, text: str) -> None:
        """Set what users read while nothing is live: a reason code and one plain sentence.

        Raises:
            Misuse: characters other than letters, digits and simple punctuation.
            FrontSilent: the front hangs; it reads the reason when it starts again.
        """
        if not _TEXT.match(code) or " " in code or not _TEXT.match(text):
            raise Misuse("not a reason that can be shown", code="front.settings", text=text[:80])
        self._write_reason(app, code, text)
        admin, path = self._admin(app), self._folder(app) / "reason.map"
        if admin.pid():
            for key, value in (("code", code), ("text", text)):
                escaped = re.sub(r"([ ;])", r"\\\1", value)
                admin.tell(f"set map {path} {key} {escaped}")

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        """Where users of this application are sent now; empty when nothing is live or nothing serves it.

        Raises:
            FrontSilent: the front hangs, and may still send them anywhere.
        """
        admin = self._admin(app)
        if not admin.pid():
            return frozenset()
        return frozenset(slot.endpoint for slot in admin.slots("app") if slot.mode == "ready")

    def point(
        self, app: str, endpoints: Collection[Endpoint], *, drain: float = 30.0, settled: Collection[Endpoint] = ()
    ) -> None:
        """Send users to exactly these endpoints: first the new ones, then no longer the others.

        Args:
            app: name of the application.
            endpoints: containers that are ready; none = nothing is live.
            drain: seconds that requests in flight at the others get to end.
            settled: those of them that stay as they are, well or not; they need not answer now.

        Raises:
            FrontSilent: no front serves it, or it cannot reach an endpoint that is not settled. The others then
                still serve.
        """
        admin = self._admin(app)
        if not endpoints and not admin.pid():
            return
        slots = admin.slots("app")
        free = iter([slot for slot in slots if slot.mode == "maint"])
        kept = {slot.name for slot in slots if slot.mode != "maint" and slot.endpoint in endpoints}
        fresh: dict[str, Endpoint] = {}
        for endpoint in sorted(set(endpoints) - {slot.endpoint for slot in slots if slot.name in kept}):
            slot = next(free, None)
            if slot is None:
                raise FrontSilent("every slot is in use", app=app)
            admin.ask(f"set server app/{slot.name} addr {endpoint.address} port {endpoint.port}")
            fresh[slot.name] = endpoint
        for endpoint in set(endpoints) - set(settled):
            _reach(endpoint)
        stays = {slot.name for slot in slots if slot.name in kept and slot.endpoint in settled}
        for name in (*(kept - stays), *fresh):
            admin.tell(f"set server app/{name} state ready")
            admin.tell(f"set server app/{name} health up")  # it may still count as down from before
        others = [slot.name for slot in slots if slot.mode != "maint" and slot.name not in kept]
        self._retire(admin, others, drain)
        self.say(app, *(_STUMBLED if endpoints else _IDLE))
        self._remember(app)

    def _remember(self, app: str) -> None:
        """Write down where users are sent, for a process that takes over or starts again."""
        slots = self._admin(app).slots("app")
        ready = {slot.name: slot.endpoint for slot in slots if slot.mode == "ready"}
        (self._folder(app) / "servers.cfg").write_text(backend(ready))

    def _retire(self, admin: AdminSocket, names: Collection[str], drain: float) -> None:
        for name in names:
            admin.tell(f"set server app/{name} state drain")
        with contextlib.suppress(FrontSilent):  # what is still in flight after that is cut
            until(lambda: not any(admin.busy("app")[name] for name in names), drain, "requests in flight")
        for name in names:
            admin.tell(f"set server app/{name} state maint")

    def tend(self) -> tuple[str, ...]:
        """Start fronts that died, with the identity and the endpoints they had; returns their names."""
        with self._lock:
            self._retired = [process for process in self._retired if process.poll() is None]
            started = []
            for app, served in self._served.items():
                try:
                    if not self._admin(app).pid():
                        self._start(app, served)
                        started.append(app)
                except FrontSilent as failure:  # tried again in the next round
                    _log.warning("front", app=app, code=failure.code, what=str(failure))
            return tuple(started)

    def leave(self, seconds: float = 4.0) -> None:
        """End what this object serves without cutting anybody off, where it cannot outlive this process.

        New connections must go elsewhere by now. Whoever keeps one is told with its next answer that it ends.

        Args:
            seconds: how long users are told so.
        """
        with self._lock:
            farewell([self._admin(app) for app in self._served], seconds)
        self.stop()

    def stop(self, app: str | None = None) -> None:
        """End one front, or all that this object serves, at once; connections are cut. Twice is once.

        Raises:
            FrontSilent: one that another object started hangs.
        """
        with self._lock:
            for name in [app] if app else list(self._served):
                self._stop(name)
            for process in self._retired:
                process.terminate()
                process.wait(timeout=10)
            self._retired = []

    def _stop(self, app: str) -> None:
        served = self._served.get(app)
        process = served.process if served else None
        try:
            pid = self._admin(app).pid()
        except FrontSilent:
            if process is None:
                raise
            pid = process.pid
        if pid:
            os.kill(pid, signal.SIGTERM)
            try:
                until(lambda: not alive(pid), 10.0, "haproxy does not end")
            except FrontSilent:
                os.kill(pid, signal.SIGKILL)
        if process:
            process.wait(timeout=10)
        self._served.pop(app, None)

    def _start(self, app: str, served: _Served) -> None:
        """Start HAProxy; a running one hands its listening sockets over and ends when its users are done."""
        folder, admin = self._folder(app), self._admin(app)
        old = admin.pid()
        if old:
            self._remember(app)
        elif not (folder / "servers.cfg").exists():
            (folder / "servers.cfg").write_text(backend({}))
        process = launch(folder, served.identity, admin, old)
        if served.process:
            self._retired.append(served.process)
        served.process = process

    def _write_reason(self, app: str, code: str, text: str) -> None:
        (self._folder(app) / "reason.map").write_text(f"code {code}\ntext {text}\n")

    def _folder(self, app: str) -> Path:
        return self._state / app

    def _admin(self, app: str) -> AdminSocket:
        return AdminSocket(self._folder(app) / "admin.sock")


def _reach(endpoint: Endpoint) -> None:
    """HAProxy takes a new server for well until a check fails; so the first check is made before."""
    try:
        socket.create_connection((str(endpoint.address), endpoint.port), timeout=2).close()
    except OSError as failure:
        raise FrontSilent("no way to a container", endpoint=endpoint, reason=type(failure).__name__) from None
