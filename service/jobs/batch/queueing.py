"""A batch on its way: recordings stored and queued behind everybody else's, and followed to their ends.

A recording that its subject has already is neither copied nor analysed again, so a batch that was interrupted goes on
where it was when it is started once more.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Any

from db.records import JobPriority, JobRecord, JobState, NewTranscript
from db.store import Store
from fer_phq.core.errors import FerPhqError, RecordingError, StoreError
from fer_phq.core.messages import Message
from service.ingest.differences import (
    find_difference,
    is_analysed_so,
    is_being_analysed,
    lacks_transcript,
    list_jobs_of,
)
from service.ingest.media import check_size, file_sha256
from service.ingest.messages import ANALYSED_WITHOUT_TRANSCRIPT, UNREADABLE_FILE
from service.ingest.recordings import copy_recording
from service.ingest.session_csv import EARLIEST
from service.ingest.tokens import UploadGrant
from service.jobs import messages
from service.jobs.batch.sources import BatchRecording
from service.jobs.queue import workers_alive
from service.lifecycle.consent import check_consent, check_not_withdrawn
from service.processes.waiting import call_until_answered
from service.settings import AppSettings

CONSENT_TEXT = "command line: --queue"
POLL_S = 1.0
FOLLOWED_AT_ONCE = 500
"""Jobs that one look at the store reads."""


class End(StrEnum):
    """How a recording of a batch stands at the end of the command."""

    ANALYSED = "analysed"
    BEFORE = "analysed before"
    OTHERWISE = "stored otherwise"
    """It is a session already, which differs from what the batch says of it; nothing was changed or queued."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """It was not stored."""
    ERASED = "erased"
    """Its session was erased while the command waited."""
    WAITING = "waiting"
    """It is stored, and its job is not done."""


class DateSource(StrEnum):
    """Where the stored date of a recording comes from."""

    TABLE = "table"
    FILE = "file"
    """The file's own date, which may be that of a copy."""
    QUEUEING = "queueing"
    """The moment when it was stored, as the file's own date lies in the future."""
    STORED = "stored before"
    """The session was there, and the batch says no date."""


_ENDS = {JobState.DONE: End.ANALYSED, JobState.FAILED: End.FAILED, JobState.CANCELLED: End.CANCELLED}


@dataclass(frozen=True)
class Outcome:
    """One recording of a batch and what became of it.

    Attributes:
        session_id: The session that holds it; None where it was refused.
        job: Its job as it was seen last; None where it was refused, or analysed without a job.
        end: How it stands.
        reason: Why it failed, was refused, or waits, or what is stored otherwise.
        recorded_at: When it was recorded, as it is stored; None where it was refused.
        date_source: Where that date comes from.
    """

    recording: BatchRecording
    session_id: str | None
    job: JobRecord | None
    end: End
    reason: Message | None = None
    recorded_at: datetime | None = None
    date_source: DateSource | None = None

    @property
    def sound(self) -> bool:
        """Whether the recording has an analysis."""
        return self.end in (End.ANALYSED, End.BEFORE)


def queue_recording(
    settings: AppSettings,
    store: Store,
    recording: BatchRecording,
    analysis: Mapping[str, Any] | None = None,
    *,
    retry_failed: bool = False,
) -> Outcome:
    """Store one recording of a batch and queue its analysis behind all that somebody waits for.

    Args:
        settings: The installation.
        store: Where the session goes.
        recording: The recording.
        analysis: The job's own analysis settings by name; None leaves all to the installation's.
        retry_failed: Whether a job that failed or was cancelled before is queued again.

    Returns:
        Where it stands now; one that cannot be stored is refused with its reason.

    Raises:
        StoreError: The database cannot be reached.
    """
    try:
        return _queue(settings, store, recording, analysis, retry_failed)
    except StoreError:
        raise
    except FerPhqError as error:
        return Outcome(recording, None, None, End.REFUSED, error.message)
    except OSError as error:
        reason = UNREADABLE_FILE(path=recording.file, reason=error.strerror or str(error))
        return Outcome(recording, None, None, End.REFUSED, reason)


