"""Accounts, records, grants and what else a vault begins with."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, those first that others refer to."""
    _accounts()
    _erasures()
    _nonces()
    _types()
    _key_events()
    _owners()
    _sessions()
    _accesses()
    _blobs()
    _grants()
    _idempotency()
    _outbox()
    _records()
    _blob_parts()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("frozen", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scope", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("notes", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("asked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("done", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_owner"), "erasures", ["owner"], unique=False)


def _nonces() -> None:
    op.create_table(
        "nonces",
        sa.Column("nonce", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("expires", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_nonces")),
    )
    op.create_index(op.f("ix_nonces_expires"), "nonces", ["expires"], unique=False)


def _types() -> None:
    op.create_table(
        "types",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("declared", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_types")),
    )


def _key_events() -> None:
    op.create_table(
        "key_events",
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("taken", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.id"], name=op.f("fk_key_events_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account", "seq", name=op.f("pk_key_events")),
        sa.UniqueConstraint("digest", name=op.f("uq_key_events_digest")),
    )


def _owners() -> None:
    op.create_table(
        "owners",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.Column("app", sa.String(length=255), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dirty", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_owners_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners")),
        sa.UniqueConstraint("account", "app", name=op.f("uq_owners_account_app")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.Column("app", sa.String(length=255), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.id"], name=op.f("fk_sessions_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_account"), "sessions", ["account"], unique=False)


def _accesses() -> None:
    op.create_table(
        "accesses",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=True),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("records", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_accesses_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_accesses")),
    )
    op.create_index(op.f("ix_accesses_owner_grant"), "accesses", ["owner", "grant"], unique=False)


def _blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=60), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("completed", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_blobs_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "digest", name=op.f("pk_blobs")),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=128), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("registered", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uses", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revoked", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revocation", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_grants_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_grants")),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=60), nullable=False),
        sa.Column("record", sa.LargeBinary(length=16), nullable=False),
        sa.Column("rev", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_idempotency_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "key", "n", name=op.f("pk_idempotency")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_idempotency_owner_record"), "idempotency", ["owner", "record"], unique=False)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("record", sa.LargeBinary(length=16), nullable=False),
        sa.Column("rev", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_outbox_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "seq", name=op.f("pk_outbox")),
        sqlite_with_rowid=False,
    )


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("rev", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=60), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("changed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_records_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_records")),
    )
    op.create_index(op.f("ix_records_owner_type_id"), "records", ["owner", "type", "id"], unique=False)


def _blob_parts() -> None:
    op.create_table(
        "blob_parts",
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "digest"],
            ["blobs.owner", "blobs.digest"],
            name=op.f("fk_blob_parts_owner_digest"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "digest", "n", name=op.f("pk_blob_parts")),
    )
