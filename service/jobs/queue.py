"""Jobs as a person sees and steers them: state, progress, cancel, retry.

The store's `jobs` table is the one truth and the outbox at once: a row in state `queued` is a promise that a worker
keeps. Only the worker speaks to the job engine (`service.jobs.worker`), so nothing can be lost between two databases
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from db.records import JobPriority, JobRecord, JobState, Position
from db.store import Store
from fer_phq.core.analysis import Step
from fer_phq.core.messages import Message, Param, code_and_params
from service.jobs import messages
from service.lifecycle.consent import check_consent
from service.settings import AppSettings

PACE_SECONDS = 2.0
"""How long a job must have been at a step before its pace is told."""
STEP_SHARES = {Step.FACES: 0.8, Step.SOUND: 0.15, Step.WORDS: 0.03, Step.ESTIMATE: 0.02}
"""About how much of an analysis's time each step takes: at 2 frames/s on a processor, with a transcript."""
STEP_SHARES_WITH_BEHAVIOUR = {
    Step.FACES: 0.25,
    Step.SOUND: 0.05,
    Step.BEHAVIOUR: 0.67,
    Step.WORDS: 0.02,
    Step.ESTIMATE: 0.01,
}
"""The same where the face mesh is followed at 30 frames/s."""
STEP_ORDER = tuple(Step)
MOST_WHILE_RUNNING = 0.99
"""The most that is shown as done of a job that still runs."""
STEP_TEMPLATES = {
    Step.FACES: (messages.FACES, messages.FACES_OF, messages.FACES_LEFT),
    Step.SOUND: (messages.SOUND, messages.SOUND_OF, messages.SOUND_LEFT),
    Step.BEHAVIOUR: (messages.BEHAVIOUR, messages.BEHAVIOUR_OF, messages.BEHAVIOUR_LEFT),
    Step.WORDS: (messages.WORDS, messages.WORDS_OF, messages.WORDS_LEFT),
}
"""How a step is told without a total, with it, and with the time left."""


@dataclass(frozen=True)
class JobStatus:
    """One job for a screen or as JSON.

    Attributes:
        step: What the analysis is at; None before the first step.
        done: How much of the step is done, in the step's unit (see `Step`).
        total: How much of it there is, possibly an estimate; None while unknown.
        fraction: How much of the whole job is done, 0 to 1; None while unknown.
        ahead: Queued jobs that come before it.
        worker_alive: For a running job, whether its worker shows signs of life; for a queued one, whether any does.
        message: Where it stands.
        error: Why it failed.
        frames_per_s: Frames a second while faces are found; None while that is not known yet.
        seconds_left: Time left of the present step; None while that is not known yet.
    """

    id: str
    session_id: str
    state: str
    priority: JobPriority
    step: Step | None
    done: int
    total: int | None
    fraction: float | None
    ahead: int
    worker_alive: bool
    message: Message
    error: Message | None
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

    @property
    def waits_for_worker(self) -> bool:
        """Queued while no worker runs."""
        return self.state == JobState.QUEUED and not self.worker_alive

    def to_dict(self) -> dict[str, Any]:
        """Return the job as JSON-able values.

        `message` and `error` are English; `code` and `params` are those of the message. `stage`, `frames_done` and
        `frames_expected` are the step, done and total under the names of before there were steps.
        """
        body: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("created_at", "started_at", "finished_at"):
            body[name] = body[name].isoformat() if body[name] else None
        return {
            **body,
            **code_and_params(self.message),
            "priority": self.priority.name.lower(),
            "step": None if self.step is None else str(self.step),
            "stage": None if self.step is None else str(self.step),
            "frames_done": self.done,
            "frames_expected": self.total,
            "message": str(self.message),
            "error": None if self.error is None else str(self.error),
            "active": self.active,
        }


def status(settings: AppSettings, store: Store, job_id: str) -> JobStatus:
    """Return a job as a screen shows it.

    Args:
        settings: The installation's settings.
        store: The store.
        job_id: The job's UUID.

    Raises:
        NotFoundError: There is no such job.
    """
    job = store.jobs.get(job_id=job_id)
    return _statuses(settings, store, [job])[0]


def statuses(settings: AppSettings, store: Store, job_ids: Sequence[str]) -> list[JobStatus]:
    """Return several jobs as a screen shows them, in any order; those that there are not (any more) are left out.

    Args:
        settings: The installation's settings.
        store: The store.
        job_ids: The jobs' UUIDs.
    """
    return _statuses(settings, store, store.jobs.list_by_id(job_ids=job_ids))


