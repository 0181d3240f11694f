"""The sessions that PHQ heads are trained on and can score again, by the kind of their stored embeddings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Subquery, func, select

from db.queries.base import Queries
from db.queries.mapping import counts_by_frames, is_superseded, is_withdrawn, newest_first
from db.records import LabelledSessionRecord, QuestionnaireSource
from db.tables import AnalysisRow, EmbeddingRow, QuestionnaireRow, SessionRow
from fer_phq.core.phq import Scale


class LabelQueries(Queries):
    """Sessions as labels, and sessions that wait for a head."""

    def list_sessions(
        self, *, scale: Scale, within_days: float, face_kind: str, withdrawn: bool = False
    ) -> list[LabelledSessionRecord]:
        """List sessions with stored embeddings and a questionnaire answered near the recording, by subject, then date.

        Of a session its newest analysis with such embeddings; of the subject's questionnaires that no correction
        supersedes, the nearest to the recording. A questionnaire may serve several sessions. Demonstrations, sessions
        and answers, are no labels, and neither are sessions whose consent was withdrawn.

        Args:
            scale: Which questionnaire counts.
            within_days: The most days between recording and questionnaire, before or after.
            face_kind: The kind of embeddings that counts.
            withdrawn: Whether to list those instead that are no labels only because their consent was withdrawn.
        """
        newest = _newest_of_kind(face_kind)
        sessions = (
            select(SessionRow.id, SessionRow.subject_id, SessionRow.recorded_at, newest.c.id.label("analysis_id"))
            .join(newest, newest.c.session_id == SessionRow.id)
            .where(~SessionRow.is_demo, is_withdrawn() if withdrawn else ~is_withdrawn())
            .order_by(SessionRow.subject_id, SessionRow.recorded_at, SessionRow.id)
        )
        answers = (
            select(QuestionnaireRow)
            .where(
                QuestionnaireRow.scale == str(scale),
                QuestionnaireRow.source != str(QuestionnaireSource.DEMO),
                ~is_superseded(),
            )
            .order_by(QuestionnaireRow.subject_id, QuestionnaireRow.answered_at, QuestionnaireRow.created_at)
        )
        records = []
        with self._reading() as session:
            rows = session.scalars(answers)
            of_subject = {subject: list(some) for subject, some in groupby(rows, lambda row: row.subject_id)}
            for row in session.execute(sessions):
                label = nearest_answer(of_subject.get(row.subject_id, ()), row.recorded_at)
                if label is None or abs(label.answered_at - row.recorded_at) > timedelta(days=within_days):
                    continue
                records.append(
                    LabelledSessionRecord(
                        session_id=row.id,
                        subject_id=row.subject_id,
                        recorded_at=row.recorded_at,
                        analysis_id=row.analysis_id,
                        questionnaire_id=label.id,
                        score=label.total,
                        items=tuple(label.items),
                        answered_at=label.answered_at,
                    )
                )
        return records

    def list_rescorable(self, *, face_kind: str, model_id: str, subject_id: str | None = None) -> list[str]:
        """List analyses that a model can score from their stored embeddings, without the video.

        One for each session, demonstrations included, oldest recording first: its newest analysis with such embeddings.
        A session that the model has analysed with the same settings and sidecar files is left out, unless that counted
        by frames and not by time, and so is one whose consent was withdrawn.

        Args:
            face_kind: The kind of embeddings that the model takes.
            model_id: The model's id.
            subject_id: Only this subject's sessions; None for everybody's.

        Returns:
            The analyses' UUIDs.
        """
        newest = _newest_of_kind(face_kind)
        done = select(AnalysisRow.id).where(
            AnalysisRow.session_id == newest.c.session_id,
            AnalysisRow.model_id == model_id,
            AnalysisRow.settings_hash == newest.c.settings_hash,
            ~counts_by_frames(),
        )
        query = (
            select(newest.c.id)
            .join(SessionRow, SessionRow.id == newest.c.session_id)
            .where(~done.exists(), ~is_withdrawn())
            .order_by(SessionRow.recorded_at, SessionRow.id)
        )
        if subject_id is not None:
            query = query.where(SessionRow.subject_id == subject_id)
        with self._reading() as session:
            return list(session.scalars(query))

    def count_unknown_kind(self, *, subject_id: str | None = None) -> int:
        """Count analysed sessions without embeddings of a known kind. Scoring them again takes their video.

        Sessions whose consent was withdrawn are left out: nothing scores them again.

        Args:
            subject_id: Only this subject's sessions; None for everybody's.
        """
        with_kind = select(EmbeddingRow.analysis_id).where(EmbeddingRow.kind != "")
        analysed = select(AnalysisRow.id).where(AnalysisRow.session_id == SessionRow.id)
        query = (
            select(func.count())
            .select_from(SessionRow)
            .where(analysed.exists(), ~analysed.where(AnalysisRow.id.in_(with_kind)).exists(), ~is_withdrawn())
        )
        if subject_id is not None:
            query = query.where(SessionRow.subject_id == subject_id)
        with self._reading() as session:
            return session.scalar(query) or 0


def _newest_of_kind(face_kind: str) -> Subquery:
    """Build id, session_id and settings_hash of each session's newest analysis with embeddings of this kind, if any.

    In one pass: what `newest_analysis` does a session at a time is slow on PostgreSQL with a second condition.
    """
    rank = func.row_number().over(partition_by=AnalysisRow.session_id, order_by=newest_first(AnalysisRow))
    ranked = (
        select(AnalysisRow.id, AnalysisRow.session_id, AnalysisRow.settings_hash, rank.label("place"))
        .join(EmbeddingRow, EmbeddingRow.analysis_id == AnalysisRow.id)
        .where(EmbeddingRow.kind == face_kind)
        .subquery()
    )
    return select(ranked.c.id, ranked.c.session_id, ranked.c.settings_hash).where(ranked.c.place == 1).subquery()


def nearest_answer(answers: Sequence[QuestionnaireRow], at: datetime) -> QuestionnaireRow | None:
    """Find the questionnaire answered nearest to a moment, the earlier of two equally near.

    Args:
        answers: Questionnaires in the order of their answering.
        at: The moment.

    Returns:
        The questionnaire; None where there are none.
    """
    index = bisect_left(answers, at, key=lambda row: row.answered_at)
    neighbours = answers[max(0, index - 1) : index + 1]
    return min(neighbours, key=lambda row: abs(row.answered_at - at), default=None)
