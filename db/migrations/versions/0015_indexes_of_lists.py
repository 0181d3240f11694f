"""Indexes for what lists, erasure and the search for what needs attention look up; without them all rows were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PLAIN = (("sessions", "media_sha256"), ("jobs", "created_at"), ("jobs", "analysis_id"))
PARTIAL = (
    ("ix_sessions_no_consent", "sessions", "recorded_at", "consent_at IS NULL"),
    ("ix_questionnaires_open_flag", "questionnaires", "answered_at", "{item9_flag} AND acknowledged_at IS NULL"),
    ("ix_audit_settings", "audit", "id", "object_kind = 'setting'"),
)


def upgrade() -> None:
    for table, column in PLAIN:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, table, column, condition in PARTIAL:
        where = sa.text(condition.format(item9_flag="item9_flag = 1" if is_sqlite else "item9_flag"))
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