def session_job(settings: AppSettings, store: Store, session_id: str) -> JobStatus | None:
    """Return a session's newest job as a screen shows it; None where it has none.

    Args:
        settings: The installation's settings.
        store: The store.
        session_id: The session's UUID.
    """
    job = store.jobs.latest(session_id=session_id)
    return None if job is None else _statuses(settings, store, [job])[0]


def list_jobs(
    settings: AppSettings, store: Store, states: Sequence[JobState] | None = None, limit: int = 100
) -> list[JobStatus]:
    """List jobs as a screen shows them, newest first.

    Args:
        settings: The installation's settings.
        store: The store.
        states: Only jobs in these states; None for any.
        limit: The most jobs to return.
    """
    return _statuses(settings, store, [view.job for view in store.jobs.list_newest(states=states, limit=limit)])


def list_page(
    settings: AppSettings,
    store: Store,
    *,
    states: Sequence[JobState] | None = None,
    session_id: str | None = None,
    after: Position | None = None,
    limit: int = 50,
) -> list[JobStatus]:
    """List jobs as a screen shows them, newest first, from a place in the list on.

    Args:
        settings: The installation's settings.
        store: The store.
        states: Only jobs in these states; None for any.
        session_id: Only jobs of the session with this UUID; None for any.
        after: The place behind which the page begins; None for the first page.
        limit: The most jobs to return.
    """
    jobs = store.jobs.list_page(states=states, session_id=session_id, after=after, limit=limit)
    return _statuses(settings, store, jobs)


def enqueue_analysis(
    settings: AppSettings,
    store: Store,
    session_id: str,
    analysis: Mapping[str, Any] | None = None,
    *,
    priority: JobPriority = JobPriority.INTERACTIVE,
) -> JobStatus:
    """Queue an analysis of a session. A live job that it has already is returned, and moved up where it waits.

    Args:
        settings: The installation's settings.
        store: The store.
        session_id: The session's UUID.
        analysis: The job's own analysis settings by name; None leaves all to the installation's.
        priority: How soon it is taken.

    Raises:
        NotFoundError: There is no such session.
        SettingsError: An analysis setting is unknown or has a value that cannot be used.
        ConsentError: The session has no consent.
    """
    settings.analysis_settings(analysis)
    check_consent(store, session_id)
    options = dict(analysis) if analysis else None
    job = store.jobs.create(session_id=session_id, settings=options, priority=priority)
    return _statuses(settings, store, [job])[0]


def cancel(settings: AppSettings, store: Store, job_id: str) -> JobStatus:
    """Stop a job: a queued one at once, a running one within about a second of work; a finished one stays as it is.

    Args:
        settings: The installation's settings.
        store: The store.
        job_id: The job's UUID.

    Raises:
        NotFoundError: There is no such job.
    """
    return _statuses(settings, store, [store.jobs.request_cancel(job_id=job_id)])[0]


def retry(settings: AppSettings, store: Store, job_id: str) -> JobStatus:
    """Queue a failed or cancelled job again, before those of a batch; a live or finished one stays as it is.

    Args:
        settings: The installation's settings.
        store: The store.
        job_id: The job's UUID.

    Raises:
        NotFoundError: There is no such job.
        StoreError: The session has another live job.
        ConsentError: The session has no consent.
    """
    job = store.jobs.get(job_id=job_id)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        check_consent(store, job.session_id)
        job = store.jobs.set_state(job_id=job_id, state=JobState.QUEUED, priority=JobPriority.INTERACTIVE)
    return _statuses(settings, store, [job])[0]


def workers_alive(settings: AppSettings, store: Store) -> int:
    """Count the workers that show signs of life.

    Args:
        settings: The installation's settings: `worker_timeout_s` is how old a sign of life may be.
        store: The store.
    """
    return len(store.workers.list_living(timeout_s=settings.worker_timeout_s))


def _statuses(settings: AppSettings, store: Store, jobs: Sequence[JobRecord]) -> list[JobStatus]:
    if not any(job.is_live for job in jobs):
        return [_status(job, 0, set(), settings.face_rate) for job in jobs]
    queued = [job.id for job in jobs if job.state is JobState.QUEUED]
    ahead = store.jobs.count_ahead(job_ids=queued) if queued else {}
    alive = store.workers.list_living(timeout_s=settings.worker_timeout_s)
    return [_status(job, ahead.get(job.id, 0), alive, settings.face_rate) for job in jobs]


