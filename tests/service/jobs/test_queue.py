"""Jobs as a person sees them: words, order, cancel and retry, all without a worker."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from recordings import Recordings

from db.records import JobState, NotFoundError, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import Progress, Step
from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import literal
from service.ingest.recordings import add_recording
from service.jobs import messages, queue
from service.settings import AppSettings

WHEN = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def job_id(settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings) -> str:
    added = add_recording(
        settings,
        store,
        recordings(seconds=1),
        subject_id=subject.id,
        recorded_at=WHEN,
        consent_by="AB",
        consent_text="1",
    )
    assert added.job_id is not None
    return added.job_id


def _claim(store: Store, job_id: str, worker: str = "w-1", claim: str = "c-1") -> None:
    workflow_id = store.jobs.get(job_id=job_id).workflow_id
    assert store.jobs.claim(workflow_id=workflow_id, worker=worker, claim=claim) is not None


def test_a_waiting_job_says_what_it_waits_for(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, job_id: str
) -> None:
    settings = settings.model_copy(update={"worker_timeout_s": 60})
    assert queue.status(settings, store, job_id).message == messages.NO_WORKER()
    assert queue.status(settings, store, job_id).waits_for_worker
    assert queue.workers_alive(settings, store) == 0
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    assert queue.workers_alive(settings, store) == 1
    assert queue.status(settings, store, job_id).message == messages.WAITING()
    later = add_recording(
        settings,
        store,
        recordings(seconds=1, motion="moving"),
        subject_id=subject.id,
        recorded_at=WHEN,
        consent_by="AB",
        consent_text="1",
    )
    assert later.job_id is not None
    assert queue.status(settings, store, later.job_id).message == messages.WAITING_BEHIND(n=1)
    assert [job.ahead for job in queue.list_jobs(settings, store)] == [1, 0]


def test_a_running_job_says_how_far_it_is(settings: AppSettings, store: Store, job_id: str) -> None:
    settings = settings.model_copy(update={"worker_timeout_s": 60})
    _claim(store, job_id)
    assert not queue.status(settings, store, job_id).worker_alive
    assert "has gone" in str(queue.status(settings, store, job_id).message)
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    workflow_id = store.jobs.get(job_id=job_id).workflow_id
    steps = [
        (Progress(Step.FACES, 5, 20), "Finding faces: 5 of about 20 frames.", 0.2),
        (Progress(Step.SOUND, 0.0, None), "Analysing the sound: 0 s so far.", 0.8),
        (Progress(Step.SOUND, 25.4, 75.9), "Analysing the sound: 25 of 75 s.", 0.85),
        (Progress(Step.WORDS, 0, 40), "Reading the words: 0 of 40 utterances.", 0.95),
        (Progress(Step.ESTIMATE, 0, 1), "Estimating.", 0.98),
        (Progress(Step.ESTIMATE, 1, 1), "Estimating.", 0.99),
    ]
    for progress, text, fraction in steps:
        store.jobs.set_progress(
            workflow_id=workflow_id, claim="c-1", progress=progress, step_started_at=datetime.now(UTC)
        )
        status = queue.status(settings, store, job_id)
        assert (str(status.message), status.step) == (text, progress.step)
        assert status.fraction == pytest.approx(fraction)
    document = status.to_dict()
    assert document["message"] == "Estimating."
    assert (document["step"], document["done"], document["total"]) == ("estimate", 1, 1)
    assert (document["stage"], document["frames_done"], document["frames_expected"]) == ("estimate", 1, 1)
    assert (document["code"], document["params"]) == ("jobs.estimate", {})
    assert queue.cancel(settings, store, job_id).message == messages.STOPPING()


def test_how_far_a_job_is_depends_on_whether_it_follows_the_face(
    settings: AppSettings, store: Store, job_id: str
) -> None:
    _claim(store, job_id)
    job = replace(store.jobs.get(job_id=job_id), step=Step.SOUND)
    assert queue.fraction(job, 0.0) == pytest.approx(0.8)
    assert queue.fraction(job, 30.0) == pytest.approx(0.25)
    assert queue.fraction(replace(job, settings={"face_rate": 0}), 30.0) == pytest.approx(0.8)
    assert queue.fraction(replace(job, settings={"key_frames": True}), 30.0) == pytest.approx(0.8)
    assert queue.fraction(replace(job, settings={"face_rate": 10}), 0.0) == pytest.approx(0.25)
    assert queue.fraction(replace(job, step=Step.WORDS), 30.0) == pytest.approx(0.97)


def test_a_running_job_says_its_pace_and_what_is_left(settings: AppSettings, store: Store, job_id: str) -> None:
    _claim(store, job_id)
    job = store.jobs.get(job_id=job_id)
    assert job.started_at is not None
    later = replace(
        job,
        step=Step.FACES,
        done=50,
        total=300,
        step_started_at=job.started_at,
        updated_at=job.started_at + timedelta(seconds=20),
    )
    assert queue.pace(later) == 2.5
    assert str(queue.describe(later, ahead=0, worker_alive=True)) == (
        "Finding faces: 50 of about 300 frames, 2.5 frames/s, about 2 min left."
    )
    sound = replace(later, step=Step.SOUND, done=30, total=75)
    assert str(queue.describe(sound, ahead=0, worker_alive=True)) == (
        "Analysing the sound: 30 of 75 s, about 30 s left."
    )
    just_begun = replace(sound, step_started_at=later.updated_at)
    assert str(queue.describe(just_begun, ahead=0, worker_alive=True)) == "Analysing the sound: 30 of 75 s."
    for early in (
        replace(later, updated_at=job.started_at + timedelta(seconds=1)),
        replace(later, done=0),
        replace(later, state=JobState.DONE),
    ):
        assert queue.pace(early) is None
    unknown = replace(later, total=None)
    assert "left" not in str(queue.describe(unknown, ahead=0, worker_alive=True))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59.4, "59 s"), (59.6, "1 min"), (3540, "59 min"), (3590, "1 h 0 min"), (4200, "1 h 10 min")],
)
def test_short_times(seconds: float, words: str) -> None:
    assert str(queue.short_time(seconds)) == words


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
    assert store.jobs.finish(
        workflow_id=workflow_id, claim="c-1", state=JobState.FAILED, error=literal("It is not a video.")
    )
    status = queue.status(settings, store, job_id)
    assert (str(status.message), status.active) == ("It is not a video.", False)


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
