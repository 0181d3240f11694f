"""Jobs: one live one a session, the moves that are allowed, progress, cancelling."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from analysis_samples import MONDAY, new_session, sample_recording
from sqlalchemy import update
from wrong_clock import WrongClock, needs_compiler

from db.engine import normalise_url, open_engine
from db.records import DuplicateSessionError, JobPriority, JobState, NotFoundError
from db.store import Store
from db.tables import JobRow
from fer_phq.core.analysis import Progress, Step
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import Message, literal

DISK_FULL = Message("test.disk_full", {"free": 0.5, "of": (Message("test.part"), Message("test.other"))})


@pytest.fixture
def session_id(store: Store) -> str:
    return new_session(store, store.subjects.create(label="S").id).id


def progress(store: Store, job_id: str, claim: str, done: int) -> str:
    workflow_id = store.jobs.get(job_id=job_id).workflow_id
    return store.jobs.set_progress(
        workflow_id=workflow_id, claim=claim, progress=Progress(Step.FACES, done, 20), step_started_at=MONDAY
    )


def test_life_of_a_job(store: Store, session_id: str) -> None:
    job = store.jobs.create(session_id=session_id, settings={"fps": 4.0})
    assert (job.state, job.attempt, job.step, job.is_live) == (JobState.QUEUED, 1, None, True)
    assert (job.workflow_id, job.settings, job.claims) == (job.id, {"fps": 4.0}, 0)
    assert progress(store, job.id, "c1", 1) == "lost", "a queued job has no progress"
    running = store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1")
    assert running is not None
    assert (running.state, running.worker, running.claims) == (JobState.RUNNING, "w1", 1)
    assert running.started_at is not None
    assert progress(store, job.id, "c1", 5) == "ok"
    seen = store.jobs.get(job_id=job.id)
    assert (seen.step, seen.done, seen.total, seen.step_started_at) == (Step.FACES, 5, 20, MONDAY)
    assert store.jobs.finish(workflow_id=job.workflow_id, claim="c1", state=JobState.DONE)
    done = store.jobs.get(job_id=job.id)
    assert (done.state, done.is_live) == (JobState.DONE, False)
    assert done.finished_at is not None
    assert progress(store, job.id, "c1", 6) == "lost"
    assert store.jobs.get(job_id=job.id) == done == store.jobs.latest(session_id=session_id)
    assert store.jobs.claim(workflow_id=job.workflow_id, worker="w2", claim="c2") is None


def test_one_live_job_a_session(store: Store, session_id: str) -> None:
    first = store.jobs.create(session_id=session_id)
    assert store.jobs.create(session_id=session_id).id == first.id
    store.jobs.set_state(job_id=first.id, state=JobState.FAILED, error=literal("It broke."))
    second = store.jobs.create(session_id=session_id)
    assert second.id != first.id
    with pytest.raises(StoreError, match="already has a job"):
        store.jobs.set_state(job_id=first.id, state=JobState.QUEUED)
    assert store.jobs.latest(session_id=session_id) == second


def test_many_callers_create_one_job(url: str, store: Store, session_id: str) -> None:
    start, ids = threading.Barrier(6), []

    def create() -> None:
        start.wait()
        ids.append(store.jobs.create(session_id=session_id).id)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_retry(store: Store, session_id: str) -> None:
    job = store.jobs.create(session_id=session_id)
    store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1")
    assert progress(store, job.id, "c1", 5) == "ok"
    store.jobs.request_cancel(job_id=job.id)
    assert progress(store, job.id, "c1", 6) == "cancel"
    failed = store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=DISK_FULL)
    assert failed.error == DISK_FULL
    again = store.jobs.set_state(job_id=job.id, state=JobState.QUEUED)
    assert (again.attempt, again.error, again.step, again.done, again.total) == (2, None, None, 0, None)
    assert (again.cancel_requested, again.started_at, again.finished_at) == (False, None, None)
    assert (again.workflow_id, again.worker, again.claims) == (f"{job.id}.2", None, 0)


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
    subject = store.subjects.create(label="S")
    ways = {JobState.QUEUED: [], JobState.DONE: [JobState.RUNNING, JobState.DONE]}
    for after in JobState:
        job = store.jobs.create(session_id=new_session(store, subject.id, f"{after}.mp4").id)
        for step in ways.get(before, [before]):
            store.jobs.set_state(job_id=job.id, state=step)
        if after is before:
            assert store.jobs.set_state(job_id=job.id, state=after) == store.jobs.get(job_id=job.id)
        elif (before, after) in ALLOWED:
            assert store.jobs.set_state(job_id=job.id, state=after).state is after
        else:
            with pytest.raises(StoreError, match=f"is {before} and cannot become {after}"):
                store.jobs.set_state(job_id=job.id, state=after)
            assert store.jobs.get(job_id=job.id).state is before


def test_cancelling(store: Store, session_id: str) -> None:
    queued = store.jobs.create(session_id=session_id)
    assert store.jobs.request_cancel(job_id=queued.id).state is JobState.CANCELLED, "nobody works on it"
    running = store.jobs.create(session_id=session_id)
    store.jobs.claim(workflow_id=running.workflow_id, worker="w1", claim="c1")
    wished = store.jobs.request_cancel(job_id=running.id)
    assert (wished.state, wished.cancel_requested) == (JobState.RUNNING, True)
    assert store.jobs.claim(workflow_id=running.workflow_id, worker="w2", claim="c2") is None
    assert store.jobs.get(job_id=running.id).state is JobState.CANCELLED, "the wish outlives the worker"
    finished = store.jobs.create(session_id=session_id)
    store.jobs.set_state(job_id=finished.id, state=JobState.FAILED)
    assert not store.jobs.request_cancel(job_id=finished.id).cancel_requested
    store.erasure.erase_session(session_id=session_id)
    with pytest.raises(NotFoundError):
        store.jobs.set_state(job_id=finished.id, state=JobState.RUNNING)


def test_the_last_claim_holds(store: Store, session_id: str) -> None:
    job = store.jobs.create(session_id=session_id)
    store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1")
    again = store.jobs.claim(workflow_id=job.workflow_id, worker="w2", claim="c2")
    assert again is not None
    assert (again.worker, again.claims) == ("w2", 2)
    assert progress(store, job.id, "c1", 1) == "lost"
    assert not store.jobs.release(workflow_id=job.workflow_id, claim="c1")
    assert not store.jobs.finish(workflow_id=job.workflow_id, claim="c1", state=JobState.FAILED, error=literal("x"))
    assert store.jobs.release(workflow_id=job.workflow_id, claim="c2")
    released = store.jobs.get(job_id=job.id)
    assert (released.state, released.worker, released.claims) == (JobState.QUEUED, None, 1)
    assert [waiting.id for waiting in store.jobs.list_queued()] == [job.id]


def test_a_claim_whose_answer_was_lost_counts_once(store: Store, session_id: str) -> None:
    job = store.jobs.create(session_id=session_id)
    first = store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1")
    assert store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1") == first
    assert store.jobs.requeue_worker(worker="w1") == 1
    again = store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1")
    assert again is not None
    assert again.claims == 2, "it was taken away in between"


def test_jobs_of_a_dead_worker_and_given_up_ones(store: Store, session_id: str) -> None:
    job = store.jobs.create(session_id=session_id)
    store.jobs.claim(workflow_id=job.workflow_id, worker="w1", claim="c1")
    assert store.jobs.requeue_worker(worker="w2") == 0
    assert store.jobs.requeue_worker(worker="w1") == 1
    assert [(live.state, live.claims) for live in store.jobs.list_live()] == [(JobState.QUEUED, 1)]
    assert store.jobs.fail(workflow_id=job.workflow_id, error=literal("Given up."))
    assert not store.jobs.fail(workflow_id=job.workflow_id, error=literal("Given up."))
    assert store.jobs.list_live() == store.jobs.list_queued() == []


def test_signs_of_life(store: Store) -> None:
    assert store.workers.list_all() == []
    store.workers.heartbeat(worker="w1", host="h", pid=1)
    (first,) = store.workers.list_all()
    store.workers.heartbeat(worker="w1", host="h", pid=1)
    (second,) = store.workers.list_all()
    assert (second.id, second.host, second.pid, second.started_at) == ("w1", "h", 1, first.started_at)
    assert second.seen_at >= first.seen_at
    store.workers.heartbeat(worker="w1", host="h", pid=2)
    assert store.workers.list_all()[0].started_at >= second.seen_at
    store.workers.forget(worker="w1")
    assert store.workers.list_all() == []


def test_a_session_and_its_job_are_committed_together(store: Store) -> None:
    subject = store.subjects.create(label="A")
    made = {
        "subject_id": subject.id,
        "recorded_at": datetime(2026, 3, 2, tzinfo=UTC),
        "recording": sample_recording("one"),
        "original_name": "one.mp4",
        "media_path": "ab/one",
    }
    session, job = store.sessions.create_with_job(**made, job_settings={"fps": 1.0})
    assert (job.session_id, job.state, job.settings) == (session.id, JobState.QUEUED, {"fps": 1.0})
    with pytest.raises(DuplicateSessionError):
        store.sessions.create_with_job(**made)
    assert [waiting.id for waiting in store.jobs.list_queued()] == [job.id]


def test_list_of_jobs(store: Store) -> None:
    subject = store.subjects.create(label="S")
    jobs = [store.jobs.create(session_id=new_session(store, subject.id, f"{n}.mp4").id) for n in range(3)]
    store.jobs.set_state(job_id=jobs[1].id, state=JobState.RUNNING)
    views = store.jobs.list_newest()
    assert [view.job.id for view in views] == [job.id for job in jobs[::-1]]
    assert {view.subject_label for view in views} == {"S"}
    running = store.jobs.list_newest(states=[JobState.RUNNING])
    assert [(view.job.id, view.original_name) for view in running] == [(jobs[1].id, "1.mp4")]
    assert store.jobs.list_newest(states=[]) == []
    assert len(store.jobs.list_newest(limit=2)) == 2


def test_what_somebody_waits_for_comes_before_a_batch(store: Store) -> None:
    subject = store.subjects.create(label="S")
    sessions = [new_session(store, subject.id, f"{number}.mp4") for number in range(4)]
    batch = [store.jobs.create(session_id=session.id, priority=JobPriority.BATCH) for session in sessions[:3]]
    later = store.jobs.create(session_id=sessions[3].id)
    assert later.priority is JobPriority.INTERACTIVE
    order = [later.id, *(job.id for job in batch)]
    assert [job.id for job in store.jobs.list_queued()] == order
    assert [job.id for job in store.jobs.list_queued(limit=2)] == order[:2]
    assert store.jobs.count_ahead(job_ids=[batch[2].id, later.id, "none"]) == {batch[2].id: 3, later.id: 0}
    assert store.jobs.count_ahead(job_ids=[]) == {}
    hastened = store.jobs.create(session_id=sessions[2].id)
    assert (hastened.id, hastened.priority) == (batch[2].id, JobPriority.INTERACTIVE)
    assert store.jobs.create(session_id=sessions[2].id, priority=JobPriority.BATCH).priority is JobPriority.INTERACTIVE
    assert store.jobs.count_ahead(job_ids=[batch[2].id, batch[1].id])[batch[1].id] == 3
    store.jobs.claim(workflow_id=later.workflow_id, worker="w", claim="c")
    assert [job.id for job in store.jobs.list_running()] == [later.id]
    assert later.id not in store.jobs.count_ahead(job_ids=[later.id])


def test_a_retry_keeps_its_priority_unless_another_is_named(store: Store, session_id: str) -> None:
    job = store.jobs.create(session_id=session_id, priority=JobPriority.BATCH)
    store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal("It broke."))
    assert store.jobs.set_state(job_id=job.id, state=JobState.QUEUED).priority is JobPriority.BATCH
    store.jobs.request_cancel(job_id=job.id)
    retried = store.jobs.set_state(job_id=job.id, state=JobState.QUEUED, priority=JobPriority.INTERACTIVE)
    assert retried.priority is JobPriority.INTERACTIVE


def waits_since(url: str, at: datetime) -> None:
    """Put the time since when all jobs wait."""
    engine = open_engine(normalise_url(url))
    with engine.begin() as connection:
        connection.execute(update(JobRow).values(updated_at=at))
    engine.dispose()


def test_the_longest_wait_is_that_of_what_waits(store: Store, url: str, session_id: str) -> None:
    assert store.jobs.longest_wait() is None
    job = store.jobs.create(session_id=session_id)
    now = datetime.now(UTC)
    waits_since(url, now - timedelta(seconds=500))
    later = new_session(store, store.subjects.create(label="T").id)
    store.jobs.create(session_id=later.id)
    wait_s = store.jobs.longest_wait()
    assert wait_s is not None
    assert 500 <= wait_s < 1000
    waits_since(url, now + timedelta(days=1))
    assert store.jobs.longest_wait() == 0, "a clock that is set back"
    waits_since(url, now - timedelta(seconds=500))
    assert store.jobs.claim(workflow_id=job.workflow_id, worker="w", claim="c") is not None
    assert store.jobs.release(workflow_id=job.workflow_id, claim="c")
    store.jobs.request_cancel(job_id=store.jobs.latest(session_id=later.id).id)  # type: ignore[union-attr]
    wait_s = store.jobs.longest_wait()
    assert wait_s is not None
    assert wait_s < 400, "it waits anew since it was given back"


QUEUEING = """
import sys
from db.records import JobState
from db.store import Store

