"""Jobs as a person sees them: words, order, cancel and retry, all without a worker."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from recordings import Recordings

from db.records import JobState, NotFoundError, SubjectRecord
from db.store import Store
from fer_phq.core.errors import SettingsError
from service.ingest.recordings import add_recording
from service.jobs import queue
from service.settings import AppSettings

WHEN = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def job_id(settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings) -> str:
    added = add_recording(settings, store, recordings(seconds=1), subject_id=subject.id, recorded_at=WHEN)
    assert added.job_id is not None
    return added.job_id


def _claim(store: Store, job_id: str, worker: str = "w-1", claim: str = "c-1") -> None:
    workflow_id = store.jobs.get(job_id=job_id).workflow_id
    assert store.jobs.claim(workflow_id=workflow_id, worker=worker, claim=claim) is not None


def test_a_waiting_job_says_what_it_waits_for(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, job_id: str
) -> None:
    settings = settings.model_copy(update={"worker_timeout_s": 60})
    assert queue.status(settings, store, job_id).message == queue.NO_WORKER
    assert queue.workers_alive(settings, store) == 0
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    assert queue.workers_alive(settings, store) == 1
    assert queue.status(settings, store, job_id).message == "Waiting to be analysed."
    later = add_recording(
        settings, store, recordings(seconds=1, motion="moving"), subject_id=subject.id, recorded_at=WHEN
    )
    assert later.job_id is not None
    assert queue.status(settings, store, later.job_id).message == "Waiting: 1 recording is ahead."
    assert [job.ahead for job in queue.list_jobs(settings, store)] == [1, 0]


def test_a_running_job_says_how_far_it_is(settings: AppSettings, store: Store, job_id: str) -> None:
    settings = settings.model_copy(update={"worker_timeout_s": 60})
    _claim(store, job_id)
    assert not queue.status(settings, store, job_id).worker_alive
    assert "has gone" in queue.status(settings, store, job_id).message
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    workflow_id = store.jobs.get(job_id=job_id).workflow_id
    store.jobs.set_progress(workflow_id=workflow_id, claim="c-1", frames_done=5, frames_expected=20, stage="analysing")
    status = queue.status(settings, store, job_id)
    assert (status.message, status.fraction) == ("Analysing: 5 of about 20 frames.", 0.25)
    assert queue.cancel(settings, store, job_id).message == "Stopping."


def test_a_running_job_says_its_pace_and_what_is_left(settings: AppSettings, store: Store, job_id: str) -> None:
    _claim(store, job_id)
    job = store.jobs.get(job_id=job_id)
    assert job.started_at is not None
    later = replace(job, frames_done=50, frames_expected=300, updated_at=job.started_at + timedelta(seconds=20))
    assert queue.pace(later) == 2.5
    assert queue.describe(later, ahead=0, worker_alive=True) == (
        "Analysing: 50 of about 300 frames, 2.5 frames/s, about 2 min left."
    )
    for early in (
        replace(later, updated_at=job.started_at + timedelta(seconds=1)),
        replace(later, frames_done=0),
        replace(later, state=JobState.DONE),
    ):
        assert queue.pace(early) is None
    unknown = replace(later, frames_expected=None)
    assert "left" not in queue.describe(unknown, ahead=0, worker_alive=True)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59.4, "59 s"), (59.6, "1 min"), (3540, "59 min"), (3590, "1 h 0 min"), (4200, "1 h 10 min")],
)
def test_short_times(seconds: float, words: str) -> None:
    assert queue.short_time(seconds) == words


def test_a_queued_job_is_cancelled_at_once_and_retried(settings: AppSettings, store: Store, job_id: str) -> None:
    before = store.jobs.get(job_id=job_id).workflow_id
    assert queue.cancel(settings, store, job_id).state == "cancelled"
    assert queue.cancel(settings, store, job_id).state == "cancelled"
    again = queue.retry(settings, store, job_id)
    assert (again.state, again.attempt, again.error) == ("queued", 2, None)
    assert store.jobs.get(job_id=job_id).workflow_id != before
    assert queue.retry(settings, store, job_id).attempt == 2


def test_a_failed_job_says_its_sentence(settings: AppSettings, store: Store, job_id: str) -> None:
    _claim(store, job_id)
    workflow_id = store.jobs.get(job_id=job_id).workflow_id
    assert store.jobs.finish(workflow_id=workflow_id, claim="c-1", state=JobState.FAILED, error="It is not a video.")
    status = queue.status(settings, store, job_id)
    assert (status.message, status.active) == ("It is not a video.", False)


def test_a_session_has_one_live_job(settings: AppSettings, store: Store, job_id: str) -> None:
    session_id = store.jobs.get(job_id=job_id).session_id
    assert queue.enqueue_analysis(settings, store, session_id).id == job_id
    queue.cancel(settings, store, job_id)
    second = queue.enqueue_analysis(settings, store, session_id, {"fps": 1})
    assert second.id != job_id
    newest = queue.session_job(settings, store, session_id)
    assert newest is not None
    assert newest.id == second.id
    with pytest.raises(SettingsError):
        queue.enqueue_analysis(settings, store, session_id, {"speed": 1})
    with pytest.raises(NotFoundError):
        queue.status(settings, store, "nothing")
