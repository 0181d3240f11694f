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

from db.records import JobPriority, JobRecord, JobState, SessionRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError, StoreError
from fer_phq.core.messages import Message
from service.ingest.media import check_size, file_sha256
from service.ingest.messages import UNREADABLE_FILE
from service.ingest.recordings import add_recording
from service.jobs import messages
from service.jobs.batch.sources import BatchRecording
from service.jobs.queue import workers_alive
from service.lifecycle.consent import check_consent
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
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """It was not stored."""
    ERASED = "erased"
    """Its session was erased while the command waited."""
    WAITING = "waiting"
    """It is stored, and its job is not done."""


_ENDS = {JobState.DONE: End.ANALYSED, JobState.FAILED: End.FAILED, JobState.CANCELLED: End.CANCELLED}


@dataclass(frozen=True)
class Outcome:
    """One recording of a batch and what became of it.

    Attributes:
        session_id: The session that holds it; None where it was refused.
        job: Its newest job as it was seen last; None where it was refused, or analysed without a job.
        end: How it stands.
        reason: Why it failed, was refused, or waits.
    """

    recording: BatchRecording
    session_id: str | None
    job: JobRecord | None
    end: End
    reason: Message | None = None

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
    now = datetime.now(UTC)
    subject = store.subjects.get_or_create(label=recording.subject)
    session = store.sessions.find_by_media(subject_id=subject.id, sha256=file_sha256(recording.path))
    if session is not None and session.media_path is not None:
        return _requeue(store, recording, session, analysis, retry_failed)
    days = recording.keep_days
    modified_at = datetime.fromtimestamp(recording.path.stat().st_mtime, UTC)
    added = add_recording(
        settings,
        store,
        recording.path,
        subject_id=subject.id,
        recorded_at=min(recording.recorded_at or modified_at, now),
        consent_by=recording.consent_by,
        consent_text=CONSENT_TEXT,
        display_name=recording.file,
        retain_until=settings.retain_until(now) if days is None else now + timedelta(days=days),
        analysis=analysis,
        priority=JobPriority.BATCH,
        transcript=recording.read_transcript(),
    )
    job = None if added.job_id is None else store.jobs.get(job_id=added.job_id)
    return _outcome(recording, added.session_id, job)


def _requeue(
    store: Store,
    recording: BatchRecording,
    session: SessionRecord,
    analysis: Mapping[str, Any] | None,
    retry_failed: bool,
) -> Outcome:
    """Return where a recording stands that is a session already; queue what it lacks."""
    detail = store.sessions.get_detail(session_id=session.id)
    job = detail.job
    if detail.analyses and (job is None or job.state is JobState.DONE):
        return Outcome(recording, session.id, job, End.BEFORE)
    if job is None or job.state is JobState.DONE:
        check_consent(store, session.id)
        settings = dict(analysis) if analysis else None
        job = store.jobs.create(session_id=session.id, settings=settings, priority=JobPriority.BATCH)
    elif retry_failed and not job.is_live:
        check_consent(store, session.id)
        job = store.jobs.set_state(job_id=job.id, state=JobState.QUEUED, priority=JobPriority.BATCH)
    return _outcome(recording, session.id, job)


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
            outcomes.append(_outcome(before.recording, job.session_id, job))
    return outcomes


def _outcome(recording: BatchRecording, session_id: str, job: JobRecord | None) -> Outcome:
    if job is None:
        return Outcome(recording, session_id, None, End.WAITING)
    reason = (job.error or messages.FAILED()) if job.state is JobState.FAILED else None
    return Outcome(recording, session_id, job, _ENDS.get(job.state, End.WAITING), reason)
