"""One job from claim to outcome, in this process: fences, patience, and what each ending leaves in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from recordings import Recordings

from db.engine import StoreAwayError
from db.records import JobRecord, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import Progress, ProgressHook, SessionAnalysis, Settings, Step
from fer_phq.core.errors import ModelError, RecordingError, StoreError
from fer_phq.core.messages import literal
from fer_phq.core.sidecar import Sidecar
from service.ingest.recordings import add_recording
from service.jobs import messages, queue, runner
from service.jobs.runner import JobRunner, WorkerStopping
from service.lifecycle import erasure
from service.processes import waiting
from service.runtime_settings import change_settings
from service.settings import AppSettings

Work = Callable[[ProgressHook], SessionAnalysis]


class Doing:
    """An analyser that does what it is told."""

    model_id = "doing-0000"

    def __init__(self, work: Work) -> None:
        self._work = work
        self.asked: list[Settings] = []

    def analyse(
        self, path: Path, settings: Settings, on_progress: ProgressHook, beside: Sidecar, display_name: str
    ) -> SessionAnalysis:
        assert path.is_file()
        self.asked.append(settings)
        return self._work(on_progress)


@pytest.fixture
def job(settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings) -> JobRecord:
    when = datetime(2026, 5, 6, tzinfo=UTC)
    added = add_recording(
        settings,
        store,
        recordings(seconds=1),
        subject_id=subject.id,
        recorded_at=when,
        consent_by="AB",
        consent_text="1",
    )
    assert added.job_id is not None
    return store.jobs.get(job_id=added.job_id)


def _run(settings: AppSettings, store: Store, job: JobRecord, work: Work, worker: str = "w-1") -> str:
    return JobRunner(settings, store, Doing(work), worker).run(store.jobs.get(job_id=job.id).workflow_id)


def _raises(error: BaseException) -> Work:
    def work(_: ProgressHook) -> SessionAnalysis:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RecordingError("The file is cut short."), "The file is cut short."),
        (ModelError("There is no model."), "There is no model."),
        (MemoryError(), "not enough memory"),
        (ZeroDivisionError("inside"), "unforeseen reason"),
    ],
)
def test_an_error_becomes_the_jobs_sentence(
    settings: AppSettings, store: Store, job: JobRecord, error: Exception, says: str
) -> None:
    assert _run(settings, store, job, _raises(error)) == "failed"
    left = store.jobs.get(job_id=job.id)
    assert left.state is JobState.FAILED
    assert left.error is not None
    assert says in str(left.error)
    assert "inside" not in str(left.error)


def test_a_job_goes_by_what_was_chosen_meanwhile(settings: AppSettings, store: Store, job: JobRecord) -> None:
    """The worker need not be started anew when somebody changes the sampling."""
    doing = Doing(_raises(RecordingError("Enough.")))
    running = JobRunner(settings, store, doing, "w-1")
    change_settings(settings, store, {"fps": 0.5, "coverage_floor": 0.75}, by="AB")
    running.run(job.workflow_id)
    (asked,) = doing.asked
    assert (asked.sampling.fps, asked.coverage_floor) == (0.5, 0.75)


def test_whoever_claims_last_holds_the_job(settings: AppSettings, store: Store, job: JobRecord) -> None:
    """A worker that was taken for dead stops at its next look and disturbs nothing."""

    def overtaken(on_progress: ProgressHook) -> SessionAnalysis:
        assert store.jobs.claim(workflow_id=job.workflow_id, worker="w-2", claim="theirs") is not None
        on_progress(Progress(Step.FACES, 1, 2))
        raise AssertionError("it went on")

    assert _run(settings, store, job, overtaken) == "none"
    left = store.jobs.get(job_id=job.id)
    assert (left.state, left.worker) == (JobState.RUNNING, "w-2")
    assert not store.jobs.finish(workflow_id=job.workflow_id, claim="ours", state=JobState.FAILED, error=literal("x"))
    assert store.jobs.finish(workflow_id=job.workflow_id, claim="theirs", state=JobState.CANCELLED)


def test_an_overtaken_failure_does_not_count(settings: AppSettings, store: Store, job: JobRecord) -> None:
    def overtaken(_: ProgressHook) -> SessionAnalysis:
        store.jobs.claim(workflow_id=job.workflow_id, worker="w-2", claim="theirs")
        raise RecordingError("The file is gone.")

    assert _run(settings, store, job, overtaken) == "none"
    assert store.jobs.get(job_id=job.id).state is JobState.RUNNING


def test_a_cancelled_job_stops_and_one_cancelled_before_does_not_start(
    settings: AppSettings, store: Store, job: JobRecord
) -> None:
    def cancelled(on_progress: ProgressHook) -> SessionAnalysis:
        queue.cancel(settings, store, job.id)
        on_progress(Progress(Step.FACES, 1, 2))
        raise AssertionError("it went on")

    assert _run(settings, store, job, cancelled) == "cancelled"
    queue.retry(settings, store, job.id)
    queue.cancel(settings, store, job.id)
    assert _run(settings, store, job, _raises(AssertionError("it began"))) == "none"
    assert store.jobs.get(job_id=job.id).state is JobState.CANCELLED


def test_a_wish_to_cancel_outlives_the_worker(settings: AppSettings, store: Store, job: JobRecord) -> None:
    store.jobs.claim(workflow_id=job.workflow_id, worker="w-1", claim="dead")
    queue.cancel(settings, store, job.id)
    assert _run(settings, store, job, _raises(AssertionError("it began")), "w-2") == "none"
    assert store.jobs.get(job_id=job.id).state is JobState.CANCELLED


def test_an_erased_session_takes_its_job_along(settings: AppSettings, store: Store, job: JobRecord) -> None:
    def erased(on_progress: ProgressHook) -> SessionAnalysis:
        erasure.erase_session(settings, store, job.session_id)
        on_progress(Progress(Step.FACES, 1, 2))
        raise AssertionError("it went on")

    assert _run(settings, store, job, erased) == "none"
    assert store.jobs.list_live() == []


def test_a_stopping_worker_gives_the_job_back(settings: AppSettings, store: Store, job: JobRecord) -> None:
    def stopped(on_progress: ProgressHook) -> SessionAnalysis:
        working.stopping.set()
        on_progress(Progress(Step.FACES, 1, 2))
        raise AssertionError("it went on")

    working = JobRunner(settings, store, Doing(stopped), "w-1")
    for _ in range(2):  # the second time it does not even begin
        with pytest.raises(WorkerStopping):
            working.run(job.workflow_id)
        left = store.jobs.get(job_id=job.id)
        assert (left.state, left.claims, left.worker) == (JobState.QUEUED, 0, None)


def test_what_ends_with_the_worker_is_no_failure_of_the_job(
    settings: AppSettings, store: Store, job: JobRecord
) -> None:
    """As where a signal to all processes of a service ends the decoder before the worker has heard of it."""

    def ended(on_progress: ProgressHook) -> SessionAnalysis:
        working.stopping.set()
        raise RecordingError("The decoder was ended by SIGTERM.")

    working = JobRunner(settings, store, Doing(ended), "w-1")
    with pytest.raises(WorkerStopping):
        working.run(job.workflow_id)
    left = store.jobs.get(job_id=job.id)
    assert (left.state, left.error) == (JobState.QUEUED, None)


def test_a_job_counts_as_run_here_while_its_claim_waits(
    settings: AppSettings, store: Store, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the worker would queue it again, and claim it from itself."""
    seen = []
    claim = store.jobs.claim

    def watched(**arguments: Any) -> JobRecord | None:
        seen.append(working.workflow_ids)
        return claim(**arguments)

    working = JobRunner(settings, store, Doing(_raises(RecordingError("No film."))), "w-1")
    monkeypatch.setattr(store.jobs, "claim", watched)
    working.run(job.workflow_id)
    assert seen == [frozenset({job.workflow_id})]
    assert working.workflow_ids == frozenset()


