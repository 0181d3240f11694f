"""The answer to a questionnaire's last question: how difficult the problems have made daily life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("questionnaires") as batch:
        batch.add_column(sa.Column("difficulty", sa.Integer(), nullable=True))
        batch.create_check_constraint(
            op.f("ck_questionnaires_difficulty"),
            "difficulty IS NULL OR (difficulty >= 0 AND difficulty <= 3 AND total > 0)",
        )
