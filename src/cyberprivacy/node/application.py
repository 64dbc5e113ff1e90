"""One DAO on a Privacy Server: its loop, its front, its answers, its evidence."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
import uvicorn

from cyberprivacy.attest.agent import Agent
from cyberprivacy.attest.evidence import NODE_ROLE
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.session import UNBOUND, TlsSession, exported
from cyberprivacy.attest.statement import Attestation
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.node.administration import open_door
from cyberprivacy.node.api import application
from cyberprivacy.node.assembly import Assembly, application_name
from cyberprivacy.node.circle import Circle
from cyberprivacy.node.config import Served
from cyberprivacy.node.doors import doors
from cyberprivacy.node.identities import Identities
from cyberprivacy.node.journal import Journal
from cyberprivacy.node.machine import Machine
from cyberprivacy.node.past import Past
from cyberprivacy.node.publishing import Keeping
from cyberprivacy.node.readiness import ready
from cyberprivacy.node.receipts import Receipts
from cyberprivacy.node.reconcile import Reconciler, Status
from cyberprivacy.node.reports import ChainReports
from cyberprivacy.node.road import Engines, Road
from cyberprivacy.node.showing import shown, shown_clusters, shown_log
from cyberprivacy.node.watch import Watch
from cyberprivacy.proposal.agreeing import connect
from cyberprivacy.proposal.release import Address, ApprovedRelease
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.review.lint import lint

PAUSE: Final = 1.0
"""Seconds between two looks at the chain and at what runs."""

_log = structlog.get_logger("node")


class NothingRuns(TryLater):
    """There is no running release to attest."""

    code = "attest.nothing"
    hint = "`status` says what the node waits for."


class NoInterface(TryLater):
    """The node cannot answer on its own socket."""

    code = "node.interface"
    hint = "Look whether the disk of /run is full; whoever supervises the node starts it again."


@dataclass(frozen=True, slots=True)
class Shared:
    """What all applications of a node use."""

    assembly: Assembly
    machine: Machine
    desk: Desk
    ledger: Ledger
    public: Publisher
    keeping: Keeping
    circle: Circle
    past: Mapping[Address, Past]
    clock: Callable[[], float]


class Application:
    """One DAO on this node: its loop, its front, its answers.

    Attributes:
        receipts: what its people got receipts of, on the way into the ledger.
    """

    def __init__(self, served: Served, shared: Shared) -> None:
        self._served, self._shared = served, shared
        self.name = application_name(served.dao)
        assembly, machine, config = shared.assembly, shared.machine, shared.assembly.config
        chain, past = connect(config.rpc), shared.past.get(served.dao, Past())
        journal = Journal(shared.ledger, served.dao, past)
        self._endpoints = partial(assembly.front.endpoints, self.name)
        self._door = open_door(
            served.dao,
            config.data / "parameters" / self.name,
            ledger=shared.ledger,
            public=shared.public,
            chain=chain,
            endpoints=self._endpoints,
            wanted=lambda: self._loop.release,
            clock=shared.clock,
        )
        self.receipts = Receipts(served.dao, shared.ledger, self._endpoints, past=past, clock=shared.clock)
        engines = Engines(
            fetch=assembly.fetch,
            lint=lint,
            builder=assembly.building,
            registry=assembly.registry,
            runtime=assembly.runtime,
            reports=ChainReports(chain, shared.desk, served.dao, prove=self._proof),
            settings=self._door,
            receipts=self.receipts.serve,
        )
        self._agent = Agent(machine, machine.key, machine.address, clock=shared.clock)
        self._loop = Reconciler(
            served.dao,
            chain=Watch(connect(config.rpc), config.data / f"seen-{served.dao}.json", clock=shared.clock),
            road=Road(self.name, engines, journal),
            runtime=assembly.runtime,
            journal=journal,
            clock=shared.clock,
        )
        names = [served.listen.host] if served.listen.host not in ("*", "0.0.0.0") else []  # noqa: S104
        self._identities = Identities([*names, "localhost"], clock=shared.clock)

    def open(self, is_ready: Callable[[], bool]) -> uvicorn.Server:
        """Answer users: the node's own words at once, the application when it runs.

        Args:
            is_ready: whether the node wants users, `readiness.Readiness`.
        """
        socket = self._shared.assembly.run / f"{self.name}.sock"
        shared = self._shared
        more = doors(self._door, shared.circle, clock=shared.clock)
        public = FolderSource(shared.public.public)
        api = application(
            attest=self._attest,
            status=self.status,
            is_ready=is_ready,
            ledger=shared.ledger,
            public=public,
            more=more,
        )
        server = uvicorn.Server(uvicorn.Config(api, uds=str(socket), log_config=None, access_log=False))
        begin(server, f"{self.name}-api")
        identity = self._identities.current.pem()
        self._shared.assembly.front.serve(self.name, str(self._served.listen), identity, socket)
        return server

    def keep(self, stop: threading.Event) -> None:
        """Keep this DAO's release running until `stop` is set."""
        while not stop.is_set():
            try:
                self._loop.tick()
            except CyberPrivacyError as error:
                _log.warning("loop", code=error.code, what=str(error))
            stop.wait(PAUSE)

    def watch(self, stop: threading.Event) -> None:
        """What cannot wait while `keep` is busy: a stop of this DAO, a certificate's end, a changed setting."""
        looks: tuple[Callable[[], object], ...] = (partial(self._identities.renew, self._use), self._door.tend)
        while not stop.wait(PAUSE):
            self._loop.watch()
            for look in looks:
                try:
                    look()
                except CyberPrivacyError as error:  # asked again in a second, long before the certificate ends
                    _log.warning("watch", code=error.code, what=str(error))

    @property
    def stands(self) -> Status:
        """Where this DAO stands on this node."""
        return self._loop.status

    def ready(self) -> bool:
        """Whether users of this DAO meet here what they would meet elsewhere. See `readiness.ready`."""
        return ready(self.stands, self._endpoints, partial(self._shared.assembly.runtime.glance, self.name))

    def status(self) -> Mapping[str, object]:
        """What this node says of this DAO, as JSON values."""
        shared = self._shared
        log = shown_log(shared.ledger.head(), shared.public.trust.log, shared.keeping.why)
        about = {"log": log, "witness": shared.circle.status(), "node": shared.machine.identity()}
        clusters = shown_clusters(shared.assembly.runtime, self.name)
        return shown(self._loop.status, str(self._served.listen)) | about | clusters

    def _attest(self, nonce: bytes, session: TlsSession) -> bytes:
        release = self._loop.release
        if release is None:
            raise NothingRuns("no release of this DAO runs here", state=self._loop.status.state)
        tls = self._identities.of(session.certificate)
        name = exported(session.secret, NODE_ROLE, tls.spki)
        return self._attestation(nonce, release, tls, name).encode()

    def _attestation(
        self, nonce: bytes, release: ApprovedRelease, tls: TlsIdentity, session: bytes
    ) -> Attestation:
        deployment = self._shared.assembly.runtime.observe(self.name)
        if deployment is None:
            raise NothingRuns("no release of this DAO runs here", state=self._loop.status.state)
        log = self._shared.ledger.head()
        return self._agent.attest(nonce, session=session, tls=tls, release=release, deployment=deployment, log=log)

    def _proof(self, release: ApprovedRelease) -> bytes:
        """The digest that goes on chain; its challenge is the block at which the release was read."""
        return self._attestation(release.block.hash, release, self._identities.current, UNBOUND).digest()

    def _use(self, tls: TlsIdentity) -> None:
        self._shared.assembly.front.renew(self.name, tls.pem())
        facts = {"dao": self._served.dao, "spki": tls.spki.hex(), "until": tls.until}
        self._shared.ledger.append("identity.renewed", facts)


def begin(server: uvicorn.Server, name: str) -> None:
    """Run a server on a thread of its own; returns when it answers, which it tells nobody by itself.

    Raises:
        NoInterface: it ends before that; uvicorn has said why in the log.
    """
    thread = threading.Thread(target=server.run, name=name, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        if not thread.is_alive():
            raise NoInterface("it ends as it starts", socket=str(server.config.uds))
