"""The audit: who did what, when and from where, in entries that are chained by hash."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, literal_column, select
from sqlalchemy.orm import Session

from db.queries.base import Queries
from db.queries.chain import HEAD, digest_of
from db.records import AuditRecord, ChainCheck
from db.tables import AuditHeadRow, AuditNameRow, AuditRow

BATCH = 5000
"""Entries that are read at once where all are."""
MERGED = "the same recording as session"
"""How the entry of a session begins that went since another one of its recording stays."""
OPEN_KINDS = ("setting",)
"""Kinds of rows whose entries everybody may read."""


class AuditQueries(Queries):
    """Who changed, read, exported or was refused what, and when."""

    def add(self, *, action: str, object_kind: str, object_id: str, detail: str = "") -> None:
        """Note what changes no row: a read, an export, a login, a refusal. Any role may cause such an entry.

        Args:
            action: What was done, such as `read`.
            object_kind: What kind of thing it was done to, such as `session`.
            object_id: The thing's id.
            detail: A few words more, without health data, labels or file names.
        """
        with self._recording(self._acting()) as session:
            self._audit(session, action, object_kind, object_id, detail)

    def list_newest(
        self,
        *,
        limit: int = 100,
        object_id: str | None = None,
        object_kind: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditRecord]:
        """List entries, newest first.

        Args:
            limit: The most entries to return.
            object_id: Only entries of the row with this id; None for any.
            object_kind: Only entries of this kind of row, such as `session` or `setting`; None for any.
            since: Only entries from then on; None for any.
            until: Only entries before then; None for any.

        Raises:
            ForbiddenError: Only an administrator may read entries of other kinds than settings.
        """
        if object_kind not in OPEN_KINDS:
            self._refuse_others()
        query = _entries().order_by(AuditRow.id.desc()).limit(limit)
        if object_id is not None:
            query = query.where(AuditRow.object_id == object_id)
        if object_kind is not None:
            query = query.where(AuditRow.object_kind == _kind(object_kind))
        if since is not None:
            query = query.where(AuditRow.at >= since)
        if until is not None:
            query = query.where(AuditRow.at < until)
        with self._reading() as session:
            return [_record(row, name) for row, name in session.execute(query)]

    def iterate(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[AuditRecord]:
        """Yield every entry, oldest first, a batch at a time.

        Args:
            since: Only entries from then on; None for any.
            until: Only entries before then; None for any.

        Raises:
            ForbiddenError: Only an administrator may read the audit.
        """
        self._refuse_others()
        query = _entries()
        if since is not None:
            query = query.where(AuditRow.at >= since)
        if until is not None:
            query = query.where(AuditRow.at < until)
        last = 0
        while True:
            with self._reading() as session:
                batch = session.execute(query.where(AuditRow.id > last).order_by(AuditRow.id).limit(BATCH)).all()
                records = [_record(row, name) for row, name in batch]
            if not records:
                return
            yield from records
            last = records[-1].id

    def check_chain(self) -> ChainCheck:
        """Compute every entry's digest again: an entry that was changed, removed or put between shows.

        Raises:
            ForbiddenError: Only an administrator may read the audit.
        """
        self._refuse_others()
        with self._reading() as session:
            head = session.get(AuditHeadRow, HEAD)
            digest = ""
            entries = 0
            broken_id: int | None = None
            for row in _in_order(session):
                if broken_id is None and digest_of(row, digest) != row.digest:
                    broken_id = row.id
                digest = row.digest
                entries += 1
            expected = entries if head is None else head.entries
            if broken_id is None and head is not None and entries == expected and digest != head.digest:
                broken_id = 0
        return ChainCheck(entries, digest, broken_id, max(0, expected - entries))

    def list_erased(self) -> set[str]:
        """Return the UUIDs of the subjects and sessions that were erased, for good and not by a merging."""
        query = select(AuditRow.object_id).where(
            AuditRow.action == "erase",
            AuditRow.object_kind.in_(("subject", "session")),
            ~AuditRow.detail.startswith(MERGED),
        )
        with self._reading() as session:
            return set(session.scalars(query))

    def forget_name(self, *, name: str) -> int:
        """Erase a person's name from the audit; the entries stay, and their chain holds.

        Args:
            name: The name, whatever its capitals.

        Returns:
            Number of names that were erased.
        """
        with self._writing() as session:
            return forget_name(session, name)


def forget_name(session: Session, name: str) -> int:
    """Erase a person's name from the audit within a transaction.

    Args:
        session: The open transaction.
        name: The name, whatever its capitals.

    Returns:
        Number of names that were erased.
    """
    folded_name = name.strip().casefold()
    names = session.execute(select(AuditNameRow.id, AuditNameRow.name)).all()
    ids = [row.id for row in names if row.name.strip().casefold() == folded_name]
    session.execute(delete(AuditNameRow).where(AuditNameRow.id.in_(ids)))
    return len(ids)


def _kind(object_kind: str) -> Any:
    """Return a kind for a condition; one of `OPEN_KINDS` as a literal, for which a database uses their own index."""
    return literal_column(f"'{object_kind}'") if object_kind in OPEN_KINDS else object_kind


def _entries() -> Select[Any, Any]:
    columns: tuple[Any, Any] = (AuditRow, AuditNameRow.name)
    query: Select[Any, Any] = select(*columns)
    return query.outerjoin(AuditNameRow, AuditNameRow.id == AuditRow.name_id)


def _in_order(session: Session) -> Iterator[AuditRow]:
    last = session.scalar(select(func.min(AuditRow.id))) or 0
    query = select(AuditRow).order_by(AuditRow.id).limit(BATCH)
    while rows := session.scalars(query.where(AuditRow.id >= last)).all():
        yield from rows
        last = rows[-1].id + 1
        session.expunge_all()


def _record(row: AuditRow, name: str | None) -> AuditRecord:
    return AuditRecord(
        id=row.id,
        at=row.at,
        actor=row.actor,
        by=name or "",
        origin=row.origin,
        action=row.action,
        object_kind=row.object_kind,
        object_id=row.object_id,
        detail=row.detail,
    )
