"""Subjects: the people whose sessions and questionnaires are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from db import messages
from db.engine import ConflictError
from db.pseudonyms import new_pseudonym
from db.queries.base import MAX_TAG, Queries, get_row, new_id, one_line, stored, utc_now
from db.queries.mapping import is_behind, is_superseded, subject_record
from db.records import InputError, Position, SubjectRecord, SubjectSummary
from db.tables import AnalysisRow, QuestionnaireRow, SessionRow, SubjectRow, SubjectShareRow, SubjectTagRow
from fer_phq.core.errors import StoreError


class SubjectQueries(Queries):
    """Creating, finding and listing subjects."""

    def create(self, *, label: str, is_demo: bool = False) -> SubjectRecord:
        """Create a subject.

        Args:
            label: What the subject is called: one line of 1 to 200 characters, not used yet.
            is_demo: Whether the subject is made up for demonstrations.

        Raises:
            StoreError: The label is empty, too long, not one line, or taken.
        """
        row = SubjectRow(
            id=new_id(),
            label=clean_label(label),
            is_demo=is_demo,
            created_at=utc_now(),
            pseudonym=new_pseudonym(),
        )
        try:
            with self._writing() as session:
                _refuse_other_spelling(session, row)
                session.add(row)
                self._own(session, row)
                self._audit(session, "create", "subject", row.id)
                return subject_record(stored(session, row))
        except ConflictError:
            raise StoreError(messages.DUPLICATE_LABEL(label=clean_label(label))) from None

    def _own(self, session: Session, subject: SubjectRow) -> None:
        """Make the acting account, where there is one, the subject's owner."""
        account_id = self._acting().account_id
        if account_id is not None:
            row = SubjectShareRow(subject_id=subject.id, account_id=account_id, owner=True, at=utc_now())
            session.add(row)
            session.flush()

    def get_or_create(self, *, label: str, is_demo: bool = False) -> SubjectRecord:
        """Find the subject with a label, or create it; safe when two callers do it at once.

        Args:
            label: What the subject is called: one line of 1 to 200 characters.
            is_demo: Whether a created subject is made up for demonstrations; an existing one stays what it is.

        Raises:
            StoreError: There is no such subject, and the label is empty, too long, or not one line.
        """
        if subject := self.find(label=label):
            return subject
        try:
            return self.create(label=label, is_demo=is_demo)
        except StoreError:
            if subject := self.find(label=label):
                return subject
            raise

    def get(self, *, subject_id: str) -> SubjectRecord:
        """Load a subject.

        Raises:
            NotFoundError: There is no such subject.
        """
        with self._reading() as session:
            return subject_record(get_row(session, SubjectRow, subject_id))

    def check_change(self, *, subject_id: str) -> None:
        """Check that the actor may add to a subject, before anything comes in; a refusal is noted in the audit.

        Args:
            subject_id: The subject's UUID.

        Raises:
            ForbiddenError: The actor reads only.
            NotFoundError: There is no such subject.
        """
        self._refuse_readers()
        self.get(subject_id=subject_id)

    def find(self, *, label: str) -> SubjectRecord | None:
        """Find the subject with exactly this label; None where there is none.

        Spaces around it, and whether its letters are composed (NFC) or decomposed (NFD), make no difference.
        """
        with self._reading() as session:
            query = select(SubjectRow).where(SubjectRow.label.in_(_spellings(label.strip())))
            row = session.scalar(query.order_by(SubjectRow.created_at, SubjectRow.id))
            return None if row is None else subject_record(row)

    def rename(self, *, subject_id: str, label: str) -> SubjectRecord:
        """Give the subject another label.

        Args:
            subject_id: The subject's UUID.
            label: The new label: one line of 1 to 200 characters.

        Raises:
            NotFoundError: There is no such subject.
            StoreError: The label is empty, too long, not one line, or taken.
        """
        try:
            with self._writing() as session:
                row = get_row(session, SubjectRow, subject_id, lock=True)
                row.label = clean_label(label)
                _refuse_other_spelling(session, row)
                self._audit(session, "rename", "subject", subject_id)
                return subject_record(stored(session, row))
        except ConflictError:
            raise StoreError(messages.DUPLICATE_LABEL(label=clean_label(label))) from None

    def note_export(self, *, subject_id: str) -> None:
        """Note in the audit that everything that is stored of a subject is handed out.

        Args:
            subject_id: The subject's UUID.

        Raises:
            ForbiddenError: The actor reads only: a whole person is handed out by who may change it.
            NotFoundError: There is no such subject.
        """
        with self._writing() as session:
            get_row(session, SubjectRow, subject_id)
            self._audit(session, "export", "subject", subject_id)

    def list_pseudonyms(self) -> list[tuple[str, str, str]]:
        """Read the key of the pseudonyms: each subject's pseudonym, label and id, by pseudonym. It goes into the audit.

        Raises:
            ForbiddenError: The actor is no administrator.
        """
        self._refuse_others()
        query = select(SubjectRow.pseudonym, SubjectRow.label, SubjectRow.id).order_by(SubjectRow.pseudonym)
        with self._writing() as session:
            key = [(row.pseudonym or "", row.label, row.id) for row in session.execute(query)]
            self._audit(session, "export", "pseudonyms", "all", f"{len(key)} subjects")
        return key

    def list_all(self, *, include_demo: bool = True) -> list[SubjectSummary]:
        """List all subjects with their counts and last dates, the most recently recorded first."""
        with self._reading() as session:
            query = _summaries(include_demo, self._label_order())
            return [SubjectSummary(*row) for row in session.execute(query)]

    def list_page(self, *, limit: int, after: Position | None = None) -> list[SubjectSummary]:
        """List subjects by when they were added, oldest first, with their counts and last dates.

        Args:
            limit: The most subjects to return.
            after: Only those behind this place of the list; None to begin.
        """
        query = select(SubjectRow.id).order_by(SubjectRow.created_at, SubjectRow.id).limit(limit)
        if after is not None:
            query = query.where(is_behind(SubjectRow.created_at, SubjectRow.id, after))
        with self._reading() as session:
            ids = list(session.scalars(query))
            summaries = {
                row.id: SubjectSummary(*row) for row in session.execute(_summaries(True, self._label_order(), ids))
            }
        return [summaries[subject_id] for subject_id in ids]

    def get_summary(self, *, subject_id: str) -> SubjectSummary:
        """Load a subject with the counts and last dates of what is stored.

        Raises:
            NotFoundError: There is no such subject.
        """
        with self._reading() as session:
            get_row(session, SubjectRow, subject_id)
            return SubjectSummary(*session.execute(_summaries(True, self._label_order(), [subject_id])).one())

    def set_tags(self, *, subject_id: str, tags: Collection[str]) -> list[str]:
        """Give a subject these tags and no others, and return them sorted.

        Args:
            subject_id: The subject's UUID.
            tags: Tags of one line, at most `MAX_TAG` characters each.

        Raises:
            NotFoundError: There is no such subject.
            StoreError: A tag is empty, too long, or not one line.
        """
        cleaned = sorted({one_line(tag, MAX_TAG, messages.A_TAG()) for tag in tags})
        with self._writing() as session:
            get_row(session, SubjectRow, subject_id, lock=True)
            session.execute(delete(SubjectTagRow).where(SubjectTagRow.subject_id == subject_id))
            if cleaned:
                session.execute(insert(SubjectTagRow), [{"subject_id": subject_id, "tag": tag} for tag in cleaned])
            self._audit(session, "tag", "subject", subject_id, f"{len(cleaned)} tags")
        return cleaned

    def tags(self, *, subject_ids: Sequence[str] | None = None) -> dict[str, tuple[str, ...]]:
        """Read each subject's tags, sorted, by the subject's id. Subjects without any are not in it.

        Args:
            subject_ids: The UUIDs of the subjects to read; None for all.
        """
        query = select(SubjectTagRow).order_by(SubjectTagRow.subject_id, SubjectTagRow.tag)
        if subject_ids is not None:
            query = query.where(SubjectTagRow.subject_id.in_(subject_ids))
        tags_of_subject: dict[str, tuple[str, ...]] = {}
        with self._reading() as session:
            for row in session.scalars(query):
                tags_of_subject[row.subject_id] = (*tags_of_subject.get(row.subject_id, ()), row.tag)
        return tags_of_subject


