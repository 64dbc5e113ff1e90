"""Erasing finds its jobs, and at night the owners who deleted something, among however many there are."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_erasures_step_id", "erasures", ["step", "id"])
    some = sa.text("dirty IS NOT NULL")
    op.create_index("ix_owners_dirty", "owners", ["dirty"], sqlite_where=some, postgresql_where=some)
