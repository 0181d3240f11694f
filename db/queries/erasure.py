"""Erasing what a person asks to have erased."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.orm import Session, aliased

from db.queries.audit import forget_name
from db.queries.base import Queries, get_row
from db.records import ErasurePlan, ErasureReport
from db.tables import (
    AnalysisRow,
    BehaviourRow,
    ChannelRow,
    EmbeddingRow,
    EventRow,
    FacePictureRow,
    JobRow,
    NoteRow,
    QuestionnaireRow,
    SessionRow,
    SubjectRow,
    SubjectTagRow,
    TranscriptionRow,
    TranscriptRow,
    TurnsRow,
)
from db.visibility import unlimited

Erasable = SubjectRow | SessionRow | AnalysisRow


class ErasureQueries(Queries):
    """Erasure of subjects, sessions and analyses."""

    def check(self) -> None:
        """Check that the actor may erase at all, before an erasure is written down that a worker would carry on.

        Raises:
            ForbiddenError: The actor may not change anything.
        """
        self._refuse_readers()

    def plan_subject(self, *, subject_id: str) -> ErasurePlan:
        """Count what `erase_subject` would remove.

        Raises:
            ForbiddenError: The actor may not change anything.
            NotFoundError: There is no such subject.
        """
        self._refuse_readers()
        with self._reading() as session:
            row = get_row(session, SubjectRow, subject_id)
            return _plan(session, "subject", subject_id, row, SessionRow.subject_id == subject_id)

    def plan_session(self, *, session_id: str) -> ErasurePlan:
        """Count what `erase_session` would remove; questionnaires, events and tags are the subject's and stay.

        Raises:
            ForbiddenError: The actor may not change anything.
            NotFoundError: There is no such session.
        """
        self._refuse_readers()
        with self._reading() as session:
            subject = get_row(session, SubjectRow, get_row(session, SessionRow, session_id).subject_id)
            return _plan(session, "session", session_id, subject, SessionRow.id == session_id)

    def erase_analyses(self, *, session_id: str) -> int:
        """Remove a session's analyses, each in a transaction of its own with the log emptied after it.

        So an erasure needs no more room at a time than one analysis takes, which matters on a full disk.

        Args:
            session_id: The session's UUID; an unknown session has no analyses.

        Returns:
            Number of analyses.
        """
        query = select(AnalysisRow.id).where(AnalysisRow.session_id == session_id)
        with self._reading() as session:
            analyses = list(session.scalars(query))
        for analysis_id in analyses:
            self.erase_analysis(analysis_id=analysis_id)
        return len(analyses)

    def note_end(self, *, kind: str, object_id: str) -> None:
        """Note in the audit that nothing of an erased subject or session is left.

        Args:
            kind: `subject` or `session`.
            object_id: Its UUID.
        """
        with self._writing() as session:
            self._audit(session, "finish_erasure", kind, object_id)

    def erase_subject(self, *, subject_id: str) -> ErasureReport:
        """Remove a subject with all sessions, analyses, jobs and questionnaires.

        The audit keeps one entry with the subject's id and counts, and loses the name where it is one of those who
        acted. On SQLite the erased bytes are overwritten; on
        PostgreSQL the tables are vacuumed, and backups and write-ahead logs remain the server's business.

        Raises:
            NotFoundError: There is no such subject.
        """
        with self._writing() as session:
            row = get_row(session, SubjectRow, subject_id, lock=True)
            questionnaires = session.scalar(_count_rows(QuestionnaireRow, QuestionnaireRow.subject_id == subject_id))
            report = _plan_erasure(
                session, SessionRow.subject_id == subject_id, subjects=1, questionnaires=questionnaires or 0
            )
            forget_name(session, row.label)
            self._erase(session, row, "subject", report)
        return self._cleared(report)

    def erase_session(self, *, session_id: str) -> ErasureReport:
        """Remove a session with its analyses and jobs, as thoroughly as `erase_subject` does.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            row = get_row(session, SessionRow, session_id, lock=True)
            report = _plan_erasure(session, SessionRow.id == session_id)
            self._erase(session, row, "session", report)
        return self._cleared(report)

    def erase_analysis(self, *, analysis_id: str) -> ErasureReport:
        """Remove an analysis with its frames, embeddings and channels, as thoroughly as `erase_subject` does.

        Raises:
            NotFoundError: There is no such analysis.
        """
        report = ErasureReport(0, 0, 1, 0, media_paths=(), workflow_ids=(), bytes_cleared=False)
        with self._writing() as session:
            self._erase(session, get_row(session, AnalysisRow, analysis_id, lock=True), "analysis", report)
        return self._cleared(report)

    def _erase(self, session: Session, row: Erasable, kind: str, report: ErasureReport) -> None:
        session.execute(delete(type(row)).where(type(row).id == row.id))  # the foreign keys cascade
        counts = f"sessions {report.sessions}, analyses {report.analyses}, questionnaires {report.questionnaires}"
        self._audit(session, "erase", kind, row.id, counts)

    def _cleared(self, report: ErasureReport) -> ErasureReport:
        return dataclasses.replace(report, bytes_cleared=self._clear_erased_bytes())


