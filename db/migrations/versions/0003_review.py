"""What a review needs: notes and transcripts of a session, tags and events of a subject, measures of an analysis."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _of_subjects()
    _of_sessions()
    op.create_table(
        "measures",
        sa.Column("analysis_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        _belongs("measures", "analysis_id", "analyses"),
        sa.PrimaryKeyConstraint("analysis_id", "name", name=op.f("pk_measures")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_measures_name_analysis_id"), "measures", ["name", "analysis_id"])


def _of_subjects() -> None:
    op.create_table(
        "subject_tags",
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.CheckConstraint("trim(tag) <> '' AND length(tag) <= 60", name=op.f("ck_subject_tags_tag")),
        _belongs("subject_tags", "subject_id", "subjects"),
        sa.PrimaryKeyConstraint("subject_id", "tag", name=op.f("pk_subject_tags")),
    )
    op.create_index(op.f("ix_subject_tags_tag"), "subject_tags", ["tag"])
    op.create_table(
        "events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("trim(words) <> '' AND length(words) <= 200", name=op.f("ck_events_words")),
        _belongs("events", "subject_id", "subjects"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_subject_id_at"), "events", ["subject_id", "at"])


def _of_sessions() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("time_s", sa.Double(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("time_s >= 0", name=op.f("ck_notes_time_s")),
        sa.CheckConstraint("length(words) <= 4000", name=op.f("ck_notes_words")),
        sa.CheckConstraint("tag IS NULL OR (trim(tag) <> '' AND length(tag) <= 60)", name=op.f("ck_notes_tag")),
        sa.CheckConstraint("tag IS NOT NULL OR trim(words) <> ''", name=op.f("ck_notes_something")),
        _belongs("notes", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_session_id_time_s"), "notes", ["session_id", "time_s"])
    op.create_index(op.f("ix_notes_tag"), "notes", ["tag"])
    op.create_table(
        "transcripts",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("original_name", sa.String(), nullable=False),
        sa.Column("speaker", sa.String(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(document) > 0", name=op.f("ck_transcripts_document")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_transcripts_sha256")),
        _belongs("transcripts", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_transcripts")),
    )


def _belongs(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    """Return the foreign key by which a row goes when its parent is erased."""
    name = op.f(f"fk_{table}_{column}_{parent}")
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=name, ondelete="CASCADE")
