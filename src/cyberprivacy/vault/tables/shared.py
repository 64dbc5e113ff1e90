"""What people allow others: grants at both ends, their uses, and their ends."""

from typing import Final

from sqlalchemy import (
    Column,
    Index,
    LargeBinary,
    String,
    Table,
)

from cyberprivacy.vault.tables.columns import METADATA, id_, owned, whole

GRANTS: Final = Table(
    "grants",
    METADATA,
    owned(),
    id_("id", 16, key=True),
    id_("digest"),
    Column("recipient", String(128), nullable=False),  # its application
    Column("document", LargeBinary, nullable=False),  # canonical JSON, with its signatures
    whole("registered"),
    whole("expires"),
    whole("uses"),
    whole("revoked", null=True),
    Column("revocation", LargeBinary, nullable=True),
)

ACCESSES: Final = Table(
    "accesses",
    METADATA,
    owned(),
    id_("id", 16, key=True),  # sorts by time
    id_("grant", 16, null=True),  # NULL: the owner's own
    Column("who", String(255), nullable=False),
    Column("action", String(32), nullable=False),
    Column("type", String(128), nullable=False),
    whole("records"),
    whole("at"),
    Index(None, "owner", "grant"),
)

SHARINGS: Final = Table(
    "sharings",  # who uses a grant, at its source
    METADATA,
    owned(),
    id_("grant", 16, key=True),
    Column("holder", String(200), nullable=False),  # the key that signs the recipient's requests
    Column("policy", LargeBinary, nullable=False),  # its release policy, canonical JSON
    Column("site", String(300), nullable=True),  # where it answers; NULL: nowhere
)

ORDERS: Final = Table(
    "orders",  # to erase what a grant gave: at its source, until the recipient confirms; they outlive the owner
    METADATA,
    id_("owner", key=True),
    id_("grant", 16, key=True),
    Column("recipient", String(128), nullable=False),  # its application
    id_("account"),  # pairwise, there
    Column("holder", String(200), nullable=False),  # the key that signs the recipient's receipt
    Column("site", String(300), nullable=False),  # "": nowhere
    Column("document", LargeBinary, nullable=False),  # the signed revocation
    Column("state", String(16), nullable=False),  # told, confirmed, refused
    Column("why", String(64), nullable=False),  # reason code of the last try; "" while all is well
    whole("tries"),
    whole("asked"),
    whole("due", null=True),  # of the next try; NULL: none will follow
    Column("receipt", LargeBinary, nullable=True),
    Index(None, "due"),
)

FOLLOWINGS: Final = Table(
    "followings",  # grants under which this place gets records, at their recipient
    METADATA,
    owned(),
    id_("grant", 16, key=True),
    Column("source", String(300), nullable=False),  # site of the vault that holds the records
    Column("document", LargeBinary, nullable=False),  # the signed grant
    whole("cursor"),  # the last change that was dealt with
    whole("received"),  # changes that were applied
    whole("refused"),  # records that could not be taken
    Column("state", String(16), nullable=False),  # following, waiting, ended
    Column("why", String(64), nullable=False),  # reason code; "" while all is well
    whole("begun"),
    whole("heard"),  # when the source last said anything
)

FOLLOWED: Final = Table(
    "followed",  # records that came under a grant, to be found again when they have to be erased
    METADATA,
    owned(),
    id_("grant", 16, key=True),
    id_("record", 16, key=True),
)
