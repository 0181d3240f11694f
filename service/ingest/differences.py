"""In what a stored session differs from what is said of its recording, which comes in again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from db.records import AnalysisSummary, JobRecord, JobState, NewTranscript, SessionRecord
from db.store import Store
from fer_phq.core.analysis import Sampling, Settings, SoundChoice
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.core.sidecar import compute_digest
from service.ingest import messages
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

MOST_JOBS = 1000
"""Most jobs of a session that are looked at."""
CLOCK_STEP = timedelta(hours=1)
"""By how much the clock may be set back while a recording comes in, without another number of days."""


def find_difference(
    settings: AppSettings,
    store: Store,
    session: SessionRecord,
    grant: UploadGrant,
    transcript: NewTranscript | None = None,
) -> Message | None:
    """Return in what a session differs from what is said of its recording, which comes in again.

    What is not said does not differ: a date that is only the file's, a retention that is the installation's, no
    transcript, no options of the analysis. A session that was never analysed is analysed as it is asked for.

    Args:
        settings: The installation.
        store: Where the session is.
        session: The subject's session of the recording.
        grant: What is said of the recording.
        transcript: The transcript that comes with it.

    Returns:
        All differences in one message; None where there are none.
    """
    differences: list[Message] = []
    if grant.is_dated and grant.recorded_at != session.recorded_at:
        stored = _utc(session.recorded_at)
        differences.append(messages.OTHER_DATE(stored=stored, sent=_utc(grant.recorded_at)))
    days = grant.keep_days
    if days is not None and session.retain_until is None:
        differences.append(messages.NO_RETENTION(n=days))
    elif days is not None and session.retain_until is not None and days != _days_kept(session, session.retain_until):
        differences.append(messages.OTHER_RETENTION(n=days, stored=_utc(session.retain_until)))
    if grant.analysis and _is_analysed_otherwise(settings, store, session.id, grant.analysis):
        differences.append(messages.ANALYSED_OTHERWISE(session_id=session.id))
    words = None if transcript is None else store.transcripts.get(session_id=session.id)
    if words and transcript and (words.document, words.speaker) != (transcript.document, transcript.speaker):
        differences.append(messages.OTHER_TRANSCRIPT())
    if not differences:
        return None
    return messages.STORED_OTHERWISE(session_id=session.id, differences=tuple(differences))


def check_retention(session: SessionRecord) -> None:
    """Check that the recording of a session, which was removed, would not be removed again as soon as it is stored.

    Args:
        session: The session.

    Raises:
        RecordingError: Its retention is over.
    """
    until = session.retain_until
    if session.media_path is None and until is not None and until <= datetime.now(UTC):
        raise RecordingError(messages.RETENTION_OVER(session_id=session.id, until=_utc(until)))


def list_jobs_of(
    settings: AppSettings, store: Store, session_id: str, analysis: Mapping[str, Any] | None
) -> list[JobRecord]:
    """List a session's jobs that analyse it in one way, newest first.

    Args:
        settings: The installation.
        store: Where the jobs are.
        session_id: The session.
        analysis: The options by name; None for any way.
    """
    jobs = store.jobs.list_page(session_id=session_id, limit=MOST_JOBS)
    if not analysis:
        return jobs
    way = _way(settings.analysis_settings(analysis), analysis)
    return [job for job in jobs if _way(settings.analysis_settings(job.settings), analysis) == way]


def is_analysed_so(
    settings: AppSettings,
    summary: AnalysisSummary,
    analysis: Mapping[str, Any] | None,
    transcript: NewTranscript | None = None,
) -> bool:
    """Tell whether an analysis was made in one way.

    Args:
        settings: The installation.
        summary: The analysis.
        analysis: The options by name; None for any way.
        transcript: The transcript with which it was made; None for any, and for none.
    """
    if transcript is not None and summary.sidecar_digest != compute_digest(transcript.speaker, transcript.document):
        return False
    if not analysis:
        return True
    return _way(Settings.from_dict(summary.settings), analysis) == _way(settings.analysis_settings(analysis), analysis)


def lacks_transcript(store: Store, session_id: str, transcript: NewTranscript | None) -> bool:
    """Tell whether a transcript that comes in is a session's first.

    Args:
        store: Where the session is.
        session_id: The session.
        transcript: The transcript; None where none comes in.
    """
    return transcript is not None and not store.transcripts.exists(session_id=session_id)


def is_being_analysed(store: Store, session_id: str) -> bool:
    """Tell whether a worker analyses a session just now.

    Args:
        store: Where the session is.
        session_id: The session.
    """
    job = store.jobs.latest(session_id=session_id)
    return job is not None and job.state is JobState.RUNNING


def _is_analysed_otherwise(settings: AppSettings, store: Store, session_id: str, analysis: Mapping[str, Any]) -> bool:
    """Tell whether a session has jobs, and neither a job nor an analysis in this way."""
    if list_jobs_of(settings, store, session_id, analysis) or store.jobs.latest(session_id=session_id) is None:
        return False
    analyses = store.sessions.get_detail(session_id=session_id).analyses
    return not any(is_analysed_so(settings, summary, analysis) for summary in analyses)


def _way(
    settings: Settings, analysis: Mapping[str, Any]
) -> tuple[Sampling, int | None, tuple[int, ...], SoundChoice, float | None, bool | None]:
    """Return what a sender may choose of an analysis; the rate of the face mesh and the turns where they are chosen.

    Whoever names another option is content with an analysis of an earlier version, which has neither.
    """
    face_rate = settings.face_rate if "face_rate" in analysis else None
    speech = settings.speech if "speech" in analysis else None
    return settings.sampling, settings.track, settings.tracks, settings.sound, face_rate, speech


def _days_kept(session: SessionRecord, until: datetime) -> int:
    """Return for how many days a session is kept; a part of one counts, as the days begin before all has come in."""
    return math.ceil((until - session.created_at - CLOCK_STEP) / timedelta(days=1))


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
