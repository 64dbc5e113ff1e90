"""A Privacy Server: one thread a DAO keeps its release running, others answer who asks. It takes no orders."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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
from cyberprivacy.bundle import serve
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.ledger.log import FileLedger, Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.node import housekeeping
from cyberprivacy.node.administration import open_door
from cyberprivacy.node.api import application
from cyberprivacy.node.assembly import Assembly, application_name
from cyberprivacy.node.beginnings import record_start
from cyberprivacy.node.chassis import chassis_duty
from cyberprivacy.node.circle import Circle
from cyberprivacy.node.config import Config, Served
from cyberprivacy.node.doors import doors
from cyberprivacy.node.duties import Duty, on_duty
from cyberprivacy.node.identities import Identities
from cyberprivacy.node.journal import Journal
from cyberprivacy.node.machine import Machine
from cyberprivacy.node.past import Past, pasts
from cyberprivacy.node.publishing import Keeping, publisher
from cyberprivacy.node.receipts import Receipts
from cyberprivacy.node.reconcile import Reconciler, Status
from cyberprivacy.node.reports import ChainReports
from cyberprivacy.node.road import Engines, Road
from cyberprivacy.node.showing import shown, shown_clusters, shown_log
from cyberprivacy.node.unserved import leave_unserved
from cyberprivacy.node.watch import Watch
from cyberprivacy.proposal.agreeing import connect
from cyberprivacy.proposal.endpoint import Endpoint
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


@dataclass(frozen=True, slots=True)
class _Shared:
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

    def __init__(self, served: Served, shared: _Shared) -> None:
        self._served, self._shared = served, shared
        self.name = application_name(served.dao)
        assembly, machine, config = shared.assembly, shared.machine, shared.assembly.config
        chain, past = connect(config.rpc), shared.past.get(served.dao, Past())
        journal = Journal(shared.ledger, served.dao, past)
        endpoints = partial(assembly.front.endpoints, self.name)
        self._door = open_door(
            served.dao,
            config.data / "parameters" / self.name,
            ledger=shared.ledger,
            public=shared.public,
            chain=chain,
            endpoints=endpoints,
            wanted=lambda: self._loop.release,
            clock=shared.clock,
        )
        self.receipts = Receipts(served.dao, shared.ledger, endpoints, past=past, clock=shared.clock)
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

    def open(self) -> uvicorn.Server:
        """Answer users: the node's own words at once, the application when it runs."""
        socket = self._shared.assembly.run / f"{self.name}.sock"
        shared = self._shared
        more = doors(self._door, shared.circle, clock=shared.clock)
        public = FolderSource(shared.public.public)
        api = application(attest=self._attest, status=self.status, ledger=shared.ledger, public=public, more=more)
        server = uvicorn.Server(uvicorn.Config(api, uds=str(socket), log_config=None, access_log=False))
        threading.Thread(target=server.run, name=f"{self.name}-api", daemon=True).start()
        while not server.started:
            time.sleep(0.01)
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


class Node:
    """Everything that one process of a Privacy Server does."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        """Start the machine's engines; nothing of a DAO runs yet.

        Raises:
            CyberPrivacyError: an engine is missing or does not start, or what is on disk is damaged.
        """
        config.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        ledger = FileLedger(config.data / "ledger.jsonl", clock=clock)
        assembly = Assembly.of(config, ledger.append)
        machine = Machine(config.data, hardware=config.hardware, boot_log=config.boot_log)
        desk = Desk(Endpoint(config.rpc[0]), machine.account, chain_id=lambda: connect(config.rpc).chain_id)
        record_start(ledger, machine.identity(), config.digest)
        circle = Circle(config.watching, machine.key, config.data, ledger, clock=clock)
        log, quorum, answering = config.data / "log", circle.quorum, config.answering
        public = publisher(ledger, log, machine.key, clock=clock, quorum=quorum, answering=answering)
        self._watched = [chassis_duty(ledger, machine.key.id, lambda: public.size)] if config.chassis else []
        past, keeping = pasts(ledger.entries()), Keeping(public)
        self._shared = _Shared(assembly, machine, desk, ledger, public, keeping, circle, past, clock)
        self.applications = tuple(Application(served, self._shared) for served in config.daos)

    @property
    def machine(self) -> Machine:
        """Who this node is."""
        return self._shared.machine

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; applications and their front go on without the node."""
        waits_for = self._left()
        servers = [application.open() for application in self.applications]
        servers += self._gateway()
        duties: list[Duty] = [
            *(duty for each in self.applications for duty in (each.keep, each.watch, each.receipts.keep)),
            partial(self._leave, said=waits_for),
            self._tend,
            self._tidy,
            self._shared.keeping.keep,
            *self._shared.circle.duties(),
            *self._watched,
        ]
        with ThreadPoolExecutor(len(duties)) as threads:
            work = [threads.submit(on_duty, duty, stop) for duty in duties]
        for done in work:
            done.result()  # a fault of ours ends the process: whoever supervises it starts it again
        self._shared.assembly.leave()
        for server in servers:
            server.should_exit = True
        self._shared.circle.close()
        self._shared.machine.close()
        self._shared.assembly.close()

    def _leave(self, stop: threading.Event, said: str = "") -> None:
        """Try again until it was done, if another node acts or the engine is silent."""
        while said and not stop.wait(PAUSE):
            said = self._left(said)
        stop.wait()

    def _left(self, said: str = "") -> str:
        """Leave what is unserved; "" = done, else why not, told once."""
        try:
            assembly, served = self._shared.assembly, {each.name for each in self.applications}
            leave_unserved(assembly.runtime, assembly.front, self._shared.ledger, served)
        except TryLater as later:
            if later.code != said:
                _log.info("unserved", code=later.code, what=str(later))
            return later.code
        return ""

    def _tidy(self, stop: threading.Event) -> None:
        while not stop.wait(housekeeping.PAUSE):
            stay = housekeeping.needed(each.stands for each in self.applications)
            if stay is not None:
                housekeeping.tidy(self._shared.assembly.keepers, stay, now=self._shared.clock())

    def _tend(self, stop: threading.Event) -> None:
        assembly = self._shared.assembly
        while not stop.wait(PAUSE):
            for tend in (assembly.runtime.tend, assembly.front.tend, assembly.tend):
                try:
                    tend()
                except CyberPrivacyError as error:
                    _log.warning("tend", code=error.code, what=str(error))

    def _gateway(self) -> list[uvicorn.Server]:
        """Serve the bundles that run here to anybody, as a trustless gateway."""
        where = self._shared.assembly.config.sources.serve
        if where is None:
            return []
        bound = serve.listening(where.host, where.port)
        server = serve.server(self._find)
        threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="gateway", daemon=True).start()
        return [server]

    def _find(self, cid: Cid) -> bytes | None:
        return self._shared.assembly.store.find(cid)
