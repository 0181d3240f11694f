"""Merging two subjects who turned out to be one person."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db import messages
from db.queries.base import Queries, get_row
from db.records import MergeReport
from db.tables import AnalysisRow, EventRow, NoteRow, QuestionnaireRow, SessionRow, SubjectRow, SubjectTagRow
from fer_phq.core.errors import StoreError

Owned = SessionRow | QuestionnaireRow | EventRow


class MergeQueries(Queries):
    """The merging of subjects."""

    def merge(self, *, source_id: str, target_id: str) -> MergeReport:
        """Give everything of one subject to another, and remove the first, all or nothing.

        Of a recording that both have, the target's session stays with the notes of both.

        Args:
            source_id: The subject who goes.
            target_id: The subject who stays.

        Raises:
            NotFoundError: There is no such subject.
            StoreError: They are the same, one is a demonstration and the other is not, or only the source's session of
                a recording that both have was analysed.
        """
        if source_id == target_id:
            raise StoreError(messages.MERGE_WITH_ITSELF())
        with self._writing() as session:
            source = get_row(session, SubjectRow, source_id, lock=True)
            target = get_row(session, SubjectRow, target_id, lock=True)
            if source.is_demo != target.is_demo:
                raise StoreError(messages.MERGE_DEMONSTRATION())
            twins = self._join_twins(session, source_id, target_id)
            sessions = _move(session, SessionRow, source_id, target_id)
            questionnaires = _move(session, QuestionnaireRow, source_id, target_id)
            events = _move(session, EventRow, source_id, target_id)
            tags = set(session.scalars(select(SubjectTagRow.tag).where(SubjectTagRow.subject_id == source_id)))
            tags -= set(session.scalars(select(SubjectTagRow.tag).where(SubjectTagRow.subject_id == target_id)))
            session.add_all(SubjectTagRow(subject_id=target_id, tag=tag) for tag in sorted(tags))
            session.flush()
            session.execute(delete(SubjectRow).where(SubjectRow.id == source_id))
            self._audit(session, "merge", "subject", target_id, f"subject {source_id}, sessions {sessions}")
            return MergeReport(sessions, questionnaires, events, len(tags), twins)

    def _join_twins(self, session: Session, source_id: str, target_id: str) -> int:
        """Remove the source's sessions of recordings that the target has too, and keep their notes."""
        of_target = {
            row.media_sha256: row
            for row in session.scalars(select(SessionRow).where(SessionRow.subject_id == target_id))
        }
        twins = [
            row
            for row in session.scalars(select(SessionRow).where(SessionRow.subject_id == source_id))
            if row.media_sha256 in of_target
        ]
        for twin in twins:
            stays = of_target[twin.media_sha256]
            if _is_analysed(session, twin.id) and not _is_analysed(session, stays.id):
                raise StoreError(messages.MERGE_TWINS(name=twin.original_name))
            session.execute(update(NoteRow).where(NoteRow.session_id == twin.id).values(session_id=stays.id))
            if stays.media_path is None:
                stays.media_path = twin.media_path
            session.flush()
            session.execute(delete(SessionRow).where(SessionRow.id == twin.id))
            self._audit(session, "erase", "session", twin.id, f"the same recording as session {stays.id}")
        return len(twins)


def _move(session: Session, table: type[Owned], source_id: str, target_id: str) -> int:
    """Give the rows of one subject to another and return their number."""
    moved = update(table).where(table.subject_id == source_id).values(subject_id=target_id).returning(table.id)
    return len(session.execute(moved).all())


def _is_analysed(session: Session, session_id: str) -> bool:
    return session.scalar(select(AnalysisRow.id).where(AnalysisRow.session_id == session_id).limit(1)) is not None
