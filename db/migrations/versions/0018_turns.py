"""Who speaks when: a row a turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ADDED = 36
"""Bytes by which an encrypted value is longer."""


def upgrade() -> None:
    op.create_table(
        "turns",
        sa.Column("analysis_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("speaker_choice", sa.String(), nullable=True),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("time_s", sa.LargeBinary(), nullable=False),
        sa.Column("duration_s", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("width > 0", name=op.f("ck_turns_width")),
        sa.CheckConstraint(
            f"{_length('numbers', '4 * width * rows')} AND {_length('time_s', '8 * rows')}"
            f" AND {_length('duration_s', '8 * rows')}",
            name=op.f("ck_turns_lengths"),
        ),
        sa.ForeignKeyConstraint(
            ["analysis_id"], ["analyses.id"], name=op.f("fk_turns_analysis_id_analyses"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_turns")),
    )
    _refuse_updates("turns")


def _refuse_updates(table: str) -> None:
    sentence = f"rows of {table} are never changed"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {table}_written_once() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_written_once()"
    )


def _length(column: str, length: str) -> str:
    return f"length({column}) - {length} IN (0, {ADDED})"
