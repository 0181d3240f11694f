"""Everybody's faces in an analysis with small pictures, and when a person chose the subject's among them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "face_choices",
        sa.Column("analysis_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _of_analysis("face_choices"),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_face_choices")),
    )
    op.create_table(
        "faces",
        sa.Column("analysis_id", sa.String(), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("other_rows", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("frame", "track", "numbers", "embeddings")),
        sa.CheckConstraint("other_rows >= 0 AND other_rows <= rows", name=op.f("ck_faces_rows")),
        sa.CheckConstraint(
            "length(frame) = 4 * rows AND length(track) = 4 * rows AND length(numbers) = 64 * other_rows"
            " AND length(embeddings) = 2 * dim * other_rows",
            name=op.f("ck_faces_lengths"),
        ),
        _of_analysis("faces"),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_faces")),
    )
    op.create_table(
        "face_pictures",
        sa.Column("analysis_id", sa.String(), nullable=False),
        sa.Column("track", sa.Integer(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(picture) > 0", name=op.f("ck_face_pictures_picture")),
        _of_analysis("face_pictures"),
        sa.PrimaryKeyConstraint("analysis_id", "track", name=op.f("pk_face_pictures")),
    )
    for table in ("faces", "face_pictures"):
        _refuse_updates(table)


def _of_analysis(table: str) -> sa.ForeignKeyConstraint:
    """Return the foreign key by which a row goes when its analysis is erased."""
    name = op.f(f"fk_{table}_analysis_id_analyses")
    return sa.ForeignKeyConstraint(["analysis_id"], ["analyses.id"], name=name, ondelete="CASCADE")


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
