"""The node's own log, in public: keys that come from the node key, and the duty of keeping it fresh."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.headsigner import HeadSigner
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.signers import SEED, Kind, Signer
from cyberprivacy.proposal.release import Address

TAGS: Final = {
    Kind.LOG: b"CyberPrivacy-LogKey-Ed25519/1",
    Kind.COSIGNER_PQ: b"CyberPrivacy-LogKey-ML-DSA-44/1",
}
"""The `info` of HKDF for each key of a log."""
WITNESS_TAGS: Final = {
    Kind.COSIGNER: b"CyberPrivacy-WitnessKey-Ed25519/1",
    Kind.COSIGNER_PQ: b"CyberPrivacy-WitnessKey-ML-DSA-44/1",
}
"""The same for the keys with which a node cosigns the logs of others."""
HEAD_TAG: Final = b"CyberPrivacy-HeadKey-secp256k1/1"
"""The same for the key with which a cluster answers on chain for its log."""
PAUSE: Final = 1.0

_log = structlog.get_logger("node")


@dataclass(frozen=True, slots=True)
class Answering:
    """Where a cluster answers for the log of this node. Only one node of a cluster may: a cluster has one log.

    Attributes:
        chain_id: EIP-155 number.
        anchor: LogAnchor.
        cluster: its number.
    """

    chain_id: int
    anchor: Address
    cluster: int


def origin(key: NodeKey) -> str:
    """What the log of this node is called: its node id, so that no two nodes' logs have one name."""
    return f"cyberprivacy.log/{key.id.hex()}"


def log_signers(key: NodeKey) -> tuple[Signer, ...]:
    """The keys of this node's log: as long as the node key lives, the same; kept as it is kept, in the TPM.

    Source: RFC 5869 with our tags as `info`.
    """
    return _signers(key, origin(key), TAGS)


def head_secret(key: NodeKey) -> bytes:
    """The secret of this node's head key, 32 bytes of secp256k1; as long-lived as those of its log.

    Source: RFC 5869 with our tag as `info`.
    """
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=HEAD_TAG).derive(key.seed())


def head_signer(key: NodeKey, where: Answering) -> HeadSigner:
    """Signs the heads of this node's log for a chain.

    Raises:
        Misuse: numbers that no chain has ("note.key").
    """
    anchor = bytes.fromhex(where.anchor[2:])
    return HeadSigner.of(
        origin(key), head_secret(key), chain_id=where.chain_id, anchor=anchor, cluster=where.cluster
    )


def witness_signers(key: NodeKey) -> tuple[Signer, ...]:
    """The keys with which this node cosigns the logs of others; as long-lived as those of its log.

    Source: RFC 5869 with our tags as `info`.
    """
    return _signers(key, f"cyberprivacy.witness/{key.id.hex()}", WITNESS_TAGS)


def _signers(key: NodeKey, name: str, tags: Mapping[Kind, bytes]) -> tuple[Signer, ...]:
    return tuple(
        Signer.of(name, kind, HKDF(algorithm=hashes.SHA256(), length=SEED, salt=None, info=tag).derive(key.seed()))
        for kind, tag in tags.items()
    )


def publisher(
    ledger: Ledger,
    folder: Path,
    key: NodeKey,
    *,
    clock: Callable[[], float],
    quorum: Quorum | None = None,
    answering: Answering | None = None,
) -> Publisher:
    """The public log of this node, in its own folder.

    Args:
        ledger: of this node.
        folder: of the log alone.
        key: of this node.
        clock: seconds since 1970.
        quorum: whom to ask to cosign it; None = nobody.
        answering: where its cluster answers for it; None = on no chain.

    Raises:
        Misuse: numbers that no chain has ("note.key").
    """
    heads = () if answering is None else (head_signer(key, answering),)
    return Publisher(ledger, folder, signers=(*log_signers(key), *heads), clock=clock, quorum=quorum)


class Keeping:
    """Keeps the public log up to the journal.

    Attributes:
        why: reason code of the refusal that holds it up; "" if nothing does.
    """

    def __init__(self, public: Publisher) -> None:
        self._public, self.why = public, ""

    def keep(self, stop: threading.Event) -> None:
        """Publish what is new, until `stop` is set; a failure is told once, and tried again every second."""
        while not stop.wait(PAUSE):
            try:
                if self._public.due():
                    self._public.publish()
                self.why = ""
            except CyberPrivacyError as error:
                if error.code != self.why:
                    _log.warning("log", code=error.code, what=str(error))
                self.why = error.code
