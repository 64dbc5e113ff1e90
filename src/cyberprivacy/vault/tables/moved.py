"""What moves from one place to another, at both ends."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from cyberprivacy.vault.tables.columns import METADATA, id_, owned, whole

TRANSFERS_OUT: Final = Table(
    "transfers_out",  # as their source sees them
    METADATA,
    owned(),
    id_("id", 16, key=True),
    id_("grant", 16),
    Column("mode", String(8), nullable=False),  # copy, move
    Column("state", String(16), nullable=False),
    id_("key"),  # to which chunks are sealed
    id_("signer"),  # who signs the receipt
    Column("manifest", LargeBinary, nullable=True),  # canonical JSON, with its signature
    id_("head", null=True),  # where whoever took every chunk in arrives
    Column("receipt", LargeBinary, nullable=True),  # canonical JSON, with both signatures
    whole("asked"),
    whole("due", null=True),  # when a move erases
    Column("why", String(64), nullable=True),  # reason code for which the last receipt was not believed
)

TRANSFER_CHUNKS: Final = Table(
    "transfer_chunks",
    METADATA,
    id_("owner", key=True),
    id_("transfer", 16, key=True),
    whole("n", key=True),  # from 0
    Column("sealed", LargeBinary, nullable=False),  # to the recipient: nobody here can read it
    Column("records", LargeBinary, nullable=False),  # id (16) and revision (8) of each
    ForeignKeyConstraint(["owner", "transfer"], ["transfers_out.owner", "transfers_out.id"], ondelete="CASCADE"),
)

TRANSFERS_IN: Final = Table(
    "transfers_in",  # as their recipient sees them
    METADATA,
    owned(),
    id_("id", 16, key=True),
    id_("grant", 16),
    Column("manifest", LargeBinary, nullable=False),
    whole("cursor"),  # the next chunk
    id_("head"),
    whole("taken"),  # records that came to be
    whole("dup"),  # records that were there
    Column("receipt", LargeBinary, nullable=True),
    whole("begun"),
    whole("until", null=True),  # when what came has to be erased
    Index(None, "until"),
)

TRANSFER_TAKEN: Final = Table(
    "transfer_taken",  # to be found again when the person wants it erased
    METADATA,
    id_("owner", key=True),
    id_("transfer", 16, key=True),
    whole("n", key=True),
    Column("records", LargeBinary, nullable=False),  # ids (16 each) that came to be
    ForeignKeyConstraint(["owner", "transfer"], ["transfers_in.owner", "transfers_in.id"], ondelete="CASCADE"),
)

TRANSFER_REJECTS: Final = Table(
    "transfer_rejects",
    METADATA,
    id_("owner", key=True),
    id_("transfer", 16, key=True),
    id_("record", 16, key=True),
    whole("n"),  # the chunk in which it is
    Column("code", String(64), nullable=False),
    ForeignKeyConstraint(["owner", "transfer"], ["transfers_in.owner", "transfers_in.id"], ondelete="CASCADE"),
)

ARRIVALS: Final = Table(
    "arrivals",  # transfers that a person has ordered here, at their recipient
    METADATA,
    owned(),
    id_("id", 16, key=True),  # of the transfer
    id_("grant", 16),
    Column("document", LargeBinary, nullable=False),  # the signed grant
    Column("source", String(300), nullable=False),  # site of the vault that holds the records
    id_("holder"),  # the Ed25519 key of that vault, as the person found it
    id_("key", 60, null=True),  # X25519, wrapped under the owner's; NULL once nothing is opened with it any more
    Column("state", String(16), nullable=False),  # running, incomplete, done, failed, undone
    Column("why", String(64), nullable=False),  # reason code; "" while all is well
    whole("asked"),
    whole("heard"),  # when the state or its reason last changed
    UniqueConstraint("owner", "grant"),
)

COMMITMENTS: Final = Table(
    "commitments",  # what a ledger is to remember of receipts, and does: no more than digests
    METADATA,
    id_("leaf", key=True),
    Column("kind", String(32), nullable=False),  # of the entry
    whole("place", null=True),  # of the entry; NULL = still to be written
)
