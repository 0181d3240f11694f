"""Database rows to records, and the conditions that several queries share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db import messages
from db.pseudonyms import current_pseudonyms
from db.records import (
    AnalysisSummary,
    Consent,
    JobPriority,
    JobRecord,
    JobState,
    Position,
    QuestionnaireRecord,
    QuestionnaireSource,
    SessionRecord,
    SubjectRecord,
)
from db.tables import AnalysisRow, AuditRow, JobRow, QuestionnaireRow, SessionRow, SubjectRow
from fer_phq.core.analysis import Sampling, Step
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.messages import LITERAL, Message, Param, from_json, from_text, literal, to_json
from fer_phq.core.phq import Modality, PhqEstimate, PhqResult, PhqUnavailable, Provenance, Scale, UnavailableReason

WITHDRAWAL = "withdraw_consent"
"""What the audit calls the withdrawal of a session's consent."""
HIDDEN = "…"
"""What stands in a message for a name, for who sees pseudonyms."""
NAMING = frozenset(
    {
        *("cell", "column", "columns", "expected", "known", "value", "which"),
        *("file", "files", "folder", "path", "place", "reference"),
        *("label", "name", "names", "speaker", "speakers", "subject"),
        *("error", "message", "problem", "reason", "strerror"),
        *("absent", "chosen", "coder", "codes", "one", "other", "text", "tiers", "type", "unused"),
    }
)
"""Parameters of messages that may name a person: what stands in a table, a file's name, a transcript's speakers, and
what a system says of a file. A test asks it of each parameter of an analysis's messages and of each column."""


def subject_record(row: SubjectRow) -> SubjectRecord:
    """Return the row as a record."""
    return SubjectRecord(id=row.id, label=row.label, is_demo=row.is_demo, created_at=row.created_at)


def session_record(row: SessionRow) -> SessionRecord:
    """Return the row as a record."""
    consent = None
    if row.consent_at is not None and row.consent_by is not None and row.consent_text_version is not None:
        consent = Consent(at=row.consent_at, by=row.consent_by, text_version=row.consent_text_version)
    return SessionRecord(
        id=row.id,
        subject_id=row.subject_id,
        recorded_at=row.recorded_at,
        media_sha256=row.media_sha256,
        media_path=row.media_path,
        original_name=row.original_name,
        duration_s=row.duration_s,
        width=row.width,
        height=row.height,
        codec=row.codec,
        rotation=row.rotation,
        has_audio=row.has_audio,
        consent=consent,
        retain_until=row.retain_until,
        is_demo=row.is_demo,
        created_at=row.created_at,
    )


def analysis_summary(row: AnalysisRow) -> AnalysisSummary:
    """Return the row as a record."""
    emotions = None if row.frames_with_face == 0 else {name: float(getattr(row, name)) for name in EMOTIONS}
    return AnalysisSummary(
        id=row.id,
        session_id=row.session_id,
        model_id=row.model_id,
        sampling=sampling_of(row),
        settings=row.settings,
        settings_hash=row.settings_hash,
        coverage=row.coverage,
        frames_sampled=row.frames_sampled,
        frames_with_face=row.frames_with_face,
        emotions=emotions,
        dominant_emotion=row.dominant_emotion,
        phq=_phq(row),
        warnings=(*analysis_warnings(row), *_staleness(row)),
        created_at=row.created_at,
        sidecar_digest=row.beside,
        choice_at=row.choice_at,
        counts_by_frames=bool(_staleness(row)),
    )


def analysis_warnings(row: AnalysisRow) -> tuple[Message, ...]:
    """Return the warnings as the analysis gave them, without names for who sees pseudonyms."""
    return tuple(readable_message(from_json(warning)) for warning in row.warnings)


def readable_message(message: Message) -> Message:
    """Return a stored message as the actor of the present transaction may read it.

    Args:
        message: The message, which may quote a file's name or whom a transcript names.

    Returns:
        The message; where pseudonyms are shown, with `HIDDEN` for what may name somebody. A text that no template made
        may name anybody, so nothing of it is left.
    """
    if current_pseudonyms() is None:
        return message
    if message.code == LITERAL:
        return literal(HIDDEN) if str(message) else message
    params = {name: _readable_param(name, value) for name, value in message.params.items()}
    return Message(message.code, params, HIDDEN)


