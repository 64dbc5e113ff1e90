"""The tables of a vault. What a person wrote stands here only sealed; the keys are elsewhere (`keystore`).

Ids and digests are bytes: 32 for accounts, owners and SHA-256, 16 for records, grants and jobs. Times are POSIX
seconds.
An *owner* is an account as one application sees it (`pairwise`): applications know no other id.
"""

from cyberprivacy.vault.tables.columns import METADATA
from cyberprivacy.vault.tables.kept import (
    BLOB_PARTS,
    BLOBS,
    IDEMPOTENCY,
    OUTBOX,
    RECORDS,
    TYPES,
)
from cyberprivacy.vault.tables.moved import (
    ARRIVALS,
    COMMITMENTS,
    TRANSFER_CHUNKS,
    TRANSFER_REJECTS,
    TRANSFER_TAKEN,
    TRANSFERS_IN,
    TRANSFERS_OUT,
)
from cyberprivacy.vault.tables.people import (
    ACCOUNTS,
    COUNTED,
    ERASURES,
    EXPORTS,
    KEY_EVENTS,
    NONCES,
    OWNERS,
    SESSIONS,
    SIGNERS,
)
from cyberprivacy.vault.tables.shared import (
    ACCESSES,
    FOLLOWED,
    FOLLOWINGS,
    GRANTS,
    ORDERS,
    SHARINGS,
)

__all__ = [
    "ACCESSES",
    "ACCOUNTS",
    "ARRIVALS",
    "BLOBS",
    "BLOB_PARTS",
    "COMMITMENTS",
    "COUNTED",
    "ERASURES",
    "EXPORTS",
    "FOLLOWED",
    "FOLLOWINGS",
    "GRANTS",
    "IDEMPOTENCY",
    "KEY_EVENTS",
    "METADATA",
    "NONCES",
    "ORDERS",
    "OUTBOX",
    "OWNERS",
    "RECORDS",
    "SESSIONS",
    "SHARINGS",
    "SIGNERS",
    "TRANSFERS_IN",
    "TRANSFERS_OUT",
    "TRANSFER_CHUNKS",
    "TRANSFER_REJECTS",
    "TRANSFER_TAKEN",
    "TYPES",
]
