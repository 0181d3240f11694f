"""The sessions that PHQ heads are trained on and can score again, by the kind of their stored embeddings."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Select, Subquery, func, select
from sqlalchemy.orm import aliased

from db.queries.base import Queries
from db.queries.mapping import counts_by_frames, is_superseded, is_withdrawn, newest_first
from db.records import Exclusion, LabelledSessionRecord, LabelSurvey, QuestionnaireSource
from db.tables import AnalysisRow, ChannelRow, EmbeddingRow, QuestionnaireRow, SessionRow
from fer_phq.core.analysis import FACE_FRAMES_A_SECOND, Settings
from fer_phq.core.messages import from_text
from fer_phq.core.phq import Scale
from fer_phq.core.texts import FACE_TURNED


class LabelQueries(Queries):
    """Sessions as labels, and sessions that wait for a head."""

    def survey(
        self, *, scale: Scale, within_days: float, face_kind: str, unread_kinds: Sequence[str] = ()
    ) -> LabelSurvey:
        """Find the sessions that are labels, by subject, then date, and say of every other one why it is none.

        A label has stored embeddings of the kind and a questionnaire answered near the recording: of a session its
        newest analysis with such embeddings; of the subject's questionnaires that no correction supersedes, the nearest
        to the recording. A questionnaire may serve several sessions. Demonstrations, sessions and answers, are no
        labels, and neither are sessions whose consent was withdrawn. A session has the first reason of `Exclusion`
        that holds.

        Args:
            scale: Which questionnaire counts.
            within_days: The most days between recording and questionnaire, before or after.
            face_kind: The kind of embeddings that counts.
            unread_kinds: Kinds of voice and words that nothing learns from.
        """
        within = timedelta(days=within_days)
        labels = []
        excluded: Counter[Exclusion] = Counter()
        too_far = []
        with self._reading() as session:
            rows = session.scalars(_answers())
            of_subject = {subject: list(some) for subject, some in groupby(rows, lambda row: row.subject_id)}
            for row in session.execute(_candidates(face_kind, unread_kinds)):
                answers = of_subject.get(row.subject_id, [])
                label = _near([answer for answer in answers if answer.scale == scale], row.recorded_at, within)
                reason = _exclusion(row, answers, label, within)
                if reason is not None:
                    excluded[reason] += 1
                elif label is not None:
                    labels.append(_record(row, label))
                if reason is Exclusion.TOO_FAR:
                    too_far += [abs(answer.answered_at - row.recorded_at) for answer in answers]
        return LabelSurvey(
            sessions=tuple(labels),
            excluded={reason: excluded[reason] for reason in Exclusion if excluded[reason]},
            nearest_days=min(too_far) / timedelta(days=1) if too_far else None,
        )

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


def _answers() -> Select[QuestionnaireRow]:
    """Build the query of the questionnaires that can be labels, of any scale, by subject, then date."""
    return (
        select(QuestionnaireRow)
        .where(QuestionnaireRow.source != str(QuestionnaireSource.DEMO), ~is_superseded())
        .order_by(QuestionnaireRow.subject_id, QuestionnaireRow.answered_at, QuestionnaireRow.created_at)
    )


def _candidates(face_kind: str, unread_kinds: Sequence[str]) -> Select[Any]:
    """Build a row for each session: what decides whether it is a label, and its analysis with such embeddings."""
    newest = _newest_of_kind(face_kind)
    series = select(ChannelRow.analysis_id).where(
        ChannelRow.analysis_id == newest.c.id, ChannelRow.rows > 0, ChannelRow.kind.not_in(unread_kinds)
    )
    analysis = aliased(AnalysisRow)
    is_analysed = select(analysis.id).where(analysis.session_id == SessionRow.id).exists()
    return (
        select(
            SessionRow.id,
            SessionRow.subject_id,
            SessionRow.recorded_at,
            SessionRow.duration_s,
            SessionRow.is_demo,
            is_withdrawn().label("is_withdrawn"),
            is_analysed.label("is_analysed"),
            newest.c.id.label("analysis_id"),
            AnalysisRow.settings,
            AnalysisRow.coverage,
            AnalysisRow.end_s,
            AnalysisRow.phq_detail,
            EmbeddingRow.rows.label("face_rows"),
            series.exists().label("has_series"),
        )
        .outerjoin(newest, newest.c.session_id == SessionRow.id)
        .outerjoin(AnalysisRow, AnalysisRow.id == newest.c.id)
        .outerjoin(EmbeddingRow, EmbeddingRow.analysis_id == newest.c.id)
        .order_by(SessionRow.subject_id, SessionRow.recorded_at, SessionRow.id)
    )


def _exclusion(
    row: Any, answers: Sequence[QuestionnaireRow], label: QuestionnaireRow | None, within: timedelta
) -> Exclusion | None:
    """Say why a session is no label; None where it is one.

    Args:
        row: A row of `_candidates`.
        answers: All that its subject answered, in the order of answering.
        label: The questionnaire of the scale that lies near it.
        within: How near a questionnaire lies.
    """
    if row.is_demo:
        return Exclusion.DEMONSTRATION
    if row.is_withdrawn:
        return Exclusion.WITHDRAWN
    if row.analysis_id is None:
        return Exclusion.OTHER_BACKBONE if row.is_analysed else Exclusion.NOT_ANALYSED
    if not answers:
        return Exclusion.NO_QUESTIONNAIRE
    if label is None:
        is_near = _near(answers, row.recorded_at, within) is not None
        return Exclusion.OTHER_SCALE if is_near else Exclusion.TOO_FAR
    return None if row.has_series or _has_usable_face(row) else Exclusion.NOTHING_MEASURED


def _has_usable_face(row: Any) -> bool:
    """Tell whether a face was seen enough, as `check_face` does, by what stands beside the timeline."""
    settings = Settings.from_dict(row.settings)
    seen_s = row.coverage * max(row.duration_s, row.end_s or 0.0)
    is_turned = from_text(row.phq_detail).code == FACE_TURNED.code
    is_seen = row.coverage >= settings.coverage_floor
    is_long = seen_s >= settings.min_face_frames / FACE_FRAMES_A_SECOND - 1e-6
    return bool(row.face_rows) and is_seen and is_long and not is_turned


def _record(row: Any, label: QuestionnaireRow) -> LabelledSessionRecord:
    return LabelledSessionRecord(
        session_id=row.id,
        subject_id=row.subject_id,
        recorded_at=row.recorded_at,
        analysis_id=row.analysis_id,
        questionnaire_id=label.id,
        score=label.total,
        items=tuple(label.items),
        answered_at=label.answered_at,
    )


def _near(answers: Sequence[QuestionnaireRow], at: datetime, within: timedelta) -> QuestionnaireRow | None:
    """Return the nearest questionnaire, where it is near enough."""
    nearest = nearest_answer(answers, at)
    return None if nearest is None or abs(nearest.answered_at - at) > within else nearest


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
