"""What one application gets from another under a grant: who asks, and how far the other has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sharings",
        sa.Column("owner", sa.LargeBinary(32), nullable=False),
        sa.Column("grant", sa.LargeBinary(16), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_sharings_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "grant", name=op.f("pk_sharings")),
    )
    whole = ("cursor", "received", "refused", "begun", "heard")
    op.create_table(
        "followings",
        sa.Column("owner", sa.LargeBinary(32), nullable=False),
        sa.Column("grant", sa.LargeBinary(16), nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in whole),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_followings_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "grant", name=op.f("pk_followings")),
    )
