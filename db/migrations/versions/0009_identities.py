"""Accounts whose people log in with a provider of identities are bound to the provider and what it calls them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("issuer", sa.String(), nullable=True))
    op.add_column("accounts", sa.Column("subject", sa.String(), nullable=True))
    op.create_index(op.f("ix_accounts_issuer_subject"), "accounts", ["issuer", "subject"], unique=True)