def _plan_erasure(
    session: Session, which: ColumnElement[bool], *, subjects: int = 0, questionnaires: int = 0
) -> ErasureReport:
    """Count what erasing these sessions removes. A recording that another session uses too is not to be deleted."""
    with unlimited(session):  # a recording that somebody else's session uses too stays
        return _plan_of_all(session, which, subjects, questionnaires)


def _plan_of_all(session: Session, which: ColumnElement[bool], subjects: int, questionnaires: int) -> ErasureReport:
    doomed = select(SessionRow.id).where(which)
    other = aliased(SessionRow)
    is_spared = other.id.not_in(doomed.correlate(None))
    others = select(other.id).where(other.media_path == SessionRow.media_path, is_spared)
    paths = (
        select(SessionRow.media_path)
        .where(which, SessionRow.media_path.is_not(None), ~others.exists())
        .distinct()
        .order_by(SessionRow.media_path)
    )
    workflows = select(JobRow.workflow_id).where(JobRow.session_id.in_(doomed))
    return ErasureReport(
        subjects=subjects,
        sessions=session.scalar(_count_rows(SessionRow, which)) or 0,
        analyses=session.scalar(_count_rows(AnalysisRow, AnalysisRow.session_id.in_(doomed))) or 0,
        questionnaires=questionnaires,
        media_paths=tuple(path for path in session.scalars(paths) if path),
        workflow_ids=tuple(session.scalars(workflows)),
        bytes_cleared=False,
    )


def _plan(session: Session, kind: str, object_id: str, subject: SubjectRow, which: ColumnElement[bool]) -> ErasurePlan:
    """Count the rows of sessions, and those of their subject where it goes as a whole."""
    report = _plan_erasure(session, which)
    sessions = select(SessionRow.id).where(which)
    analyses = select(AnalysisRow.id).where(AnalysisRow.session_id.in_(sessions))
    recordings = session.scalar(_count_rows(SessionRow, which & SessionRow.media_path.is_not(None))) or 0
    paths = select(func.count(SessionRow.media_path.distinct())).where(which)

    def count(table: Any, *, of_subject: bool = False) -> int:
        if of_subject:
            rows = _count_rows(table, table.subject_id == subject.id)
            return (session.scalar(rows) or 0) if kind == "subject" else 0
        if hasattr(table, "analysis_id") and table is not JobRow:
            return session.scalar(_count_rows(table, table.analysis_id.in_(analyses))) or 0
        return session.scalar(_count_rows(table, table.session_id.in_(sessions))) or 0

    return ErasurePlan(
        kind=kind,
        object_id=object_id,
        label=subject.label,
        sessions=report.sessions,
        recordings=recordings,
        shared_recordings=(session.scalar(paths) or 0) - len(report.media_paths),
        analyses=report.analyses,
        embeddings=count(EmbeddingRow),
        series=count(ChannelRow) + count(BehaviourRow) + count(TurnsRow),
        face_pictures=count(FacePictureRow),
        transcripts=count(TranscriptRow) + count(TranscriptionRow),
        notes=count(NoteRow),
        jobs=count(JobRow),
        questionnaires=count(QuestionnaireRow, of_subject=True),
        events=count(EventRow, of_subject=True),
        tags=count(SubjectTagRow, of_subject=True),
        session_ids=tuple(session.scalars(sessions.order_by(SessionRow.id))),
        media_paths=report.media_paths,
        job_ids=tuple(session.scalars(select(JobRow.id).where(JobRow.session_id.in_(sessions)).order_by(JobRow.id))),
    )


def _count_rows(table: Any, which: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(table).where(which)
