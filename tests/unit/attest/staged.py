"""A node with a real TPM engine that answers over real TLS, and a DAO on a real chain: what `verify` meets."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import typer
from click.testing import Result
from typer.testing import CliRunner

from cyberprivacy.attest.agent import Agent
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.evidence import NODE_ROLE
from cyberprivacy.attest.identity import LONGEST, NodeKey, TlsIdentity
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.build.image import images_digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.cli import verify as command
from cyberprivacy.deploy.deployment import SEAL as DEPLOY
from cyberprivacy.deploy.deployment import Deployment
from cyberprivacy.ledger.log import Head
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.clusters import add_node, join_cluster, register_cluster, report_built
from cyberprivacy.proposal.release import ApprovedRelease
from cyberprivacy.testing.attested import EVENTS, IMAGES
from cyberprivacy.testing.tlsserver import TlsServer, document, nonce_of
from cyberprivacy.testing.tpm import DevelopmentRoot, development_attester

BUNDLE = Cid(DAG_PB, sha256(b"guestbook").digest())


@dataclass
class Node:
    """A node that answers over TLS on a port of its own, and tells lies when it is told to."""

    agent: Agent
    tls: TlsIdentity
    approved: Callable[[], ApprovedRelease]
    images: dict[str, str] = field(default_factory=lambda: dict(IMAGES))
    answer: Callable[[bytes, bytes], bytes] | None = None
    raw: bytes | None = None
    other_key: TlsIdentity | None = None
    paths: list[str] = field(default_factory=list)
    party: bytes = b""

    def prove(self, nonce: bytes, session: bytes) -> bytes:
        running = Deployment(name="app", release=BUNDLE, images=self.images, ready=1, wanted=1, seal=DEPLOY)
        log = Head(3, sha256(b"log").digest())
        return self.agent.attest(
            nonce, session=session, tls=self.tls, release=self.approved(), deployment=running, log=log
        ).encode()

    def start(self) -> str:
        return TlsServer(lambda: self.other_key or self.tls, self._answer).url

    def _answer(self, channel: Channel, request: bytes) -> None:
        self.paths.append(request.split()[1].decode())
        if b"Connection: close" not in request:  # somebody has more questions in this session
            channel.send(document(self.prove(nonce_of(request), channel.session(NODE_ROLE, self.tls.spki))))
            self.paths.append(channel.receive().split()[1].decode())
            channel.send(document(self.party))
            return
        session = channel.session(NODE_ROLE, (self.other_key or self.tls).spki)
        body = (self.answer or self.prove)(nonce_of(request), session)
        channel.send(self.raw if self.raw is not None else document(body))


@dataclass(frozen=True)
class Stage:
    """Everything that a verifier meets."""

    chain: Any
    root: DevelopmentRoot
    attester: SoftwareAttester
    node: Node
    url: str
    folder: Path
    account: str

    def verify(self, *options: str, target: str = "", allow: bool = True, known: bool = True) -> Result:
        app = typer.Typer()
        command.register(app)
        root = self.folder / "root.pem"
        root.write_bytes(self.root.pem)
        words = [target or self.url, "--dao", self.chain.dao.governor, "--rpc", self.chain.endpoint_url]
        words += ["--factory", self.chain.shared.factory] if known else []
        words += [*(["--allow-development", str(root)] if allow else []), *options]
        return CliRunner().invoke(app, words)

    def failures(self, *, verdict: str = "reject", **options: Any) -> set[tuple[str, str]]:
        result = self.verify("--json", **options)
        assert result.exit_code == {"reject": 1, "malformed": 5}[verdict], result
        report = json.loads(result.stdout)
        assert report["verdict"] == verdict
        return {(check["name"], check["code"]) for check in report["checks"] if check["verdict"] == "fail"}


@contextmanager
def staged(law: Any, folder: Path) -> Iterator[Stage]:
    """All of it, for as long as the block lasts."""
    with EmbeddedChain(law.ANVIL, folder, block_time=None) as embedded:
        chain = law.World(embedded.url)
        chain.endpoint_url = embedded.url
        root, key = DevelopmentRoot.new(), NodeKey.born()
        attester = development_attester(folder / "tpm", EVENTS, root)
        clusters, account = chain.shared.clusters, chain.organisations[0]
        announce(chain, attester.measurement)
        cluster = register_cluster(chain.desk(chain.provider), clusters, uri="https://provider.example")
        add_node(
            chain.desk(chain.provider),
            clusters,
            cluster,
            node=account,
            node_key=key.id,
            measurement=attester.measurement,
        )
        join_cluster(chain.desk(account), clusters, cluster)
        chain.live(BUNDLE, number=1)
        report_built(
            chain.desk(account),
            clusters,
            registry=chain.dao.registry,
            bundle=BUNDLE,
            images=images_digest(IMAGES),
        )
        chain.settle()
        first = chain.read().release
        agent = Agent(attester, key, account, clock=lambda: chain.now)
        tls = TlsIdentity.born(["127.0.0.1"], lifetime=LONGEST, now=chain.now)
        node = Node(agent, tls, lambda: chain.read().release or first)
        yield Stage(chain, root, attester, node, node.start(), folder, account)
        attester.close()


def announce(chain: Any, measurement: bytes) -> None:
    data = contract("Clusters").encode("announceMeasurement", measurement, "https://os.example")
    chain.desk(chain.founder).send(chain.shared.clusters, data)
    chain.advance_to(chain.now + 11)
