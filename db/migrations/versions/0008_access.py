"""Accounts, logins, tokens for programs and who sees which subject; the audit's entries are chained by hash.

The name of a person leaves the audit's entries for a table of its own, so that it can be erased and the entry stays.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BETWEEN = ", "
ROLES = ("viewer", "clinician", "researcher", "administrator")


def upgrade() -> None:
    _accounts()
    _tokens()
    _shares()
    with op.batch_alter_table("subjects") as batch:
        batch.add_column(sa.Column("pseudonym", sa.String(), nullable=True))
        batch.create_unique_constraint(op.f("uq_subjects_pseudonym"), ["pseudonym"])
    _give_pseudonyms()
    _audit()


def _accounts() -> None:
    listed = ", ".join(f"'{role}'" for role in ROLES)
    op.create_table(
        "accounts",
        *(_text(name) for name in ("id", "name", "key", "role")),
        _text("password", nullable=True),
        _text("identity", nullable=True),
        _time("created_at"),
        _time("disabled_at", nullable=True),
        sa.CheckConstraint(f"role IN ({listed})", name=op.f("ck_accounts_role")),
        sa.CheckConstraint("trim(name) <> '' AND length(name) <= 100", name=op.f("ck_accounts_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("key", name=op.f("uq_accounts_key")),
        sa.UniqueConstraint("identity", name=op.f("uq_accounts_identity")),
    )
    op.create_table(
        "logins",
        *(_text(name) for name in ("digest", "account_id", "origin")),
        *(_time(name) for name in ("created_at", "seen_at", "expires_at")),
        _of_account("logins"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_logins")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _text("key"),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_key_at"), "attempts", ["key", "at"])


def _tokens() -> None:
    op.create_table(
        "api_tokens",
        *(_text(name) for name in ("id", "account_id", "name", "digest", "scopes")),
        *(_time(name) for name in ("created_at", "expires_at")),
        *(_time(name, nullable=True) for name in ("revoked_at", "used_at")),
        _of_account("api_tokens"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
    )


def _shares() -> None:
    op.create_table(
        "subject_shares",
        *(_text(name) for name in ("subject_id", "account_id")),
        sa.Column("owner", sa.Boolean(), nullable=False),
        _time("at"),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("fk_subject_shares_subject_id_subjects"), ondelete="CASCADE"
        ),
        _of_account("subject_shares"),
        sa.PrimaryKeyConstraint("subject_id", "account_id", name=op.f("pk_subject_shares")),
    )
    op.create_index(op.f("ix_subject_shares_account_id"), "subject_shares", ["account_id"])


def _give_pseudonyms() -> None:
    connection = op.get_bind()
    subjects = sa.table("subjects", sa.column("id"), sa.column("pseudonym"))
    for subject_id in connection.scalars(sa.select(subjects.c.id)).all():
        change = sa.update(subjects).where(subjects.c.id == subject_id)
        connection.execute(change.values(pseudonym=f"R-{secrets.token_hex(5).upper()}"))


def _audit() -> None:
    op.create_table(
        "audit_names",
        _text("id"),
        _text("name"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_names")),
    )
    op.create_index(op.f("ix_audit_names_name"), "audit_names", ["name"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        _text("digest"),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    _allow_changes("audit")
    op.add_column("audit", _text("name_id", nullable=True))
    for column in ("origin", "digest"):
        op.add_column("audit", sa.Column(column, sa.String(), nullable=False, server_default=""))
    _chain_entries()
    _refuse_changes("audit")


def _chain_entries() -> None:
    """Take the names out of the entries, and chain these as `db.queries.audit` does."""
    connection = op.get_bind()
    columns = ("id", "at", "actor", "name_id", "origin", "action", "object_kind", "object_id", "detail", "digest")
    audit = sa.table("audit", *(sa.column(name) for name in columns if name != "at"), sa.column("at", sa.DateTime()))
    change = (
        sa.update(audit)
        .where(audit.c.id == sa.bindparam("row_id"))
        .values(actor=sa.bindparam("program"), name_id=sa.bindparam("row_name_id"), digest=sa.bindparam("row_digest"))
    )
    name_ids: dict[str, str] = {}
    digest = ""
    entries = 0
    for rows in _batches(connection, audit):
        changes = []
        for row in rows:
            program, _, name = row.actor.partition(BETWEEN)
            name_id = name_ids.setdefault(name, str(uuid4())) if name else None
            at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
            fields = (program, name_id, "", row.action, row.object_kind, row.object_id, row.detail)
            digest = _digest(digest, at, *fields)
            changes.append({"row_id": row.id, "program": program, "row_name_id": name_id, "row_digest": digest})
        connection.execute(change, changes)
        entries += len(changes)
    names = sa.table("audit_names", sa.column("id"), sa.column("name"))
    for name, name_id in name_ids.items():
        connection.execute(sa.insert(names).values(id=name_id, name=name))
    head = sa.table("audit_head", sa.column("id"), sa.column("entries"), sa.column("digest"))
    connection.execute(sa.insert(head).values(id=1, entries=entries, digest=digest))


def _batches(connection: sa.Connection, audit: Any) -> Iterator[Sequence[Any]]:
    """Yield the entries in their order, some thousand at a time."""
    last = 0
    while rows := connection.execute(sa.select(audit).where(audit.c.id > last).order_by(audit.c.id).limit(5000)).all():
        yield rows
        last = rows[-1].id


def _digest(previous: str, at: datetime, *fields: str | None) -> str:
    content = json.dumps([previous, at.isoformat(timespec="microseconds"), *fields], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def _allow_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {table}_written_once")
        return
    op.execute(f"DROP TRIGGER {table}_written_once ON {table}")


def _refuse_changes(table: str) -> None:
    """Refuse updates as before, and from now on also that an entry is removed."""
    sentence = f"rows of {table} are never changed"
    if op.get_bind().dialect.name == "sqlite":
        for name, change in ((f"{table}_written_once", "UPDATE"), (f"{table}_never_removed", "DELETE")):
            op.execute(f"CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, '{sentence}'); END")
        return
    op.execute(
        f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_written_once()"
    )


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id_accounts")
    return sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=name, ondelete="CASCADE")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
