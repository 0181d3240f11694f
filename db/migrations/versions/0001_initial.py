"""The first schema: subjects, sessions, analyses, frames, embeddings, questionnaires, jobs, audit, settings."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
ESTIMATE = ("phq_score", "phq_low", "phq_high", "phq_level", "phq_scale", "phq_provenance", "phq_model_id")
FACE = (*EMOTIONS, "x0", "y0", "x1", "y1", "detection_score")
LIVE = "state IN ('queued', 'running')"
WRITTEN_ONCE = ("analyses", "frames", "embeddings", "audit")


def upgrade() -> None:
    _people()
    _analyses()
    _frames()
    _jobs()
    _upkeep()
    for table in WRITTEN_ONCE:
        _refuse_updates(table)


def _people() -> None:
    op.create_table(
        "subjects",
        _key(),
        _text("label"),
        _flag("is_demo"),
        _time("created_at"),
        _check("subjects", "label", "trim(label) <> '' AND length(label) <= 200"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("label", name=op.f("uq_subjects_label")),
    )
    consent = ("consent_at", "consent_by", "consent_text_version")
    op.create_table(
        "sessions",
        _key(),
        _text("subject_id"),
        _time("recorded_at"),
        _text("media_sha256"),
        _text("media_path", nullable=True),
        _text("original_name"),
        _number("duration_s"),
        _whole("width"),
        _whole("height"),
        _text("codec"),
        _whole("rotation"),
        _flag("has_audio"),
        _time("consent_at", nullable=True),
        _text("consent_by", nullable=True),
        _text("consent_text_version", nullable=True),
        _time("retain_until", nullable=True),
        _flag("is_demo"),
        _time("created_at"),
        _check("sessions", "media_sha256", "length(media_sha256) = 64"),
        _check("sessions", "duration_s", "duration_s >= 0"),
        _check("sessions", "size", "width >= 0 AND height >= 0"),
        _check("sessions", "rotation", "rotation IN (0, 90, 180, 270)"),
        _check("sessions", "consent", f"({_null(consent)}) OR ({_set(consent)})"),
        _parent("sessions", "subject_id", "subjects"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("subject_id", "media_sha256", name=op.f("uq_sessions_subject_id_media_sha256")),
    )
    _index("sessions", "subject_id", "recorded_at")
    _index("sessions", "recorded_at")
    _index("sessions", "media_path")
    _index("sessions", "retain_until")
    _questionnaires()


def _questionnaires() -> None:
    acknowledged = ("acknowledged_at", "acknowledged_by")
    op.create_table(
        "questionnaires",
        _key(),
        _text("subject_id"),
        _text("scale"),
        _json("items"),
        _whole("total"),
        _flag("item9_flag"),
        _time("answered_at"),
        _time("created_at"),
        _text("source"),
        _text("supersedes_id", nullable=True),
        _time("acknowledged_at", nullable=True),
        _text("acknowledged_by", nullable=True),
        _check("questionnaires", "scale", "scale IN ('PHQ-8', 'PHQ-9')"),
        _check("questionnaires", "total", "total >= 0 AND total <= CASE scale WHEN 'PHQ-8' THEN 24 ELSE 27 END"),
        _check("questionnaires", "item9_flag", "NOT item9_flag OR scale = 'PHQ-9'"),
        _check("questionnaires", "source", "source IN ('entered', 'imported', 'demo')"),
        _check("questionnaires", "acknowledged", f"({_null(acknowledged)}) OR ({_set(acknowledged)})"),
        _parent("questionnaires", "subject_id", "subjects"),
        sa.ForeignKeyConstraint(
            ["supersedes_id"], ["questionnaires.id"], name=op.f("fk_questionnaires_supersedes_id_questionnaires")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaires")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_questionnaires_supersedes_id")),
    )
    _index("questionnaires", "subject_id", "answered_at")


def _analyses() -> None:
    found = (*EMOTIONS, "dominant_emotion")
    op.create_table(
        "analyses",
        _key(),
        _text("session_id"),
        _text("model_id"),
        _json("settings"),
        _text("settings_hash"),
        _number("fps", nullable=True),
        _flag("key_frames"),
        _number("coverage"),
        _whole("frames_sampled"),
        _whole("frames_with_face"),
        *(_number(name, nullable=True) for name in EMOTIONS),
        _text("dominant_emotion", nullable=True),
        *(_number(name, nullable=True) for name in ESTIMATE[:4]),
        *(_text(name, nullable=True) for name in ESTIMATE[4:]),
        _text("phq_unavailable", nullable=True),
        _text("phq_detail"),
        _json("warnings"),
        _json("tracks"),
        _json("timing"),
        _time("created_at"),
        _check("analyses", "fps", "(key_frames AND fps IS NULL) OR (NOT key_frames AND fps IS NOT NULL AND fps > 0)"),
        _check("analyses", "coverage", "coverage >= 0 AND coverage <= 1"),
        _check("analyses", "frames", "frames_with_face >= 0 AND frames_with_face <= frames_sampled"),
        _check(
            "analyses",
            "emotions",
            f"({_null(found)} AND frames_with_face = 0) OR ({_set(found)} AND frames_with_face > 0)",
        ),
        _check("analyses", "dominant_emotion", f"dominant_emotion IN ({', '.join(map(repr, EMOTIONS))})"),
        _check(
            "analyses",
            "phq_estimate_or_reason",
            f"({_set(ESTIMATE)} AND phq_unavailable IS NULL) OR ({_null(ESTIMATE)} AND phq_unavailable IS NOT NULL)",
        ),
        _check(
            "analyses",
            "phq_interval",
            "0 <= phq_low AND phq_low <= phq_score AND phq_score <= phq_high"
            " AND phq_high <= CASE phq_scale WHEN 'PHQ-8' THEN 24 ELSE 27 END",
        ),
        _check("analyses", "phq_level", "phq_level > 0 AND phq_level < 1"),
        _check("analyses", "phq_scale", "phq_scale IN ('PHQ-8', 'PHQ-9')"),
        _check("analyses", "phq_provenance", "phq_provenance IN ('clinical', 'simulated')"),
        _check(
            "analyses",
            "phq_unavailable",
            "phq_unavailable IN ('no_face', 'low_coverage', 'too_short', 'no_head', 'out_of_distribution')",
        ),
        _parent("analyses", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyses")),
        sa.UniqueConstraint(
            "session_id", "model_id", "settings_hash", name=op.f("uq_analyses_session_id_model_id_settings_hash")
        ),
    )
    _index("analyses", "session_id", "created_at")


def _frames() -> None:
    op.create_table(
        "frames",
        _text("analysis_id"),
        _whole("idx"),
        _number("time_s"),
        *(sa.Column(name, sa.REAL()) for name in FACE[:-1]),
        sa.Column("landmarks", sa.LargeBinary()),
        sa.Column("detection_score", sa.REAL()),
        sa.Column("quality", sa.REAL()),
        _check("frames", "face_or_gap", f"({_null(FACE)}) OR ({_set(FACE)})"),
        _parent("frames", "analysis_id", "analyses"),
        sa.PrimaryKeyConstraint("analysis_id", "idx", name=op.f("pk_frames")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "embeddings",
        _text("analysis_id"),
        _whole("dim"),
        _whole("rows"),
        sa.Column("embeddings", sa.LargeBinary(), nullable=False),
        sa.Column("time_s", sa.LargeBinary(), nullable=False),
        _check("embeddings", "lengths", "length(embeddings) = 2 * dim * rows AND length(time_s) = 8 * rows"),
        _parent("embeddings", "analysis_id", "analyses"),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_embeddings")),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        _key(),
        _text("session_id"),
        _text("workflow_id"),
        sa.Column("settings", sa.JSON(none_as_null=True), nullable=True),
        _text("state"),
        _text("stage", nullable=True),
        _whole("frames_done"),
        _whole("frames_expected", nullable=True),
        _text("error", nullable=True),
        _flag("cancel_requested"),
        _whole("attempt"),
        _text("worker", nullable=True),
        _text("claim", nullable=True),
        _whole("claims"),
        _text("analysis_id", nullable=True),
        _time("created_at"),
        _time("updated_at"),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        _check("jobs", "state", "state IN ('queued', 'running', 'done', 'failed', 'cancelled')"),
        _check("jobs", "progress", "frames_done >= 0 AND (frames_expected IS NULL OR frames_expected >= 0)"),
        _check("jobs", "attempt", "attempt >= 1"),
        _check("jobs", "claims", "claims >= 0"),
        _parent("jobs", "session_id", "sessions"),
        sa.ForeignKeyConstraint(
            ["analysis_id"], ["analyses.id"], name=op.f("fk_jobs_analysis_id_analyses"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_jobs_workflow_id")),
    )
    _index("jobs", "session_id", "created_at")
    _index("jobs", "state", "created_at")
    only: dict[str, Any] = {"sqlite_where": sa.text(LIVE), "postgresql_where": sa.text(LIVE)}
    op.create_index("uq_jobs_live_session", "jobs", ["session_id"], unique=True, **only)
    op.create_table(
        "workers",
        _key(),
        _text("host"),
        _whole("pid"),
        _time("started_at"),
        _time("seen_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )


def _upkeep() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _time("at"),
        *(_text(name) for name in ("actor", "action", "object_kind", "object_id", "detail")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    _index("audit", "object_id")
    op.create_table(
        "settings",
        _text("key"),
        _text("value"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )


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


def _key() -> sa.Column[str]:
    return _text("id")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _parent(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{parent}")
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=name, ondelete="CASCADE")


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def _null(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} IS NULL" for column in columns)


def _set(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} IS NOT NULL" for column in columns)