def _spellings(label: str) -> tuple[str, ...]:
    """Return the ways in which the same letters may be stored."""
    return tuple({label, *(unicodedata.normalize(form, label) for form in ("NFC", "NFD"))})


def _refuse_other_spelling(session: Session, row: SubjectRow) -> None:
    """Refuse a label that another subject has, stored in decomposed letters before labels were composed."""
    query = select(SubjectRow.id).where(SubjectRow.label.in_(_spellings(row.label)), SubjectRow.id != row.id)
    with session.no_autoflush:
        taken = session.scalar(query.limit(1))
    if taken is not None:
        raise StoreError(messages.DUPLICATE_LABEL(label=row.label))


def clean_label(label: str) -> str:
    """Return the label in composed letters (NFC), without spaces around it.

    Raises:
        InputError: The label is empty, too long, or not one line.
    """
    cleaned = unicodedata.normalize("NFC", label.strip())
    if not 1 <= len(cleaned) <= 200 or not cleaned.isprintable():
        raise InputError(messages.LABEL())
    return cleaned


def _summaries(
    include_demo: bool, label_order: InstrumentedAttribute[Any], subject_ids: Sequence[str] | None = None
) -> Select[Any]:
    """Build the query of subjects with counts: of these ids, or of all where there are none."""

    def is_listed(column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        return true() if subject_ids is None else column.in_(subject_ids)

    recorded = (
        select(
            SessionRow.subject_id,
            func.count().label("sessions"),
            func.max(SessionRow.recorded_at).label("last_recorded_at"),
        )
        .where(is_listed(SessionRow.subject_id))
        .group_by(SessionRow.subject_id)
        .subquery()
    )
    analysed = (
        select(SessionRow.subject_id, func.count().label("sessions"))
        .where(is_listed(SessionRow.subject_id))
        .where(select(AnalysisRow.id).where(AnalysisRow.session_id == SessionRow.id).exists())
        .group_by(SessionRow.subject_id)
        .subquery()
    )
    answered = (
        select(
            QuestionnaireRow.subject_id,
            func.count().label("questionnaires"),
            func.max(QuestionnaireRow.answered_at).label("last_answered_at"),
        )
        .where(is_listed(QuestionnaireRow.subject_id), ~is_superseded())
        .group_by(QuestionnaireRow.subject_id)
        .subquery()
    )
    query = (
        select(
            SubjectRow.id,
            SubjectRow.label,
            SubjectRow.is_demo,
            SubjectRow.created_at,
            func.coalesce(recorded.c.sessions, 0),
            func.coalesce(analysed.c.sessions, 0),
            recorded.c.last_recorded_at,
            func.coalesce(answered.c.questionnaires, 0),
            answered.c.last_answered_at,
        )
        .outerjoin(recorded, recorded.c.subject_id == SubjectRow.id)
        .outerjoin(analysed, analysed.c.subject_id == SubjectRow.id)
        .outerjoin(answered, answered.c.subject_id == SubjectRow.id)
        .where(is_listed(SubjectRow.id))
        .order_by(recorded.c.last_recorded_at.desc().nulls_last(), label_order)
    )
    return query if include_demo else query.where(~SubjectRow.is_demo)
