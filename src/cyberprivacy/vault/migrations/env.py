"""Alembic's entry: the connection, and its transaction, are the caller's (`migrations.run`)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