with Store(sys.argv[1], actor="cli") as store:
    job = store.jobs.create(session_id=sys.argv[2])
    print(store.jobs.longest_wait())
    for step in ("claim", "cancel", "requeue"):
        if step == "claim":
            store.jobs.claim(workflow_id=job.workflow_id, worker="w", claim="c")
            store.jobs.release(workflow_id=job.workflow_id, claim="c")
        elif step == "cancel":
            store.jobs.request_cancel(job_id=job.id)
            job = store.jobs.set_state(job_id=job.id, state=JobState.QUEUED)
        else:
            store.jobs.claim(workflow_id=job.workflow_id, worker="w", claim="d")
            store.jobs.requeue_worker(worker="w")
        print(store.jobs.longest_wait())
"""


@needs_compiler
@pytest.mark.parametrize("ahead_s", [-86400, 86400])
def test_the_longest_wait_is_told_by_the_databases_clock(
    store: Store, url: str, session_id: str, tmp_path: Path, ahead_s: int
) -> None:
    environment = os.environ | WrongClock(tmp_path, ahead_s).environment
    command = [sys.executable, "-c", QUEUEING, url, session_id]
    program = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    waits = [float(line) for line in program.stdout.split()]
    assert len(waits) == 4
    assert all(0 <= wait_s < 3600 for wait_s in waits), "whoever queued, and whoever asks, has the same wrong clock"
    here = store.jobs.longest_wait()
    assert here is not None
    if not url.startswith("sqlite"):  # which has no clock: all its programs run on one machine
        assert 0 <= here < 3600, "the clock of whoever queued is no matter"
