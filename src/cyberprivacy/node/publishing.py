"""The node's own log, in public: keys that come from the node key, and the duty of keeping it fresh."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.signers import SEED, Kind, Signer

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
PAUSE: Final = 1.0

_log = structlog.get_logger("node")


def origin(key: NodeKey) -> str:
    """What the log of this node is called: its node id, so that no two nodes' logs have one name."""
    return f"cyberprivacy.log/{key.id.hex()}"


def log_signers(key: NodeKey) -> tuple[Signer, ...]:
    """The keys of this node's log: as long as the node key lives, the same; kept as it is kept, in the TPM.

    Source: RFC 5869 with our tags as `info`.
    """
    return _signers(key, origin(key), TAGS)


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
    ledger: Ledger, folder: Path, key: NodeKey, *, clock: Callable[[], float], quorum: Quorum | None = None
) -> Publisher:
    """The public log of this node, in its own folder; `quorum` = whom to ask to cosign it."""
    return Publisher(ledger, folder, signers=log_signers(key), clock=clock, quorum=quorum)


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
