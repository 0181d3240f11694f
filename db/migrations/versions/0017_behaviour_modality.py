"""Facial behaviour among what an estimate may be from."""

from __future__ import annotations

from itertools import combinations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MODALITIES = ("face", "voice", "words", "behaviour")
NAME = "ck_analyses_phq_modalities"


def upgrade() -> None:
    sets = ["+".join(some) for n in range(1, len(MODALITIES) + 1) for some in combinations(MODALITIES, n)]
    # On SQLite the batch copies the table, and the trigger goes with the old one.
    with op.batch_alter_table("analyses") as batch:
        batch.drop_constraint(op.f(NAME), type_="check")
        batch.create_check_constraint(op.f(NAME), f"phq_modalities IN ({', '.join(map(repr, sets))})")
        # As SQLite reads the default back, it would have brackets around it.
        batch.alter_column("beside", existing_type=sa.String(), existing_nullable=False, server_default="")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER analyses_written_once BEFORE UPDATE ON analyses"
            " BEGIN SELECT RAISE(ABORT, 'rows of analyses are never changed'); END"
        )