def _readable_param(name: str, value: Param) -> Param:
    if isinstance(value, Message):
        return readable_message(value)
    if isinstance(value, tuple) and any(isinstance(part, Message) for part in value):
        return tuple(readable_message(part) for part in value if isinstance(part, Message))
    return HIDDEN if name in NAMING else value


def _staleness(row: AnalysisRow) -> tuple[Message, ...]:
    """Return a warning where coverage and shares were counted by frames, as they were before time was the unit."""
    return (messages.COUNTED_BY_FRAMES(),) if row.end_s is None and row.frames_sampled else ()


def counts_by_frames() -> ColumnElement[bool]:
    """Return the condition that an analysis counts coverage and shares by frames, as before time was the unit."""
    return and_(AnalysisRow.end_s.is_(None), AnalysisRow.frames_sampled > 0)


def sampling_of(row: AnalysisRow) -> Sampling:
    """Return how the analysis chose its frames."""
    return Sampling(key_frames=True) if row.fps is None else Sampling(fps=row.fps)


def _phq(row: AnalysisRow) -> PhqResult:
    if row.phq_unavailable is not None:
        detail = readable_message(from_text(row.phq_detail)) if row.phq_detail else None
        return PhqUnavailable(UnavailableReason(row.phq_unavailable), detail)
    # The table's CHECK makes an estimate complete; the assertions say so to the type checker.
    assert row.phq_score is not None
    assert row.phq_low is not None
    assert row.phq_high is not None
    assert row.phq_level is not None
    assert row.phq_scale is not None
    assert row.phq_provenance is not None
    assert row.phq_model_id is not None
    assert row.phq_modalities is not None
    return PhqEstimate(
        score=row.phq_score,
        low=row.phq_low,
        high=row.phq_high,
        level=row.phq_level,
        scale=Scale(row.phq_scale),
        provenance=Provenance(row.phq_provenance),
        model_id=row.phq_model_id,
        modalities=tuple(Modality(name) for name in row.phq_modalities.split("+")),
    )


