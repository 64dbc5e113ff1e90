"""Transfers between applications, from both ends."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables of transfers."""
    _out()
    _chunks()
    _in()
    _taken()
    _rejects()


def _id(name: str, size: int, *, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(length=size), nullable=null)


def _whole(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=null)


def _out() -> None:
    op.create_table(
        "transfers_out",
        _id("owner", 32),
        _id("id", 16),
        _id("grant", 16),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        _id("key", 32),
        _id("signer", 32),
        sa.Column("manifest", sa.LargeBinary(), nullable=True),
        _id("head", 32, null=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        _whole("asked"),
        _whole("due", null=True),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_transfers_out_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_transfers_out")),
    )


def _chunks() -> None:
    op.create_table(
        "transfer_chunks",
        _id("owner", 32),
        _id("transfer", 16),
        _whole("n"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "transfer"],
            ["transfers_out.owner", "transfers_out.id"],
            name=op.f("fk_transfer_chunks_owner_transfer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "transfer", "n", name=op.f("pk_transfer_chunks")),
    )


def _in() -> None:
    op.create_table(
        "transfers_in",
        _id("owner", 32),
        _id("id", 16),
        _id("grant", 16),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        _whole("cursor"),
        _id("head", 32),
        _whole("taken"),
        _whole("dup"),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        _whole("begun"),
        _whole("until", null=True),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_transfers_in_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_transfers_in")),
    )
    op.create_index(op.f("ix_transfers_in_until"), "transfers_in", ["until"], unique=False)


def _taken() -> None:
    op.create_table(
        "transfer_taken",
        _id("owner", 32),
        _id("transfer", 16),
        _whole("n"),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "transfer"],
            ["transfers_in.owner", "transfers_in.id"],
            name=op.f("fk_transfer_taken_owner_transfer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "transfer", "n", name=op.f("pk_transfer_taken")),
    )


def _rejects() -> None:
    op.create_table(
        "transfer_rejects",
        _id("owner", 32),
        _id("transfer", 16),
        _id("record", 16),
        _whole("n"),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "transfer"],
            ["transfers_in.owner", "transfers_in.id"],
            name=op.f("fk_transfer_rejects_owner_transfer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "transfer", "record", name=op.f("pk_transfer_rejects")),
    )
