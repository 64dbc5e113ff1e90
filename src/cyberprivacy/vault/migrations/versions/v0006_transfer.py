"""Transfers that are ordered here, and what the ledger is to remember of receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "arrivals",
        *(sa.Column(name, sa.LargeBinary(size), nullable=False) for name, size in _IDS),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("key", sa.LargeBinary(60), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.String(64), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("asked", "heard")),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_arrivals_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_arrivals")),
        sa.UniqueConstraint("owner", "grant", name=op.f("uq_arrivals_owner_grant")),
    )
    op.create_table(
        "commitments",
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("leaf", name=op.f("pk_commitments")),
    )


_IDS = (("owner", 32), ("id", 16), ("grant", 16), ("holder", 32))
