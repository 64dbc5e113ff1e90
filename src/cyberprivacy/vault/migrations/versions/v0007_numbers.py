"""Who agreed to be counted in an application's statistics."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "counted",
        sa.Column("owner", sa.LargeBinary(32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name=op.f("fk_counted_owner"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_counted")),
    )
