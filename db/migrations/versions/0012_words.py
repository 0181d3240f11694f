"""Room for encrypted words: of a note and of an event they may be longer than the words themselves."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, check in (
        ("notes", "length(words) <= 22000"),
        ("events", "trim(words) <> '' AND length(words) <= 1200"),
    ):
        name = op.f(f"ck_{table}_words")
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, check)
