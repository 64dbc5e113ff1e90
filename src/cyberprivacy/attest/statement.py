"""What a node says with its key: "I run this release of this DAO", and the proof that carries it.

A statement is worth what the evidence beside it is worth: the evidence says that the key was born in a
machine with this measured software, and that software says nothing but what it did.
"""

import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.addresses import address
from cyberprivacy.attest.document import BadDocument, Document, from_base64, to_base64
from cyberprivacy.attest.evidence import MAX_TIME, Bound, Evidence, length_prefixed
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.ledger.log import Head
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.seal import Seal

SEAL: Final = Seal("attest")

STATEMENT_TAG: Final = b"CyberPrivacy-Statement/1"
MAX_ATTESTATION: Final = 1 << 20
MAX_IMAGES: Final = 64
MAX_CLUSTERS: Final = 64

_CID: Final = re.compile(r"b[a-z2-7]{58}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,77}")
_IMAGE: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62})")
_CLUSTER: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

_FIELDS: Final = frozenset(
    {"v", "chain", "dao", "registry", "bundle", "release", "pipeline", "proposal", "block"}
    | {"images", "clusters", "tls", "node", "account", "log", "time", "nonce"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a node states.

    Attributes:
        chain: EIP-155 chain id.
        dao: the application's DAO: its governor.
        registry: the DAO's ReleaseRegistry.
        bundle: CID of the bundle that runs.
        release: its release number.
        pipeline: number of its pipeline template.
        proposal: the proposal that the release was voted in; 0 = emergency release, not ratified.
        block: the final block at which the node read this.
        images: image name -> manifest digest ("sha256:…") of what its containers really run.
        clusters: names of the clusters in which they run, in order; none = they have no names.
        tls: SHA-256 of the SubjectPublicKeyInfo of the TLS key that answers for the application, 32 bytes.
        node: id of the node that signs, 32 bytes.
        account: the account that the chain lists the node under.
        log: size and root of the node's ledger.
        time: seconds since 1970, by the node's clock.
        nonce: the challenge that it answers, 32 bytes.
    """

    chain: int
    dao: Address
    registry: Address
    bundle: Cid
    release: int
    pipeline: int
    proposal: int
    block: FinalBlock
    images: Mapping[str, str]
    clusters: tuple[str, ...]
    tls: bytes
    node: bytes
    account: Address
    log: Head
    time: int
    nonce: bytes

    def document(self) -> dict[str, object]:
        """The JSON form."""
        block, log = self.block, self.log
        return {
            "v": 1,
            "chain": self.chain,
            "dao": self.dao,
            "registry": self.registry,
            "bundle": str(self.bundle),
            "release": self.release,
            "pipeline": self.pipeline,
            "proposal": str(self.proposal),
            "block": {"number": block.number, "hash": block.hash.hex(), "time": block.timestamp},
            "images": dict(self.images),
            "clusters": list(self.clusters),
            "tls": self.tls.hex(),
            "node": self.node.hex(),
            "account": self.account,
            "log": {"size": log.size, "root": log.root.hex()},
            "time": self.time,
            "nonce": self.nonce.hex(),
        }

    def signed_bytes(self) -> bytes:
        """What the node key signs: the tag and the canonical JSON, each behind its length."""
        return length_prefixed(STATEMENT_TAG) + length_prefixed(canonical.encode(self.document()))

    @classmethod
    def read(cls, value: object) -> "Statement":
        """The value of a JSON form.

        Raises:
            BadDocument, BadCid: any other form.
        """
        document = Document(value, "statement", _FIELDS)
        document.version()
        block = Document(document.raw("block"), "block", frozenset({"number", "hash", "time"}))
        log = Document(document.raw("log"), "log", frozenset({"size", "root"}))
        return cls(
            chain=document.integer("chain", least=1),
            dao=address(document, "dao"),
            registry=address(document, "registry"),
            bundle=_bundle(document.text("bundle", _CID)),
            release=document.integer("release", least=1, most=(1 << 32) - 1),
            pipeline=document.integer("pipeline", least=1, most=(1 << 32) - 1),
            proposal=_proposal(document.text("proposal", _NUMBER)),
            block=FinalBlock(
                block.integer("number"), block.octets("hash", size=32), block.integer("time", most=MAX_TIME - 1)
            ),
            images=_images(document.mapping("images", limit=MAX_IMAGES)),
            clusters=_clusters(document.texts("clusters", _CLUSTER, limit=MAX_CLUSTERS)),
            tls=document.octets("tls", size=32),
            node=document.octets("node", size=32),
            account=address(document, "account"),
            log=Head(log.integer("size"), log.octets("root", size=32)),
            time=document.integer("time", most=MAX_TIME - 1),
            nonce=document.octets("nonce", size=32),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """Evidence, and a statement signed by the key that the evidence is about. Made only by `attest`.

    Attributes:
        bound: what the evidence is bound to, as claimed.
        evidence: what the hardware says.
        statement: what the node says.
        signature: Ed25519 over `statement.signed_bytes()`, 64 bytes.
        node: the node's Ed25519 public key, 32 bytes.
    """

    bound: Bound
    evidence: Evidence
    statement: Statement
    signature: bytes
    node: bytes
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)

    def encode(self) -> bytes:
        """The canonical JSON that travels."""
        return canonical.encode(
            {
                "v": 2,
                "bound": self.bound.document(),
                "evidence": self.evidence.document(),
                "statement": self.statement.document(),
                "signature": to_base64(self.signature),
                "node": self.node.hex(),
            }
        )

    def digest(self) -> bytes:
        """SHA-256 of the signed statement: what the node reports on chain as its evidence; 32 bytes.

        Not a hash of the whole: signatures and certificates around signed regions can be changed by anybody.
        """
        return sha256(self.statement.signed_bytes()).digest()


def parse(data: bytes) -> Attestation:
    """Read an attestation. Nothing in it is believed yet: `verify` decides.

    Raises:
        Untrusted: any other spelling, version or form, or larger than 1 MiB.
    """
    value = canonical.decode(data, limit=MAX_ATTESTATION)
    document = Document(
        value, "attestation", frozenset({"v", "bound", "evidence", "statement", "signature", "node"})
    )
    document.version(known=2)
    signature = from_base64(document.raw("signature"), "attestation.signature", limit=64)
    if len(signature) != 64:
        raise BadDocument("signature is not 64 bytes", size=len(signature))
    return Attestation(
        bound=Bound.read(document.raw("bound")),
        evidence=Evidence.read(document.raw("evidence")),
        statement=Statement.read(document.raw("statement")),
        signature=signature,
        node=document.octets("node", size=32),
        seal=SEAL,
    )


def _bundle(text: str) -> Cid:
    cid = Cid.parse(text)
    if cid.codec != DAG_PB:
        raise BadDocument("statement.bundle is not a directory", cid=text)
    return cid


def _proposal(text: str) -> int:
    number = int(text)
    if number >> 256:
        raise BadDocument("statement.proposal is past 256 bits")
    return number


def _images(value: Mapping[str, object]) -> Mapping[str, str]:
    images: dict[str, str] = {}
    for name, digest in value.items():
        if not _IMAGE.fullmatch(name) or not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise BadDocument("statement.images is not a list of images by digest", name=name[:80])
        images[name] = digest
    if not images:
        raise BadDocument("statement.images names no image")
    return images


def _clusters(names: tuple[str, ...]) -> tuple[str, ...]:
    if list(names) != sorted(set(names)):
        raise BadDocument("statement.clusters is not in order, or names one twice", got=list(names)[:8])
    return names
