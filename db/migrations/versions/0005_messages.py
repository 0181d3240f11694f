"""Messages of failed jobs with code and parameters, and since when a job is at its step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("error_code", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("error_params", sa.JSON(), nullable=True))
    op.add_column("jobs", sa.Column("step_started_at", sa.DateTime(timezone=True), nullable=True))