def job_record(row: JobRow) -> JobRecord:
    """Return the row as a record."""
    return JobRecord(
        id=row.id,
        session_id=row.session_id,
        workflow_id=row.workflow_id,
        priority=JobPriority(row.priority),
        settings=row.settings,
        state=JobState(row.state),
        step=Step(row.stage) if row.stage in set(Step) else None,
        done=row.frames_done,
        total=row.frames_expected,
        step_started_at=row.step_started_at,
        error=job_error(row.error, row.error_code, row.error_params),
        cancel_requested=row.cancel_requested,
        attempt=row.attempt,
        worker=row.worker,
        claims=row.claims,
        analysis_id=row.analysis_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def job_error(text: str | None, code: str | None, params: Mapping[str, Any] | None) -> Message | None:
    """Return the message that a job's three columns hold.

    Args:
        text: The message in English; None where the job did not fail.
        code: The code of its template; None for a text from before messages had codes, which becomes a literal.
        params: The values of the template's fields; None without a code.
    """
    if code:
        return from_json({"code": code, "params": params, "text": text or ""})
    return literal(text) if text else None


def job_error_columns(error: Message | None) -> dict[str, Any]:
    """Return the values of a job's columns `error`, `error_code` and `error_params` for a message."""
    if error is None:
        return {"error": None, "error_code": None, "error_params": None}
    encoded = to_json(error)
    if isinstance(encoded, str):
        return {"error": encoded, "error_code": None, "error_params": None}
    return {"error": encoded["text"], "error_code": encoded["code"], "error_params": encoded["params"]}


def questionnaire_record(row: QuestionnaireRow, *, superseded: bool) -> QuestionnaireRecord:
    """Return the row as a record.

    Args:
        row: The questionnaire.
        superseded: Whether a later questionnaire corrects it.
    """
    return QuestionnaireRecord(
        id=row.id,
        subject_id=row.subject_id,
        scale=Scale(row.scale),
        items=tuple(row.items),
        total=row.total,
        item9_flag=row.item9_flag,
        difficulty=row.difficulty,
        answered_at=row.answered_at,
        created_at=row.created_at,
        source=QuestionnaireSource(row.source),
        supersedes_id=row.supersedes_id,
        superseded=superseded,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
    )


def is_superseded() -> ColumnElement[bool]:
    """Build the condition that a later questionnaire corrects this one."""
    later = aliased(QuestionnaireRow)
    return select(later.id).where(later.supersedes_id == QuestionnaireRow.id).exists()


def is_behind(
    at: InstrumentedAttribute[datetime],
    row_id: InstrumentedAttribute[str],
    position: Position,
    *,
    descending: bool = False,
) -> ColumnElement[bool]:
    """Build the condition that a row stands behind a place in a list that is ordered by time and then by id.

    Args:
        at: The column by which the list is ordered.
        row_id: The column that orders rows of the same time, in ascending order.
        position: The place.
        descending: Whether the list goes back in time.
    """
    further = at < position.at if descending else at > position.at
    return or_(further, and_(at == position.at, row_id > position.id))


def is_past_retention(now: datetime) -> ColumnElement[bool]:
    """Build the condition that a session's recording is still there although its `retain_until` has passed."""
    return and_(SessionRow.retain_until <= now, SessionRow.media_path.is_not(None))


def is_withdrawn() -> ColumnElement[bool]:
    """Build the condition that a session's consent was withdrawn: it has none, and the audit says that it went."""
    withdrawal = select(AuditRow.id).where(AuditRow.object_id == SessionRow.id, AuditRow.action == WITHDRAWAL)
    return and_(SessionRow.consent_at.is_(None), withdrawal.exists())


def newest_first(analysis: type[AnalysisRow]) -> tuple[ColumnElement[Any], ...]:
    """Build the order of a session's analyses, the one that stands for it first.

    The newest is first. An analysis whose faces a person chose is as new as the last time that they did.

    Args:
        analysis: The table of analyses, or an alias of it.
    """
    is_choice_newer = analysis.choice_at > analysis.created_at
    return case((is_choice_newer, analysis.choice_at), else_=analysis.created_at).desc(), analysis.id.desc()


def newest_analysis(
    session_id: InstrumentedAttribute[str] = SessionRow.id,
    *,
    model_id: str | None = None,
    prefer_model: str | None = None,
) -> ScalarSelect[str]:
    """Build a subquery of the id of the newest analysis of a session; to be joined on, one index look-up a session.

    Args:
        session_id: The column that names the session.
        model_id: Only analyses by this model count; None for any.
        prefer_model: Where this model has analysed the session, its newest analysis goes before others. None for no
            preference; ignored beside `model_id`.
    """
    analysis = aliased(AnalysisRow)
    query = select(analysis.id).where(analysis.session_id == session_id)
    if model_id is not None:
        query = query.where(analysis.model_id == model_id)
    elif prefer_model is not None:
        query = query.order_by(case((analysis.model_id == prefer_model, 0), else_=1))
    newest = query.order_by(*newest_first(analysis)).limit(1)
    return newest.correlate(SessionRow).scalar_subquery()


def is_newest_job() -> ColumnElement[bool]:
    """Build the condition that a job is its session's newest, for a query that begins with few jobs."""
    later = aliased(JobRow)
    is_tied_later = and_(later.created_at == JobRow.created_at, later.id > JobRow.id)
    is_later = or_(later.created_at > JobRow.created_at, is_tied_later)
    return ~select(later.id).where(later.session_id == JobRow.session_id, is_later).exists()


def newest_job(session_id: InstrumentedAttribute[str] = SessionRow.id) -> ScalarSelect[str]:
    """Build a subquery of the id of a session's newest job; to be joined on."""
    job = aliased(JobRow)
    newest = select(job.id).where(job.session_id == session_id).order_by(job.created_at.desc(), job.id.desc())
    return newest.limit(1).correlate(SessionRow).scalar_subquery()
