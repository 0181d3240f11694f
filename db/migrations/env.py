"""What Alembic runs: migrations on the connection, and in the transaction, that `db.migrate.upgrade` holds."""

from __future__ import annotations

from alembic import context

from db.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
