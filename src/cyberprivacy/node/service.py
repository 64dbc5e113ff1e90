"""A Privacy Server: one thread a DAO keeps its release running, others answer who asks. It takes no orders."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
import uvicorn

from cyberprivacy.bundle import serve
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node import housekeeping
from cyberprivacy.node.application import PAUSE, Application, Shared
from cyberprivacy.node.assembly import Assembly
from cyberprivacy.node.beginnings import record_start
from cyberprivacy.node.chassis import chassis_duty
from cyberprivacy.node.circle import Circle
from cyberprivacy.node.config import Config
from cyberprivacy.node.duties import Duty, on_duty
from cyberprivacy.node.machine import Machine
from cyberprivacy.node.past import pasts
from cyberprivacy.node.publishing import Keeping, publisher
from cyberprivacy.node.readiness import Readiness
from cyberprivacy.node.unserved import leave_unserved
from cyberprivacy.proposal.agreeing import connect
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.sending import Desk

_log = structlog.get_logger("node")


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
        self._shared = Shared(assembly, machine, desk, ledger, public, keeping, circle, past, clock)
        self.applications = tuple(Application(served, self._shared) for served in config.daos)
        self._readiness = Readiness(each.ready for each in self.applications)

    @property
    def machine(self) -> Machine:
        """Who this node is."""
        return self._shared.machine

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; applications and their front go on without the node."""
        waits_for = self._left()
        servers = [application.open(self._readiness) for application in self.applications]
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
