"""Voice and words beside the face: channels, what an estimate is from, what made the embeddings, what lay beside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ESTIMATE = (
    *("phq_score", "phq_low", "phq_high", "phq_level", "phq_scale", "phq_provenance", "phq_model_id"),
    "phq_modalities",
)
MODALITIES = ("face", "voice", "words", "face+voice", "face+words", "voice+words", "face+voice+words")
ESTIMATE_OR_REASON = "ck_analyses_phq_estimate_or_reason"


def upgrade() -> None:
    _analyses()
    _embeddings()
    _channels()


def _analyses() -> None:
    op.add_column("analyses", sa.Column("phq_modalities", sa.String(), nullable=True))
    _allow_updates("analyses")
    op.execute("UPDATE analyses SET phq_modalities = 'face' WHERE phq_score IS NOT NULL")  # nothing else was looked at
    # On SQLite the batch copies the table, and the trigger goes with the old one.
    with op.batch_alter_table("analyses") as batch:
        batch.add_column(sa.Column("beside", sa.String(), server_default="", nullable=False))
        batch.drop_constraint(op.f(ESTIMATE_OR_REASON), type_="check")
        batch.create_check_constraint(
            op.f(ESTIMATE_OR_REASON),
            f"({_set(ESTIMATE)} AND phq_unavailable IS NULL) OR ({_null(ESTIMATE)} AND phq_unavailable IS NOT NULL)",
        )
        batch.create_check_constraint(
            op.f("ck_analyses_phq_modalities"), f"phq_modalities IN ({', '.join(map(repr, MODALITIES))})"
        )
    _refuse_updates("analyses")


def _embeddings() -> None:
    op.add_column("embeddings", sa.Column("kind", sa.String(), server_default="", nullable=False))
    op.create_index(op.f("ix_embeddings_kind_analysis_id"), "embeddings", ["kind", "analysis_id"])


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("analysis_id", sa.String(), nullable=False),
        sa.Column("modality", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("time_s", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("modality IN ('voice', 'words')", name=op.f("ck_channels_modality")),
        sa.CheckConstraint("width > 0", name=op.f("ck_channels_width")),
        sa.CheckConstraint(
            "length(numbers) = 4 * width * rows AND (time_s IS NULL OR length(time_s) = 8 * rows)",
            name=op.f("ck_channels_lengths"),
        ),
        sa.ForeignKeyConstraint(
            ["analysis_id"], ["analyses.id"], name=op.f("fk_channels_analysis_id_analyses"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("analysis_id", "modality", name=op.f("pk_channels")),
    )
    _refuse_updates("channels")


def _allow_updates(table: str) -> None:
    place = "" if op.get_bind().dialect.name == "sqlite" else f" ON {table}"
    op.execute(f"DROP TRIGGER {table}_written_once{place}")


def _refuse_updates(table: str) -> None:
    sentence = f"rows of {table} are never changed"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_written_once() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_written_once()"
    )


def _null(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} IS NULL" for column in columns)


def _set(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} IS NOT NULL" for column in columns)