def _queue(
    settings: AppSettings,
    store: Store,
    recording: BatchRecording,
    analysis: Mapping[str, Any] | None,
    retry_failed: bool,
) -> Outcome:
    check_size(settings, recording.path)
    transcript = recording.read_transcript()
    subject = store.subjects.get_or_create(label=recording.subject)
    grant, source = _grant(settings, subject.id, recording, analysis)
    session = store.sessions.find_by_media(subject_id=subject.id, sha256=file_sha256(recording.path))
    if session is not None:
        source = DateSource.TABLE if grant.is_dated else DateSource.STORED
        before = Outcome(recording, session.id, None, End.WAITING, recorded_at=session.recorded_at, date_source=source)
        difference = find_difference(settings, store, session, grant, transcript)
        if difference is not None:
            return replace(before, end=End.OTHERWISE, reason=difference)
        if session.media_path is not None:
            return _requeue(settings, store, before, grant, transcript, retry_failed)
        if _is_analysed(settings, store, session.id, grant, transcript):
            return replace(before, end=End.BEFORE)  # whoever removed the recording does not want it back
        check_not_withdrawn(store, session.id)
    elif grant.recorded_at < EARLIEST:
        raise RecordingError(messages.FILE_DATE(date=str(grant.recorded_at.date())))
    added = copy_recording(settings, store, recording.path, grant, display_name=recording.file, transcript=transcript)
    job = None if added.job_id is None else store.jobs.get(job_id=added.job_id)
    stored = store.sessions.get(session_id=added.session_id)
    outcome = Outcome(
        recording, added.session_id, None, End.WAITING, recorded_at=stored.recorded_at, date_source=source
    )
    return _with_job(outcome, job)


def _grant(
    settings: AppSettings, subject_id: str, recording: BatchRecording, analysis: Mapping[str, Any] | None
) -> tuple[UploadGrant, DateSource]:
    """Return what a recording is stored under, and where its date comes from."""
    now = datetime.now(UTC)
    source = DateSource.TABLE
    recorded_at = recording.recorded_at
    if recorded_at is None:
        modified_at = datetime.fromtimestamp(recording.path.stat().st_mtime, UTC)
        source = DateSource.FILE if modified_at <= now else DateSource.QUEUEING
        recorded_at = min(modified_at, now)
    days = recording.keep_days
    grant = UploadGrant(
        subject_id,
        recorded_at,
        consent_by=recording.consent_by,
        consent_text=CONSENT_TEXT,
        retain_until=settings.retain_until(now) if days is None else now + timedelta(days=days),
        analysis=analysis,
        must_apply=True,
        priority=JobPriority.BATCH,
        is_dated=recording.recorded_at is not None,
        keep_days=days,
    )
    return grant, source


def _requeue(
    settings: AppSettings,
    store: Store,
    before: Outcome,
    grant: UploadGrant,
    transcript: NewTranscript | None,
    retry_failed: bool,
) -> Outcome:
    """Return where a recording stands that is a session already; give it its first transcript, and queue what it lacks.

    Args:
        settings: The installation.
        store: Where the session is.
        before: The recording and its session.
        grant: What is said of it, from which the session does not differ.
        transcript: Its transcript; None for none.
        retry_failed: Whether a job that failed or was cancelled before is queued again.
    """
    assert before.session_id is not None
    session_id = before.session_id
    jobs = list_jobs_of(settings, store, session_id, grant.analysis)
    if transcript is not None and lacks_transcript(store, session_id, transcript):
        if is_being_analysed(store, session_id):
            return replace(before, end=End.OTHERWISE, reason=ANALYSED_WITHOUT_TRANSCRIPT(session_id=session_id))
        check_consent(store, session_id)
        store.transcripts.save(
            session_id=session_id,
            original_name=transcript.original_name,
            document=transcript.document,
            speaker=transcript.speaker,
        )
    job = jobs[0] if jobs else None
    if job is None or job.state is JobState.DONE:
        if _is_analysed(settings, store, session_id, grant, transcript):
            return replace(before, job=job, end=End.BEFORE)
        check_consent(store, session_id)
        options = dict(grant.analysis) if grant.analysis else None
        job = store.jobs.create(session_id=session_id, settings=options, priority=grant.priority)
    elif retry_failed and not job.is_live and job == store.jobs.latest(session_id=session_id):
        check_consent(store, session_id)
        job = store.jobs.set_state(job_id=job.id, state=JobState.QUEUED, priority=grant.priority)
    return _with_job(before, job)


