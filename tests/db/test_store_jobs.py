"""Jobs: one live one a session, the moves that are allowed, progress, cancelling."""

from __future__ import annotations

import threading

import pytest
from analysis_samples import new_session

from db.records import JobState, NotFoundError
from db.store import Store
from fer_phq.errors import StoreError


@pytest.fixture
def session_id(store: Store) -> str:
    return new_session(store, store.create_subject(label="S").id).id


def test_life_of_a_job(store: Store, session_id: str) -> None:
    job = store.create_job(session_id=session_id)
    assert (job.state, job.attempt, job.progress, job.is_live) == (JobState.QUEUED, 1, None, True)
    store.set_job_progress(job_id=job.id, frames_done=1, frames_expected=2)
    assert store.get_job(job_id=job.id).frames_done == 0, "a queued job has no progress"
    store.set_job_workflow(job_id=job.id, workflow_id="w1")
    running = store.set_job_state(job_id=job.id, state=JobState.RUNNING)
    assert running.started_at is not None
    store.set_job_progress(job_id=job.id, frames_done=5, frames_expected=20, stage="frames")
    seen = store.get_job(job_id=job.id)
    assert (seen.progress, seen.stage, seen.workflow_id) == (0.25, "frames", "w1")
    done = store.set_job_state(job_id=job.id, state=JobState.DONE)
    assert (done.progress, done.is_live) == (1.0, False)
    assert done.finished_at is not None
    store.set_job_progress(job_id=job.id, frames_done=6, frames_expected=20)
    assert store.get_job(job_id=job.id) == done == store.latest_job(session_id=session_id)


def test_one_live_job_a_session(store: Store, session_id: str) -> None:
    first = store.create_job(session_id=session_id)
    assert store.create_job(session_id=session_id).id == first.id
    store.set_job_state(job_id=first.id, state=JobState.FAILED, error="It broke.")
    second = store.create_job(session_id=session_id)
    assert second.id != first.id
    with pytest.raises(StoreError, match="already has a job"):
        store.set_job_state(job_id=first.id, state=JobState.QUEUED)
    assert store.latest_job(session_id=session_id) == second


def test_many_callers_create_one_job(url: str, store: Store, session_id: str) -> None:
    start, ids = threading.Barrier(6), []

    def create() -> None:
        start.wait()
        ids.append(store.create_job(session_id=session_id).id)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_retry(store: Store, session_id: str) -> None:
    job = store.create_job(session_id=session_id)
    store.set_job_state(job_id=job.id, state=JobState.RUNNING)
    store.set_job_progress(job_id=job.id, frames_done=5, frames_expected=20)
    store.request_cancel(job_id=job.id)
    failed = store.set_job_state(job_id=job.id, state=JobState.FAILED, error="The disk is full.")
    assert failed.error == "The disk is full."
    again = store.set_job_state(job_id=job.id, state=JobState.QUEUED)
    assert (again.attempt, again.error, again.frames_done, again.frames_expected) == (2, None, 0, None)
    assert (again.cancel_requested, again.started_at, again.finished_at) == (False, None, None)


ALLOWED = {
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "cancelled"),
    ("running", "done"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}


@pytest.mark.parametrize("before", list(JobState))
def test_moves(store: Store, before: JobState) -> None:
    subject = store.create_subject(label="S")
    ways = {JobState.QUEUED: [], JobState.DONE: [JobState.RUNNING, JobState.DONE]}
    for after in JobState:
        job = store.create_job(session_id=new_session(store, subject.id, f"{after}.mp4").id)
        for step in ways.get(before, [before]):
            store.set_job_state(job_id=job.id, state=step)
        if after is before:
            assert store.set_job_state(job_id=job.id, state=after) == store.get_job(job_id=job.id)
        elif (before, after) in ALLOWED:
            assert store.set_job_state(job_id=job.id, state=after).state is after
        else:
            with pytest.raises(StoreError, match=f"is {before} and cannot become {after}"):
                store.set_job_state(job_id=job.id, state=after)
            assert store.get_job(job_id=job.id).state is before


def test_cancelling(store: Store, session_id: str) -> None:
    job = store.create_job(session_id=session_id)
    assert not store.cancel_requested(job_id=job.id)
    assert store.request_cancel(job_id=job.id).cancel_requested
    assert store.cancel_requested(job_id=job.id)
    store.set_job_state(job_id=job.id, state=JobState.CANCELLED)
    finished = store.create_job(session_id=session_id)
    store.set_job_state(job_id=finished.id, state=JobState.FAILED)
    assert not store.request_cancel(job_id=finished.id).cancel_requested
    store.erase_session(session_id=session_id)
    assert store.cancel_requested(job_id=job.id), "a worker on an erased session should stop"
    with pytest.raises(NotFoundError):
        store.set_job_state(job_id=job.id, state=JobState.RUNNING)


def test_list_of_jobs(store: Store) -> None:
    subject = store.create_subject(label="S")
    jobs = [store.create_job(session_id=new_session(store, subject.id, f"{n}.mp4").id) for n in range(3)]
    store.set_job_state(job_id=jobs[1].id, state=JobState.RUNNING)
    views = store.list_jobs()
    assert [view.job.id for view in views] == [job.id for job in jobs[::-1]]
    assert {view.subject_label for view in views} == {"S"}
    running = store.list_jobs(states=[JobState.RUNNING])
    assert [(view.job.id, view.original_name) for view in running] == [(jobs[1].id, "1.mp4")]
    assert store.list_jobs(states=[]) == []
    assert len(store.list_jobs(limit=2)) == 2
