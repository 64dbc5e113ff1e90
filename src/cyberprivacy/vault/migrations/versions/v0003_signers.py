"""Which accounts a key speaks for, so that somebody on a new device finds their own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; a vault of version 0001 has no accounts yet, as nothing could begin one."""
    op.create_table(
        "signers",
        sa.Column("signer", sa.String(length=200), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_signers_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("signer", "account", name=op.f("pk_signers")),
    )
    op.create_index(op.f("ix_signers_account"), "signers", ["account"], unique=False)
