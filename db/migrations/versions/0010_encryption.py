"""Room for encrypted values: an embedding, a series or a table of faces may be longer by what the encryption adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ADDED = 36
"""Bytes by which an encrypted value is longer."""


def upgrade() -> None:
    checks = {
        "embeddings": [_length("embeddings", "2 * dim * rows"), _length("time_s", "8 * rows")],
        "faces": [
            _length("frame", "4 * rows"),
            _length("track", "4 * rows"),
            _length("numbers", "64 * other_rows"),
            _length("embeddings", "2 * dim * other_rows"),
        ],
        "channels": [_length("numbers", "4 * width * rows"), f"(time_s IS NULL OR {_length('time_s', '8 * rows')})"],
    }
    for table, conditions in checks.items():
        name = op.f(f"ck_{table}_lengths")
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, " AND ".join(conditions))
            if table == "embeddings":  # as SQLite reads the default back, it would have brackets around it
                batch.alter_column("kind", existing_type=sa.String(), existing_nullable=False, server_default="")
        _refuse_updates(table)


def _length(column: str, length: str) -> str:
    return f"length({column}) - {length} IN (0, {ADDED})"


def _refuse_updates(table: str) -> None:
    """Bring back the trigger that SQLite lost with the table that was written anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table}"
            f" BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
        )
