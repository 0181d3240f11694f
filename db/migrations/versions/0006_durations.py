"""When the picture of an analysed recording ends, so that the last frame has a duration; null in older analyses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("analyses", sa.Column("end_s", sa.Double(), nullable=True))
