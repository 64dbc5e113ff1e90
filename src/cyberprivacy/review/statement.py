"""An auditor's statement of the size of a change, as a document whose hash goes on chain.

Anybody with the two bundles can make the same bytes again: a false number is a provable one.

Source: in-toto Attestation Framework, Statement v1; RFC 8785 as `canonical` has it.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.cid import Cid
from cyberprivacy.review.measure import METRIC, Measurement

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://cyberprivacy.org/attestation/review-size/v1"


def statement(bundle: Cid, against: Sequence[Cid], measurement: Measurement) -> bytes:
    """The statement in its one spelling: canonical JSON.

    Args:
        bundle: the release that was measured.
        against: what counted as read: the parent first, then bundles whose lap has elapsed.
        measurement: of exactly these trees.
    """
    rows = [
        {"path": row.path, "lines": row.lines, "factor": row.factor, "reason": row.reason}
        for row in measurement.rows
    ]
    return canonical.encode(
        {
            "_type": STATEMENT,
            "subject": [_resource(bundle)],
            "predicateType": PREDICATE,
            "predicate": {
                "metric": METRIC,
                "lines": measurement.total,
                "against": [_resource(cid) for cid in against],
                "files": rows,
            },
        }
    )


def report_hash(document: bytes) -> bytes:
    """SHA-256 of a statement: the `report` of an attestation on chain, 32 bytes."""
    return sha256(document).digest()


def _resource(cid: Cid) -> dict[str, object]:
    """A bundle by its address; the digest is that of its root block."""
    return {"name": f"ipfs://{cid}", "digest": {"sha256": cid.digest.hex()}}
