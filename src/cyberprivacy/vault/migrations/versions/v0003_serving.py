"""What serving needs: which accounts a key speaks for, and exports under way."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; a vault before this has no accounts yet, as nothing could begin one."""
    op.create_table(
        "signers",
        sa.Column("signer", sa.String(length=200), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_signers_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("signer", "account", name=op.f("pk_signers")),
    )
    op.create_index(op.f("ix_signers_account"), "signers", ["account"], unique=False)
    op.create_table(
        "exports",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("asked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_exports_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_account"), "exports", ["account"], unique=False)
