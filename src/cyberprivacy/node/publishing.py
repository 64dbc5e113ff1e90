"""The node's own log, in public: keys that come from the node key, and the duty of keeping it fresh."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.signers import SEED, Kind, Signer

TAGS: Final = {
    Kind.LOG: b"CyberPrivacy-LogKey-Ed25519/1",
    Kind.COSIGNER_PQ: b"CyberPrivacy-LogKey-ML-DSA-44/1",
}
"""The `info` of HKDF for each key of a log."""
PAUSE: Final = 1.0

_log = structlog.get_logger("node")


def origin(key: NodeKey) -> str:
    """What the log of this node is called: its node id, so that no two nodes' logs have one name."""
    return f"cyberprivacy.log/{key.id.hex()}"


def log_signers(key: NodeKey) -> tuple[Signer, ...]:
    """The keys of this node's log: as long as the node key lives, the same; kept as it is kept, in the TPM.

    Source: RFC 5869 with our tags as `info`.
    """
    return tuple(
        Signer.of(
            origin(key),
            kind,
            HKDF(algorithm=hashes.SHA256(), length=SEED, salt=None, info=tag).derive(key.seed()),
        )
        for kind, tag in TAGS.items()
    )


def publisher(ledger: Ledger, folder: Path, key: NodeKey, *, clock: Callable[[], float]) -> Publisher:
    """The public log of this node, in its own folder."""
    return Publisher(ledger, folder, signers=log_signers(key), clock=clock)


def keep_public(public: Publisher, stop: threading.Event) -> None:
    """Publish what is new, until `stop` is set; a failure is told once, and tried again every second."""
    told = ""
    while not stop.wait(PAUSE):
        try:
            if public.due():
                public.publish()
            told = ""
        except CyberPrivacyError as error:
            if error.code != told:
                _log.warning("log", code=error.code, what=str(error))
            told = error.code
