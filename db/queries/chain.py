"""The audit's chain: each entry's digest is over the entry and the digest before it, so that a gap or a change shows.

The entries of a transaction are added right before it commits, while its connection holds the chain's head: on
PostgreSQL, two transactions then never continue the chain from the same entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.actors import Actor
from db.tables import AuditHeadRow, AuditNameRow, AuditRow

HEAD = 1
"""Key of the one row of `audit_head`."""


@dataclass(frozen=True)
class Entry:
    """An entry that a transaction will add.

    Attributes:
        by: The person who is named; empty where nobody is.
        action: What was done, such as `create`.
        kind: What kind of row it was done to, such as `session`.
        object_id: The row's id.
        detail: A few words more.
        origin: The network address that it came from, where the actor does not know it.
    """

    by: str
    action: str
    kind: str
    object_id: str
    detail: str
    origin: str = ""


def append_entries(session: Session, actor: Actor, entries: Sequence[Entry]) -> None:
    """Add entries to the end of the chain, in the session's transaction.

    Args:
        session: The open transaction, which commits next.
        actor: Who acts.
        entries: The entries, in their order.
    """
    if not entries:
        return
    head = session.get(AuditHeadRow, HEAD, with_for_update=True)
    if head is None:
        head = AuditHeadRow(id=HEAD, entries=0, digest="")
        session.add(head)
    for entry in entries:
        row = AuditRow(
            at=datetime.now(UTC),
            actor=actor.program,
            name_id=_name_id(session, actor, entry.by),
            origin=actor.origin or entry.origin,
            action=entry.action,
            object_kind=entry.kind,
            object_id=entry.object_id,
            detail=entry.detail,
        )
        row.digest = digest_of(row, head.digest)
        head.digest = row.digest
        head.entries += 1
        session.add(row)
        session.flush()  # one by one: the ids then have the chain's order


def digest_of(row: AuditRow, previous: str) -> str:
    """Return an entry's digest: SHA-256 of its fields and of the digest before it, as JSON.

    Args:
        row: The entry.
        previous: The digest of the entry before it, hexadecimal; empty for the first.
    """
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [row.actor, row.name_id, row.origin, row.action, row.object_kind, row.object_id, row.detail]
    content = json.dumps([previous, at, *fields], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def _name_id(session: Session, actor: Actor, by: str) -> str | None:
    """Return the id under which the audit knows a person, which it gets where it has none."""
    name = actor.name if actor.account_id is not None or not by else by
    if not name:
        return None
    query = select(AuditNameRow.id).where(AuditNameRow.name == name)
    if actor.account_id is not None:
        query = query.where(AuditNameRow.id == actor.account_id)
    name_id = session.scalar(query)
    if name_id is None:
        name_id = actor.account_id or str(uuid4())
        session.merge(AuditNameRow(id=name_id, name=name))
    return name_id
