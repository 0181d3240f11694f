"""Alembic migrations; run by `db.migrate.upgrade`, no alembic.ini needed."""
