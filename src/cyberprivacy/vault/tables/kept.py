"""What people keep: records and blobs, sealed, and what is told of them."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Table,
)

from cyberprivacy.vault.tables.columns import METADATA, id_, owned, whole

TYPES: Final = Table(
    "types",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("document", LargeBinary, nullable=False),  # canonical JSON of the declaration
    whole("declared"),
)

RECORDS: Final = Table(
    "records",
    METADATA,
    owned(),
    id_("id", 16, key=True),  # sorts by time
    Column("type", String(128), nullable=False),
    whole("rev"),
    id_("key", 60),  # this revision's own key, wrapped under the owner's
    Column("sealed", LargeBinary, nullable=False),
    whole("bytes"),  # before sealing
    whole("created"),
    whole("changed"),
    Index(None, "owner", "type", "id"),
)

BLOBS: Final = Table(
    "blobs",
    METADATA,
    owned(),
    id_("digest", key=True),  # SHA-256 of the content
    whole("size"),
    whole("received"),  # bytes so far; all of them and `completed` when it can be read
    id_("key", 60),
    whole("created"),
    whole("completed", null=True),
)

BLOB_PARTS: Final = Table(
    "blob_parts",
    METADATA,
    id_("owner", key=True),
    id_("digest", key=True),
    whole("n", key=True),  # from 0; all but the last are of one size
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(["owner", "digest"], ["blobs.owner", "blobs.digest"], ondelete="CASCADE"),
)

IDEMPOTENCY: Final = Table(
    "idempotency",
    METADATA,
    owned(),
    Column("key", String(128), primary_key=True),
    whole("n", key=True),  # place in a batch
    id_("fingerprint", 60),  # digest of the request, wrapped: a digest of little content would tell it
    id_("record", 16),
    whole("rev"),
    whole("at"),
    Index(None, "owner", "record"),
    sqlite_with_rowid=False,  # as below
)

OUTBOX: Final = Table(
    "outbox",  # written in the transaction of the change that it tells of
    METADATA,
    owned(),
    whole("seq", key=True),  # from 1, without gaps
    Column("change", String(16), nullable=False),  # created, updated, deleted
    Column("type", String(128), nullable=False),
    id_("record", 16),
    whole("rev"),
    whole("at"),
    sqlite_with_rowid=False,  # rows are short, and found by their key: one tree instead of two
)
