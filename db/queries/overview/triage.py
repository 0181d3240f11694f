"""What needs a person's attention: one query a kind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, null, select
from sqlalchemy.orm import InstrumentedAttribute

from db import messages
from db.queries.base import Queries, utc_now
from db.queries.mapping import (
    is_newest_job,
    is_past_retention,
    is_superseded,
    is_withdrawn,
    job_error,
    newest_analysis,
)
from db.records import AttentionItem, AttentionKind, JobState
from db.tables import AnalysisRow, JobRow, QuestionnaireRow, SessionRow, SubjectRow
from fer_phq.core.messages import Message


class TriageQueries(Queries):
    """The list on the dashboard's first page."""

    def list_items(
        self,
        *,
        coverage_floor: float = 0.3,
        now: datetime | None = None,
        limit: int = 50,
        prefer_model: str | None = None,
    ) -> list[AttentionItem]:
        """List what a person should look at, most urgent kind first, newest first within a kind.

        The kinds: questionnaires whose item 9 is not zero, until acknowledged (the answer itself is not told); sessions
        whose newest job failed; newest analyses with low coverage; and, demonstrations aside, sessions whose consent
        was withdrawn, sessions without consent, and sessions past their retention. Nothing analyses a session again
        whose consent was withdrawn, so its failed job and its coverage are not listed.

        Args:
            coverage_floor: The share of the recording with a face, 0 to 1, below which an analysis is listed.
            now: The moment that retention is measured against; None for the present.
            limit: The most items of each kind but the first: whoever answered item 9 is listed, however many they are.
            prefer_model: The model whose newest analysis stands for a session where it has one; None for no preference.
        """
        queries = {
            AttentionKind.ITEM_9: _flagged_answers(),
            AttentionKind.FAILED_JOB: _failed_jobs(),
            AttentionKind.LOW_COVERAGE: _low_coverage(coverage_floor, prefer_model),
            AttentionKind.CONSENT_WITHDRAWN: _without_consent().where(is_withdrawn()),
            AttentionKind.NO_CONSENT: _without_consent().where(~is_withdrawn()),
            AttentionKind.PAST_RETENTION: _past_retention(now or utc_now()),
        }
        with self._reading() as session:
            return [
                AttentionItem(
                    kind=kind,
                    at=row.at,
                    subject_id=row.subject_id,
                    subject_label=row.subject_label,
                    session_id=row.session_id,
                    object_id=row.object_id,
                    detail=_detail(kind, row),
                )
                for kind, query in queries.items()
                for row in session.execute(query if kind is AttentionKind.ITEM_9 else query.limit(limit))
            ]


def _detail(kind: AttentionKind, row: Any) -> Message:
    match kind:
        case AttentionKind.ITEM_9:
            return messages.ITEM_9(scale=row.about)
        case AttentionKind.FAILED_JOB:
            return job_error(row.about, row.error_code, row.error_params) or messages.ANALYSIS_FAILED()
        case AttentionKind.LOW_COVERAGE:
            return messages.LOW_COVERAGE(share=row.about)
        case AttentionKind.CONSENT_WITHDRAWN:
            return messages.CONSENT_WITHDRAWN()
        case AttentionKind.NO_CONSENT:
            return messages.NO_CONSENT()
        case AttentionKind.PAST_RETENTION:
            return messages.PAST_RETENTION()


def _of_sessions(
    at: InstrumentedAttribute[Any], object_id: InstrumentedAttribute[str], about: ColumnElement[Any] | None = None
) -> Select[Any]:
    """Select sessions with their subjects, the latest `at` first."""
    return (
        select(
            at.label("at"),
            SubjectRow.id.label("subject_id"),
            SubjectRow.label.label("subject_label"),
            SessionRow.id.label("session_id"),
            object_id.label("object_id"),
            (literal("") if about is None else about).label("about"),
        )
        .select_from(SessionRow)
        .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
        .order_by(at.desc(), SessionRow.id)
    )


def _failed_jobs() -> Select[Any]:
    query = _of_sessions(JobRow.updated_at, JobRow.id, JobRow.error.expression)
    query = query.add_columns(JobRow.error_code, JobRow.error_params)
    query = query.join(JobRow, JobRow.session_id == SessionRow.id)
    return query.where(JobRow.state == str(JobState.FAILED), is_newest_job(), ~is_withdrawn())


def _low_coverage(floor: float, prefer_model: str | None) -> Select[Any]:
    query = _of_sessions(SessionRow.recorded_at, AnalysisRow.id, AnalysisRow.coverage.expression)
    return query.join(AnalysisRow, AnalysisRow.id == newest_analysis(prefer_model=prefer_model)).where(
        AnalysisRow.coverage < floor, ~is_withdrawn()
    )


def _without_consent() -> Select[Any]:
    query = _of_sessions(SessionRow.recorded_at, SessionRow.id)
    return query.where(SessionRow.consent_at.is_(None), ~SessionRow.is_demo)


def _past_retention(now: datetime) -> Select[Any]:
    query = _of_sessions(SessionRow.retain_until, SessionRow.id)
    return query.where(is_past_retention(now), ~SessionRow.is_demo)


def _flagged_answers() -> Select[Any]:
    columns: list[Any] = [
        QuestionnaireRow.answered_at.label("at"),
        SubjectRow.id.label("subject_id"),
        SubjectRow.label.label("subject_label"),
        null().label("session_id"),
        QuestionnaireRow.id.label("object_id"),
        QuestionnaireRow.scale.label("about"),
    ]
    return (
        select(*columns)
        .select_from(QuestionnaireRow)
        .join(SubjectRow, SubjectRow.id == QuestionnaireRow.subject_id)
        .where(QuestionnaireRow.item9_flag, QuestionnaireRow.acknowledged_at.is_(None), ~is_superseded())
        .order_by(QuestionnaireRow.answered_at.desc(), QuestionnaireRow.id)
    )
