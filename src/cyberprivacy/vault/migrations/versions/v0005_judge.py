"""Where a recipient answers; what came to one under a grant; and the orders to erase that, until it confirms."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column, and make the tables."""
    op.add_column("sharings", sa.Column("site", sa.String(300), nullable=True))
    op.create_table(
        "followed",
        sa.Column("owner", sa.LargeBinary(32), nullable=False),
        sa.Column("grant", sa.LargeBinary(16), nullable=False),
        sa.Column("record", sa.LargeBinary(16), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_followed_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "grant", "record", name=op.f("pk_followed")),
    )
    op.create_table(
        "orders",
        sa.Column("owner", sa.LargeBinary(32), nullable=False),
        sa.Column("grant", sa.LargeBinary(16), nullable=False),
        sa.Column("recipient", sa.String(128), nullable=False),
        sa.Column("account", sa.LargeBinary(32), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("site", sa.String(300), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.String(64), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "grant", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_due"), "orders", ["due"])
