"""Questionnaires that a person filled in: scored when saved, corrected by superseding, never overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from db import messages
from db.engine import ConflictError
from db.queries.base import Queries, get_row, new_id, stored, utc_now
from db.queries.mapping import is_superseded, questionnaire_record
from db.records import InputError, QuestionnaireRecord, QuestionnaireSource
from db.tables import AuditNameRow, AuditRow, QuestionnaireRow, SubjectRow
from fer_phq.core.errors import AnswersError, StoreError
from fer_phq.core.phq import Scale, check_difficulty, score_items


class QuestionnaireQueries(Queries):
    """Saving, correcting and listing questionnaires."""

    def save(
        self,
        *,
        subject_id: str,
        scale: Scale,
        items: Sequence[int],
        answered_at: datetime,
        difficulty: int | None = None,
        source: QuestionnaireSource = QuestionnaireSource.ENTERED,
        supersedes_id: str | None = None,
        by: str = "",
    ) -> QuestionnaireRecord:
        """Score and store a completed questionnaire.

        A correction that leaves all items as they were keeps the note that item 9 was seen.

        Args:
            subject_id: The subject's UUID.
            scale: PHQ-8 or PHQ-9.
            items: The answers in the form's order, 0 to 3 each.
            answered_at: When the subject answered, timezone-aware.
            difficulty: The answer to the form's last question, 0 to 3, which is not scored; None where it was left
                open.
            source: How the answers came into the store.
            supersedes_id: The UUID of the questionnaire that this one corrects, which stays stored; None for a new one.
            by: The person who enters or corrects it; empty where nobody is named.

        Raises:
            InputError: There is no such scale, an item is missing or not 0 to 3, or the difficulty does not fit.
            StoreError: The corrected questionnaire is another subject's or was corrected already.
            NotFoundError: There is no such subject, or no questionnaire `supersedes_id`.
        """
        if scale not in list(Scale):
            raise InputError(messages.UNKNOWN_SCALE(scale=str(scale), scales=tuple(str(name) for name in Scale)))
        scale = Scale(scale)
        try:
            total = score_items(items, scale)
            check_difficulty(difficulty, items)
        except AnswersError as error:
            raise InputError(error.message) from None
        row = QuestionnaireRow(
            id=new_id(),
            subject_id=subject_id,
            scale=str(scale),
            items=list(items),
            total=total,
            item9_flag=scale is Scale.PHQ9 and items[8] > 0,
            difficulty=difficulty,
            answered_at=answered_at,
            created_at=utc_now(),
            source=str(QuestionnaireSource(source)),
            supersedes_id=supersedes_id,
        )
        try:
            with self._writing() as session:
                get_row(session, SubjectRow, subject_id)
                if supersedes_id is not None:
                    earlier = get_row(session, QuestionnaireRow, supersedes_id)
                    if earlier.subject_id != subject_id:
                        raise StoreError(messages.CORRECTION_SUBJECT())
                    if row.items == earlier.items:  # what was seen is still what it says
                        row.acknowledged_at = earlier.acknowledged_at
                        row.acknowledged_by = earlier.acknowledged_by
                session.add(row)
                action = "correct" if supersedes_id else "create"
                self._audit(session, action, "questionnaire", row.id, str(scale), by=by)
                return questionnaire_record(stored(session, row), superseded=False)
        except ConflictError:
            if supersedes_id is None:
                raise
            raise StoreError(messages.ALREADY_CORRECTED()) from None

    def get(self, *, questionnaire_id: str) -> QuestionnaireRecord:
        """Load a questionnaire.

        Raises:
            NotFoundError: There is no such questionnaire.
        """
        superseded = select(is_superseded()).where(QuestionnaireRow.id == questionnaire_id)
        with self._reading() as session:
            row = get_row(session, QuestionnaireRow, questionnaire_id)
            return questionnaire_record(row, superseded=bool(session.scalar(superseded)))

    def list_by_subject(self, *, subject_id: str, include_superseded: bool = False) -> list[QuestionnaireRecord]:
        """List a subject's questionnaires, the last answered first.

        Args:
            subject_id: The subject's UUID.
            include_superseded: Whether to list those too that a later one corrects.
        """
        superseded = is_superseded().label("superseded")
        query = (
            select(QuestionnaireRow, superseded)
            .where(QuestionnaireRow.subject_id == subject_id)
            .order_by(QuestionnaireRow.answered_at.desc(), QuestionnaireRow.created_at.desc())
        )
        if not include_superseded:
            query = query.where(~is_superseded())
        with self._reading() as session:
            return [questionnaire_record(row, superseded=flag) for row, flag in session.execute(query)]

    def authors(self, *, subject_id: str) -> dict[str, str]:
        """Read who entered or corrected each questionnaire of a subject, by its id; without those that name nobody."""
        mine = select(QuestionnaireRow.id).where(QuestionnaireRow.subject_id == subject_id)
        query = (
            select(AuditRow.object_id, AuditNameRow.name)
            .join(AuditNameRow, AuditNameRow.id == AuditRow.name_id)
            .where(
                AuditRow.object_kind == "questionnaire",
                AuditRow.action.in_(("create", "correct")),
                AuditRow.object_id.in_(mine),
            )
            .order_by(AuditRow.id)
        )
        with self._reading() as session:
            return {row.object_id: row.name for row in session.execute(query)}

    def acknowledge(self, *, questionnaire_id: str, by: str) -> QuestionnaireRecord:
        """Note that a person has seen a questionnaire's answer to item 9; the first person to do so stays noted.

        Args:
            questionnaire_id: The questionnaire's UUID.
            by: The person's name.

        Raises:
            NotFoundError: There is no such questionnaire.
        """
        with self._writing() as session:
            row = get_row(session, QuestionnaireRow, questionnaire_id, lock=True)
            if row.acknowledged_at is None:
                row.acknowledged_at = utc_now()
                row.acknowledged_by = by
                self._audit(session, "acknowledge", "questionnaire", questionnaire_id)
        return self.get(questionnaire_id=questionnaire_id)