def test_after_three_dead_workers_the_job_is_given_up(settings: AppSettings, store: Store, job: JobRecord) -> None:
    for number in range(3):
        store.jobs.claim(workflow_id=job.workflow_id, worker=f"w-{number}", claim=f"c-{number}")
        assert store.jobs.requeue_worker(worker=f"w-{number}") == 1
    assert _run(settings, store, job, _raises(AssertionError("it began"))) == "failed"
    assert store.jobs.get(job_id=job.id).error == messages.ABANDONED(times=3)
    queue.retry(settings, store, job.id)
    assert store.jobs.get(job_id=job.id).claims == 0


@pytest.mark.parametrize("error", [StoreError("It failed."), StoreAwayError("It is locked.")])
def test_a_store_that_fails_or_is_away_is_asked_again(
    settings: AppSettings, store: Store, job: JobRecord, error: StoreError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PATIENCE", (0.0, 0.0))
    monkeypatch.setattr(waiting, "LEAST_PAUSE_S", 0.0)
    answers: list[StoreError] = [error, error]
    finish = store.jobs.finish

    def answer(**values: Any) -> bool:
        if answers:
            raise answers.pop()
        return finish(**values)

    monkeypatch.setattr(store.jobs, "finish", answer)
    assert _run(settings, store, job, _raises(RecordingError("No film."))) == "failed"
    assert not answers


def test_a_store_that_fails_each_time_is_given_up(
    settings: AppSettings, store: Store, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PATIENCE", (0.0, 0.0))

    def fail(**_: Any) -> bool:
        raise StoreError("It failed.")

    monkeypatch.setattr(store.jobs, "finish", fail)
    with pytest.raises(StoreError, match="It failed"):
        _run(settings, store, job, _raises(RecordingError("No film.")))


def test_a_store_that_is_away_while_a_job_begins_fails_no_job(
    settings: AppSettings, store: Store, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read before the analysis is read again once the store answers."""
    monkeypatch.setattr(waiting, "LEAST_PAUSE_S", 0.0)
    answers = [StoreAwayError("The connection was lost.")]
    read = store.sessions.get

    def answer(**values: Any) -> Any:
        if answers:
            raise answers.pop()
        return read(**values)

    monkeypatch.setattr(store.sessions, "get", answer)
    assert _run(settings, store, job, _raises(RecordingError("It began."))) == "failed"
    assert store.jobs.get(job_id=job.id).error == literal("It began.")


def test_a_worker_that_stops_while_the_store_is_away_leaves_the_job(
    settings: AppSettings, store: Store, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> Any:
        working.stopping.set()
        raise StoreAwayError("The connection was lost.")

    working = JobRunner(settings, store, Doing(_raises(RecordingError("No film."))), "w-1")
    with monkeypatch.context() as patch:
        patch.setattr(store.jobs, "finish", away)
        patch.setattr(store.jobs, "release", away)
        with pytest.raises(WorkerStopping):
            working.run(job.workflow_id)
    assert store.jobs.get(job_id=job.id).state is JobState.RUNNING
    again = store.jobs.claim(workflow_id=job.workflow_id, worker="w-1", claim="after the start")
    assert again is not None, "the job engine gives it to the worker's next start"


def test_progress_that_cannot_be_written_stops_nothing(
    settings: AppSettings, store: Store, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(**_: Any) -> str:
        raise StoreError("The database is locked.")

    def work(on_progress: ProgressHook) -> SessionAnalysis:
        on_progress(Progress(Step.FACES, 1, 2))
        raise RecordingError("It went on to the end.")

    monkeypatch.setattr(store.jobs, "set_progress", locked)
    _run(settings, store, job, work)
    assert store.jobs.get(job_id=job.id).error == literal("It went on to the end.")
