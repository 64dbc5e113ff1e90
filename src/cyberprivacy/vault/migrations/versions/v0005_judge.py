"""Where a recipient answers: it proves itself there, and is told there to erase."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("sharings", sa.Column("site", sa.String(300), nullable=True))
