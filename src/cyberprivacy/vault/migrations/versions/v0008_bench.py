"""What a vault with many accounts needs: sessions that ended are found without looking at all."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the index."""
    op.create_index(op.f("ix_sessions_expires"), "sessions", ["expires"], unique=False)


def downgrade() -> None:
    """Back to tables without it."""
    op.drop_index(op.f("ix_sessions_expires"), table_name="sessions")