def _status(job: JobRecord, ahead: int, alive: set[str], face_rate: float) -> JobStatus:
    worker_alive = job.worker in alive if job.state is JobState.RUNNING else bool(alive)
    return JobStatus(
        id=job.id,
        session_id=job.session_id,
        state=str(job.state),
        priority=job.priority,
        step=job.step,
        done=job.done,
        total=job.total,
        fraction=fraction(job, face_rate),
        ahead=ahead,
        worker_alive=worker_alive,
        message=describe(job, ahead=ahead, worker_alive=worker_alive),
        error=job.error,
        analysis_id=job.analysis_id,
        attempt=job.attempt,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        frames_per_s=pace(job) if job.step is Step.FACES else None,
        seconds_left=_seconds_left(job),
    )


def fraction(job: JobRecord, face_rate: float) -> float | None:
    """Return how much of a job is done, 0 to 1, over all steps.

    Each step counts for its share in `STEP_SHARES_WITH_BEHAVIOUR`, or in `STEP_SHARES` where the face is not followed.
    A running job stays below 1: saving comes after the last step.

    Args:
        job: A job.
        face_rate: The installation's rate of the face mesh.

    Returns:
        1 for a job that is done; None while nothing can be told.
    """
    if job.state is JobState.DONE:
        return 1.0
    if job.step is None:
        return None
    own = job.settings or {}
    follows = job.step is Step.BEHAVIOUR or (own.get("face_rate", face_rate) and not own.get("key_frames"))
    shares = STEP_SHARES_WITH_BEHAVIOUR if follows else STEP_SHARES
    before = sum(share for step, share in shares.items() if STEP_ORDER.index(step) < STEP_ORDER.index(job.step))
    if not job.total:
        return before or None
    return min(MOST_WHILE_RUNNING, before + shares[job.step] * min(1.0, job.done / job.total))


def pace(job: JobRecord) -> float | None:
    """Return how fast a running job goes at its present step.

    Args:
        job: A job.

    Returns:
        The step's units a second since the step began; None in its first `PACE_SECONDS`.
    """
    if job.state is not JobState.RUNNING or job.step_started_at is None or not job.done:
        return None
    seconds = (job.updated_at - job.step_started_at).total_seconds()
    return job.done / seconds if seconds >= PACE_SECONDS else None


def _seconds_left(job: JobRecord) -> float | None:
    speed = pace(job)
    if speed is None or not job.total:
        return None
    return max(0, job.total - job.done) / speed


def short_time(seconds: float) -> Message:
    """Return a duration in seconds as a person says it: '8 s', '4 min', '1 h 10 min'."""
    if seconds < 59.5:
        return messages.SECONDS(seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return messages.MINUTES(minutes=minutes)
    return messages.HOURS(hours=minutes // 60, minutes=minutes % 60)


def describe(job: JobRecord, *, ahead: int, worker_alive: bool) -> Message:
    """Return where a job stands.

    Args:
        job: A job.
        ahead: How many queued jobs come before it.
        worker_alive: Whether its worker lives, or any does while it waits.
    """
    match job.state:
        case JobState.QUEUED if not worker_alive:
            return messages.NO_WORKER()
        case JobState.QUEUED:
            return messages.WAITING_BEHIND(n=ahead) if ahead else messages.WAITING()
        case JobState.RUNNING if not worker_alive:
            return messages.WORKER_GONE()
        case JobState.RUNNING if job.cancel_requested:
            return messages.STOPPING()
        case JobState.RUNNING:
            return _describe_step(job)
        case JobState.DONE:
            return messages.DONE()
        case JobState.CANCELLED:
            return messages.CANCELLED()
        case JobState.FAILED:
            return job.error or messages.FAILED()


def _describe_step(job: JobRecord) -> Message:
    if job.step is None:
        return messages.OPENING()
    if job.step is Step.ESTIMATE:
        return messages.ESTIMATE()
    bare, with_total, with_time = STEP_TEMPLATES[job.step]
    if not job.total:
        return bare(done=job.done) if "done" in bare.fields else bare()
    left = _seconds_left(job)
    if not left:
        return with_total(done=job.done, total=job.total)
    params: dict[str, Param] = {"done": job.done, "total": job.total, "left": short_time(left)}
    speed = pace(job)
    if "pace" in with_time.fields and speed is not None:
        params["pace"] = speed
    return with_time(**params)
