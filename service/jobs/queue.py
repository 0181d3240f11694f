"""Jobs as a person sees and steers them: state, progress, cancel, retry.

The store's `jobs` table is the one truth and the outbox at once: a row in state `queued` is a promise that a worker
keeps. Only the worker speaks to the job engine (`service.jobs.worker`), so nothing can be lost between two databases
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from db.records import JobRecord, JobState, WorkerRecord
from db.store import Store
from service.settings import AppSettings

PACE_SECONDS = 2.0
"""How long a job must have run before its pace is told."""
NO_WORKER = "No worker is running; start one with `fer-phq worker`."


@dataclass(frozen=True)
class JobStatus:
    """One job for a screen or as JSON.

    fraction: 0 to 1, None while unknown. ahead: queued jobs that come before it. worker_alive: for a running job,
    whether its worker shows signs of life; for a queued one, whether any does. message: one sentence for a person.
    frames_per_s, seconds_left: how fast a running job goes, None while that is not known yet.
    """

    id: str
    session_id: str
    state: str
    stage: str | None
    frames_done: int
    frames_expected: int | None
    fraction: float | None
    ahead: int
    worker_alive: bool
    message: str
    error: str | None
    analysis_id: str | None
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    frames_per_s: float | None = None
    seconds_left: float | None = None

    @property
    def active(self) -> bool:
        """Still to be worked on: queued or running."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)


def status(settings: AppSettings, store: Store, job_id: str) -> JobStatus:
    """One job. NotFoundError when there is none with that id."""
    job = store.jobs.get(job_id=job_id)
    return _statuses(settings, store, [job])[0]


def session_job(settings: AppSettings, store: Store, session_id: str) -> JobStatus | None:
    """A session's newest job, or None."""
    job = store.jobs.latest(session_id=session_id)
    return None if job is None else _statuses(settings, store, [job])[0]


def list_jobs(
    settings: AppSettings, store: Store, states: Sequence[JobState] | None = None, limit: int = 100
) -> list[JobStatus]:
    """Jobs, newest first, in any of `states` (all when None)."""
    return _statuses(settings, store, [view.job for view in store.jobs.list_newest(states=states, limit=limit)])


def enqueue_analysis(
    settings: AppSettings, store: Store, session_id: str, analysis: Mapping[str, Any] | None = None
) -> JobStatus:
    """Queue an analysis of a session; its live job when it has one. SettingsError for unknown analysis settings."""
    settings.analysis_settings(analysis)
    job = store.jobs.create(session_id=session_id, settings=dict(analysis) if analysis else None)
    return _statuses(settings, store, [job])[0]


def cancel(settings: AppSettings, store: Store, job_id: str) -> JobStatus:
    """Stop a job: a queued one at once, a running one within about a second of work; a finished one stays as it is."""
    return _statuses(settings, store, [store.jobs.request_cancel(job_id=job_id)])[0]


def retry(settings: AppSettings, store: Store, job_id: str) -> JobStatus:
    """Queue a failed or cancelled job again; a live or finished one stays as it is."""
    job = store.jobs.get(job_id=job_id)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        job = store.jobs.set_state(job_id=job_id, state=JobState.QUEUED)
    return _statuses(settings, store, [job])[0]


def workers_alive(settings: AppSettings, store: Store) -> int:
    """How many workers show signs of life."""
    return len(live_workers(settings, store.workers.list_all()))


def live_workers(settings: AppSettings, workers: Iterable[WorkerRecord]) -> set[str]:
    """Ids of the workers seen within `worker_timeout_s`."""
    oldest = datetime.now(UTC) - timedelta(seconds=settings.worker_timeout_s)
    return {worker.id for worker in workers if worker.seen_at >= oldest}


def _statuses(settings: AppSettings, store: Store, jobs: Sequence[JobRecord]) -> list[JobStatus]:
    if not any(job.is_live for job in jobs):
        return [_status(job, {}, set()) for job in jobs]
    order = {job.id: place for place, job in enumerate(store.jobs.list_queued())}
    return [_status(job, order, live_workers(settings, store.workers.list_all())) for job in jobs]


def _status(job: JobRecord, order: Mapping[str, int], alive: set[str]) -> JobStatus:
    worker_alive = job.worker in alive if job.state is JobState.RUNNING else bool(alive)
    ahead = order.get(job.id, 0)
    return JobStatus(
        id=job.id,
        session_id=job.session_id,
        state=str(job.state),
        stage=job.stage,
        frames_done=job.frames_done,
        frames_expected=job.frames_expected,
        fraction=job.progress,
        ahead=ahead,
        worker_alive=worker_alive,
        message=describe(job, ahead=ahead, worker_alive=worker_alive),
        error=job.error,
        analysis_id=job.analysis_id,
        attempt=job.attempt,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        frames_per_s=pace(job),
        seconds_left=_seconds_left(job),
    )


def pace(job: JobRecord) -> float | None:
    """Frames a second of a running job since it began; None in its first seconds, when nothing can be said of it."""
    if job.state is not JobState.RUNNING or job.started_at is None or not job.frames_done:
        return None
    seconds = (job.updated_at - job.started_at).total_seconds()
    return job.frames_done / seconds if seconds >= PACE_SECONDS else None


def _seconds_left(job: JobRecord) -> float | None:
    speed = pace(job)
    if speed is None or not job.frames_expected:
        return None
    return max(0, job.frames_expected - job.frames_done) / speed


def short_time(seconds: float) -> str:
    """A stretch of time as a person says it: '8 s', '4 min', '1 h 10 min'."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def describe(job: JobRecord, *, ahead: int, worker_alive: bool) -> str:
    """Where a job stands, as one sentence."""
    match job.state:
        case JobState.QUEUED if not worker_alive:
            return NO_WORKER
        case JobState.QUEUED:
            if not ahead:
                return "Waiting to be analysed."
            return f"Waiting: {ahead} {'recording is' if ahead == 1 else 'recordings are'} ahead."
        case JobState.RUNNING if not worker_alive:
            return "The worker that analysed this has gone; a running worker takes it over."
        case JobState.RUNNING if job.cancel_requested:
            return "Stopping."
        case JobState.RUNNING if (left := _seconds_left(job)) is not None:
            return (
                f"Analysing: {job.frames_done} of about {job.frames_expected} frames, {pace(job):.1f} frames/s, "
                f"about {short_time(left)} left."
            )
        case JobState.RUNNING if job.frames_expected:
            return f"Analysing: {job.frames_done} of about {job.frames_expected} frames."
        case JobState.RUNNING:
            return "Analysing: opening the recording."
        case JobState.DONE:
            return "Analysed."
        case JobState.CANCELLED:
            return "Cancelled."
        case _:
            return job.error or "The analysis failed."
