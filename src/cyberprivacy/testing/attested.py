"""A small world in which everything is right: a node, its proof, the chain, the clock. Bend one thing and verify.

world = World.new()
assert world.report().accepted
assert world.bend(nonce=bytes(32)).report().failures[0].code == "evidence.replayed"
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from cyberprivacy.attest.agent import Agent
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.evidence import Attester
from cyberprivacy.attest.facts import ChainFacts, Lap, NodeFacts, ReleaseFacts
from cyberprivacy.attest.identity import NodeKey, TlsIdentity
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Report
from cyberprivacy.attest.statement import Attestation
from cyberprivacy.attest.verify import Seen, verify
from cyberprivacy.build.image import images_digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.deployment import SEAL as DEPLOY
from cyberprivacy.deploy.deployment import Deployment
from cyberprivacy.ledger.log import Head
from cyberprivacy.proposal.release import SEAL as PROPOSAL
from cyberprivacy.proposal.release import Address, ApprovedRelease, FinalBlock
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

NOW: Final = 1_800_000_000
DAY: Final = 86_400

DAO: Final = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
REGISTRY: Final = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
ACCOUNT: Final = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
FACTORY: Final = Address("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65")
PROVIDER: Final = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
BUNDLE: Final = Cid(DAG_PB, sha256(b"a bundle").digest())
IMAGES: Final = {"web": "sha256:" + "1" * 64, "worker": "sha256:" + "2" * 64}
EVENTS: Final = (
    Event(10, sha256(b"code").digest(), "file cyberprivacy/__init__.py"),
    Event(10, sha256(b"engine").digest(), "program podman"),
)
BLOCK: Final = FinalBlock(1_000, sha256(b"block 1000").digest(), NOW - 12)


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that a verdict depends on. `bend` changes what a verifier sees; `attest` what a node does."""

    root: DevelopmentRoot
    attester: Attester
    key: NodeKey
    tls: TlsIdentity
    facts: ChainFacts
    policy: Policy
    release: ApprovedRelease
    nonce: bytes = sha256(b"challenge").digest()
    images: Mapping[str, str] = field(default_factory=lambda: dict(IMAGES))
    clusters: tuple[str, ...] = ()
    now: int = NOW
    session: bytes = sha256(b"session").digest()
    seen: Seen | None = None
    proof: bytes = b""

    @classmethod
    def new(cls) -> "World":
        """A world in which everything is right."""
        root, key = DevelopmentRoot.new(), NodeKey.born()
        tpm = PaperTpm(events=EVENTS).under(root)
        return cls(
            root=root,
            attester=tpm,
            key=key,
            tls=TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=NOW - 100),
            facts=chain_facts(key.id, tpm.measurement),
            policy=replace(Policy().allowing_development(root.fingerprint), factories=frozenset({FACTORY})),
            release=approved(),
        )

    def bend(self, **changes: Any) -> "World":
        """The same world, but for these fields."""
        return replace(self, **changes)

    def chain(self, **changes: Any) -> "World":
        """The same world, but for these facts of the chain."""
        return replace(self, facts=replace(self.facts, **changes))

    def listed(self, **changes: Any) -> "World":
        """The same world, but for what the chain says about the release."""
        return self.chain(releases={BUNDLE: replace(self.facts.releases[BUNDLE], **changes)})

    def attest(self) -> Attestation:
        """What the node answers to the challenge."""
        agent = Agent(self.attester, self.key, ACCOUNT, clock=lambda: self.now)
        running = Deployment(
            name="app",
            release=BUNDLE,
            images=self.images,
            ready=1,
            wanted=1,
            clusters=self.clusters,
            seal=DEPLOY,
        )
        head = Head(7, sha256(b"log").digest())
        return agent.attest(
            self.nonce, session=self.session, tls=self.tls, release=self.release, deployment=running, log=head
        )

    def proved(self) -> "World":
        """The same world, with the proof that its node gives now."""
        return replace(self, proof=self.attest().encode())

    def report(self) -> Report:
        """The verdict on the proof, made now if there is none yet."""
        proof = self.proof or self.attest().encode()
        seen = self.seen or Seen(self.tls.spki, self.nonce, self.session)
        return verify(proof, seen=seen, facts=self.facts, policy=self.policy, now=self.now)


def approved(**changes: Any) -> ApprovedRelease:
    """What the node was told to run."""
    values: dict[str, Any] = {
        "chain_id": 31337,
        "dao": DAO,
        "registry": REGISTRY,
        "bundle": BUNDLE,
        "parent": None,
        "number": 2,
        "pipeline": 1,
        "proposal": 1 << 200,
        "emergency": False,
        "expires": 0,
        "images": images_digest(IMAGES),
        "builders": 1,
        "block": BLOCK,
    }
    return ApprovedRelease(**{**values, **changes}, seal=PROPOSAL)


def chain_facts(node: bytes, measurement: bytes) -> ChainFacts:
    """What the chain says when everything is right."""
    laps = (Lap("review", 8 * DAY, 7 * DAY), Lap("vote", 3 * DAY, 3 * DAY), Lap("deployment", 2 * DAY, 2 * DAY))
    release = ReleaseFacts(
        number=2,
        pipeline=1,
        revoked=False,
        halted=False,
        expires=0,
        emergency=False,
        proposal=1 << 200,
        executed=True,
        laps=laps,
        images=images_digest(IMAGES),
        builders=1,
        needed=1,
    )
    listed = NodeFacts(id=node, measurement=measurement, cluster=1, provider=PROVIDER, authorised=True)
    return ChainFacts(
        chain_id=31337,
        dao=DAO,
        registry=REGISTRY,
        factory=FACTORY,
        block=FinalBlock(1_001, sha256(b"block 1001").digest(), NOW - 6),
        active=BUNDLE,
        releases={BUNDLE: release},
        nodes={ACCOUNT: listed},
        measurements={measurement: NOW - 30 * DAY},
        blocks={BLOCK.number: BLOCK},
    )