def _is_analysed(
    settings: AppSettings, store: Store, session_id: str, grant: UploadGrant, transcript: NewTranscript | None
) -> bool:
    """Tell whether a session has an analysis as the batch asks for it."""
    analyses = store.sessions.get_detail(session_id=session_id).analyses
    return any(is_analysed_so(settings, summary, grant.analysis, transcript) for summary in analyses)


def follow(
    settings: AppSettings,
    store: Store,
    outcomes: Iterable[Outcome],
    *,
    poll_s: float = POLL_S,
) -> Iterator[Outcome]:
    """Wait for jobs that are queued or run, and give each recording's outcome when it is known.

    A database that is away is waited for as long as the installation says. Without any worker that shows signs of life,
    waiting ends, and what is left comes as waiting.

    Args:
        settings: The installation.
        store: Where the jobs are.
        outcomes: Where the recordings stand.
        poll_s: How often the store is looked at, in seconds.

    Yields:
        Each recording once, in the order in which it ended.

    Raises:
        StoreError: The database cannot be reached.
    """
    waiting: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.job is not None and outcome.end is End.WAITING:
            waiting[outcome.job.id].append(outcome)  # two files with the same content are one job
        else:
            yield outcome
    last_sign = time.monotonic()
    while waiting:
        ended = [outcome for outcome in _look(settings, store, waiting) if outcome.end is not End.WAITING]
        for outcome in ended:
            assert outcome.job is not None
            waiting.pop(outcome.job.id, None)
            yield outcome
        if workers_alive(settings, store):
            last_sign = time.monotonic()
        elif time.monotonic() - last_sign > settings.worker_timeout_s:
            break
        if not ended:
            time.sleep(poll_s)
    for outcome in chain.from_iterable(waiting.values()):
        yield replace(outcome, reason=messages.NO_WORKER())


def _look(settings: AppSettings, store: Store, waiting: Mapping[str, list[Outcome]]) -> list[Outcome]:
    """Return where the next jobs of a batch stand."""
    job_ids = list(waiting)[:FOLLOWED_AT_ONCE]
    deadline = time.monotonic() + settings.database_wait_s
    jobs = call_until_answered(
        lambda: store.jobs.list_by_id(job_ids=job_ids), goes_on=lambda: time.monotonic() < deadline
    )
    by_id = {job.id: job for job in jobs}
    outcomes = []
    for before in chain.from_iterable(waiting[job_id] for job_id in job_ids):
        assert before.job is not None
        job = by_id.get(before.job.id)
        if job is None:
            outcomes.append(replace(before, end=End.ERASED, reason=messages.SESSION_ERASED()))
        else:
            outcomes.append(_with_job(before, job))
    return outcomes


def _with_job(outcome: Outcome, job: JobRecord | None) -> Outcome:
    """Return an outcome as its job stands."""
    if job is None:
        return outcome
    reason = (job.error or messages.FAILED()) if job.state is JobState.FAILED else None
    return replace(outcome, job=job, end=_ENDS.get(job.state, End.WAITING), reason=reason)
