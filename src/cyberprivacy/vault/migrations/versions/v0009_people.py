"""Why a source did not believe the last receipt of a transfer."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the column."""
    op.add_column("transfers_out", sa.Column("why", sa.String(64), nullable=True))
