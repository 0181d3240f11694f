"""Worker processes that are killed, stopped, doubled and misled: nothing lost, nothing twice.

Real processes, real files, the real store and the real job engine on SQLite; `paced_worker.py` sets the pace.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import onnxruntime
import pytest
from recordings import Recordings

from db.records import JobPriority, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.errors import SettingsError
from service.ingest.partial_uploads import PartialUploads
from service.ingest.recordings import add_recording, copy_recording
from service.ingest.tokens import UploadGrant
from service.jobs import queue, worker
from service.jobs.worker_identity import take_slot
from service.lifecycle import erasure
from service.settings import AppSettings

if TYPE_CHECKING:
    from tests.worker_processes import Workers

WHEN = datetime(2026, 5, 6, tzinfo=UTC)
Submit = Callable[..., str]


@pytest.fixture
def submit(settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings) -> Submit:
    """Makes a recording a session with a queued job and returns the job's id; `motion=...` makes another one."""

    def made(**options: object) -> str:
        source = recordings(seconds=1, **options)
        job_id = add_recording(
            settings, store, source, subject_id=subject.id, recorded_at=WHEN, consent_by="AB", consent_text="1"
        ).job_id
        assert job_id is not None
        return job_id

    return made


@pytest.fixture
def state(settings: AppSettings, store: Store) -> Callable[[str], str]:
    return lambda job_id: queue.status(settings, store, job_id).state


def _progress(settings: AppSettings, store: Store, job_id: str) -> int:
    return queue.status(settings, store, job_id).done


@pytest.mark.slow
def test_one_worker_does_cancels_retries_and_forgets(
    workers: Workers, submit: Submit, state: Callable[[str], str], settings: AppSettings, store: Store
) -> None:
    """A job that was committed before any worker ran is done once: the dashboard may die right after its commit."""
    done = submit()
    worker = workers.start()
    workers.wait(lambda: state(done) == "done", "the analysis")
    analysis_id = queue.status(settings, store, done).analysis_id
    assert analysis_id is not None
    assert store.analyses.get(analysis_id=analysis_id).model_id == "paced-0000"
    assert len(workers.analysed()) == 1

    workers.pace(frames=400, delay=0.05)
    slow = submit(motion="moving")
    workers.wait(lambda: _progress(settings, store, slow) > 0, "progress")
    queue.cancel(settings, store, slow)
    workers.wait(lambda: state(slow) == "cancelled", "the cancellation")
    session_id = store.jobs.get(job_id=slow).session_id
    assert store.sessions.get_detail(session_id=session_id).analyses == ()
    assert queue.retry(settings, store, slow).attempt == 2
    workers.wait(lambda: _progress(settings, store, slow) > 0, "progress again")

    erasure.erase_session(settings, store, session_id)
    workers.pace()
    after = submit(motion="rotating")
    workers.wait(lambda: state(after) == "done", "the job after the erased one")
    assert "not ours any more" in workers.output()

    assert workers.stop(worker) == 0
    assert queue.workers_alive(settings, store) == 0
    _engine_keeps_ids_only(settings, done)


@pytest.mark.slow
def test_what_somebody_waits_for_overtakes_a_batch(
    workers: Workers, settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    """DBOS holds a few of the batch already when the recording of a person at a page comes."""

    def add(number: int, priority: JobPriority) -> str:
        source = recordings(seconds=1, start_s=number / 10)
        grant = UploadGrant(subject.id, WHEN, consent_by="AB", priority=priority)
        job_id = copy_recording(settings, store, source, grant).job_id
        assert job_id is not None
        return job_id

    batch = [add(number, JobPriority.BATCH) for number in range(8)]
    workers.pace(frames=20, delay=0.05)
    workers.start()
    workers.wait(lambda: store.jobs.list_running(), "the first job of the batch")
    waited_for = add(9, JobPriority.INTERACTIVE)
    workers.wait(lambda: not store.jobs.list_live(), "the end of all jobs", seconds=120)
    started = {job.id: job.started_at for job in store.jobs.list_by_id(job_ids=[*batch, waited_for])}
    order = sorted(started, key=lambda job_id: started[job_id] or WHEN)
    assert order.index(waited_for) <= 2, "at most one more of the batch was on its way already"
    assert [job_id for job_id in order if job_id != waited_for] == batch


def _engine_keeps_ids_only(settings: AppSettings, job_id: str) -> None:
    """What the job engine has stored is JSON, and ids: no pickle, no names."""
    path = settings.data_dir / "jobs.db"
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as engine:
        query = "select application_version from workflow_status where workflow_uuid = ?"
        assert engine.execute(query, [job_id]).fetchall() == [("1",)]
        text = "\n".join(engine.iterdump())
    assert f'{{"namedArgs":{{}},"positionalArgs":["{job_id}"]}}' in text
    assert "gASV" not in text  # how a pickle begins in base 64
    assert "S-01" not in text


@pytest.mark.slow
def test_killed_in_the_analysis_and_again_after_saving(
    workers: Workers, submit: Submit, state: Callable[[str], str], settings: AppSettings, store: Store
) -> None:
    job_id = submit()
    workers.pace(frames=400, delay=0.1)
    first = workers.start()
    workers.wait(lambda: _progress(settings, store, job_id) > 0, "progress")
    workers.kill(first)
    assert state(job_id) == "running"

    workers.pace(hold="saved")
    second = workers.start()
    workers.wait((workers.marks / "saved").exists, "the saved analysis")
    workers.kill(second)
    assert state(job_id) == "running"

    workers.pace()
    workers.start()
    workers.wait(lambda: state(job_id) == "done", "the settled job")
    job = store.jobs.get(job_id=job_id)
    assert len(store.sessions.get_detail(session_id=job.session_id).analyses) == 1
    assert len(workers.analysed()) == 2  # the third run found the second's analysis
    assert (job.attempt, job.claims) == (1, 3)


@pytest.mark.slow
def test_two_workers_share_and_one_takes_over(
    workers: Workers, submit: Submit, state: Callable[[str], str], settings: AppSettings, store: Store
) -> None:
    """Each of four jobs runs once; a fifth moves from the killed worker to the living one, with nobody's help."""
    pair = {str(worker.pid): worker for worker in (workers.start(), workers.start())}
    workers.wait(lambda: queue.workers_alive(settings, store) == 2, "both workers")
    workers.pace(frames=10, delay=0.2)
    shared = [submit(motion=motion) for motion in ("still", "moving", "rotating", "leaving")]
    workers.wait(lambda: all(state(job) == "done" for job in shared), "the four jobs")
    runs = [line.split() for line in workers.analysed()]
    assert len({sha for _, sha in runs}) == len(runs) == 4
    assert {pid for pid, _ in runs} == set(pair)

    workers.pace(frames=400, delay=0.1)
    moved = submit(faces=2)
    workers.wait(lambda: _progress(settings, store, moved) > 0, "progress")
    holder = workers.analysed()[-1].split()[0]
    workers.pace()
    workers.kill(pair[holder])
    workers.wait(lambda: state(moved) == "done", "the takeover")
    assert workers.analysed()[-1].split()[0] != holder
    assert len(workers.analysed()) == 6
    assert queue.workers_alive(settings, store) == 1


@pytest.mark.slow
def test_stopping_gives_back_and_failing_goes_on(
    workers: Workers, submit: Submit, state: Callable[[str], str], settings: AppSettings, store: Store
) -> None:
    given_back = submit()
    workers.pace(frames=400, delay=0.1)
    first = workers.start()
    workers.wait(lambda: _progress(settings, store, given_back) > 0, "progress")
    assert workers.stop(first) == 0
    job = store.jobs.get(job_id=given_back)
    assert (job.state, job.claims, job.attempt) == (JobState.QUEUED, 0, 1)

    workers.pace(fail="unforeseen")
    broken = submit(motion="moving")
    session = store.sessions.get(session_id=store.jobs.get(job_id=broken).session_id)
    assert session.media_path is not None
    (settings.media_dir / session.media_path).unlink()
    workers.start()
    workers.wait(lambda: {state(given_back), state(broken)} == {"failed"}, "both failures")
    error = str(queue.status(settings, store, given_back).error or "")
    found = re.search(r"number ([0-9a-f]{8})", error)
    assert found is not None
    assert "secret detail" not in error
    assert f"number {found[1]}" in workers.output()
    assert "missing from the media folder" in str(queue.status(settings, store, broken).error)

    workers.pace()
    queue.retry(settings, store, given_back)
    workers.wait(lambda: state(given_back) == "done", "the retry")


@pytest.mark.slow
def test_a_recording_that_kills_its_worker_is_given_up(
    workers: Workers, submit: Submit, state: Callable[[str], str], settings: AppSettings, store: Store
) -> None:
    job_id = submit()
    workers.pace(die=True)
    for _ in range(3):
        workers.start().wait(timeout=60)
    workers.start()
    workers.wait(lambda: state(job_id) == "failed", "the end of patience")
    assert "stopped 3 times" in str(queue.status(settings, store, job_id).error)
    assert len(workers.analysed()) == 3


@pytest.mark.slow
def test_what_the_engine_lost_forgot_or_left_open_is_made_good(
    workers: Workers, submit: Submit, state: Callable[[str], str], settings: AppSettings, store: Store
) -> None:
    job_id = submit()
    workers.pace(frames=400, delay=0.1)
    first = workers.start()
    workers.wait(lambda: _progress(settings, store, job_id) > 0, "progress")
    workers.kill(first)
    for file in settings.data_dir.glob("jobs.db*"):
        file.unlink()
    workers.pace()
    second = workers.start()
    workers.wait(lambda: state(job_id) == "done", "the analysis, without the engine's file")
    workers.stop(second)

    # A workflow that ended long ago, and a row that it left open.
    with sqlite3.connect(settings.data_dir / "jobs.db") as engine:
        engine.execute("update workflow_status set completed_at = completed_at - 3 * 86400000")
    with sqlite3.connect(settings.data_dir / "fer-phq.db") as rows:
        rows.execute("update jobs set state = 'running', worker = 'gone', finished_at = null")
    workers.start()
    workers.wait(lambda: state(job_id) == "done", "the job that was left open")
    assert len(store.sessions.get_detail(session_id=store.jobs.get(job_id=job_id).session_id).analyses) == 1
    assert len(workers.analysed()) == 2

    def remembered() -> set[str]:
        with sqlite3.connect(settings.data_dir / "jobs.db") as engine:
            return {name for (name,) in engine.execute("select workflow_uuid from workflow_status")}

    workers.wait(lambda: job_id not in remembered(), "the pruning")


@pytest.mark.slow
def test_a_job_that_does_not_listen_is_left_behind(
    workers: Workers, submit: Submit, settings: AppSettings, store: Store
) -> None:
    job_id = submit()
    workers.pace(frames=1, delay=300)
    worker = workers.start()
    workers.wait(workers.analysed, "the beginning")
    assert workers.stop(worker) == 0
    assert store.jobs.get(job_id=job_id).state is JobState.QUEUED


@pytest.mark.slow
def test_an_engine_that_cannot_be_reached_is_one_sentence(settings: AppSettings, store: Store) -> None:
    (settings.data_dir / "jobs.db").write_text("this is no database, and it is long enough to be looked at " * 99)
    code = (
        "from service.settings import load_settings; "
        "from service.jobs.worker import run_worker; run_worker(load_settings())"
    )
    environment = {
        **os.environ,
        "FERPHQ_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=settings.data_dir, timeout=120, check=False
    )
    assert "StoreError: The job engine's database cannot be used" in done.stderr
    assert store.workers.list_all() == []


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="onnxruntime has a CUDA provider"
)
def test_a_worker_without_its_device_does_not_start_and_takes_no_job(
    settings: AppSettings, store: Store, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit()
    monkeypatch.setenv("FERPHQ_DEVICE", "cuda")
    with pytest.raises(SettingsError, match="install onnxruntime-gpu in place of onnxruntime"):
        worker.run_worker(settings)
    assert store.workers.list_all() == []
    assert store.jobs.get(job_id=job_id).state is JobState.QUEUED


def test_names_of_workers_are_unique_and_come_back(settings: AppSettings) -> None:
    first, second = take_slot(settings), take_slot(settings)
    assert first.name != second.name
    first.release()
    assert take_slot(settings).name == first.name
    named = settings.model_copy(update={"worker_id": "desk"})
    held = take_slot(named)
    assert held.name == "desk"
    with pytest.raises(SettingsError, match="runs already"):
        take_slot(named)


def test_whole_uploads_are_completed_beside_the_signs_of_life(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    content = recordings(seconds=1).read_bytes()
    uploads = PartialUploads(settings, store)
    grant = UploadGrant(subject.id, WHEN, "Dr M", "1")
    upload = uploads.begin(grant, len(content), "P01.mp4", "")
    with uploads.begin_piece(upload, 0) as piece:
        piece.write(content)
        uploads.add_piece(upload, piece)
    slot = take_slot(settings)
    keeper = worker._Worker(settings, store, slot, worker.PipelineAnalyser(lambda: pytest.fail("no analysis")))
    (chore,) = [chore for chore in keeper._chores if chore.call == keeper._complete_uploads]
    chore.call()
    keeper._long_chores["uploads"].join(60)
    slot.release()
    assert uploads.load(upload.id, "").session_id is not None


def test_a_sweep_of_many_recordings_holds_up_no_sign_of_life(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(worker, "remove_expired", lambda *_: gate.wait(60))
    slot = take_slot(settings)
    keeper = worker._Worker(settings, store, slot, worker.PipelineAnalyser(lambda: pytest.fail("no analysis")))
    keeper._sweep()
    sweep = keeper._long_chores["sweep"]
    keeper._sweep()
    assert keeper._long_chores["sweep"] is sweep, "one at a time"
    gate.set()
    sweep.join(60)
    slot.release()
    assert not sweep.is_alive()


def test_analyses_without_measures_are_not_looked_for_all_the_time(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([20, 3, 0])
    monkeypatch.setattr(worker, "measure_stored", lambda *_, **__: next(counts))
    slot = take_slot(settings)
    keeper = worker._Worker(settings, store, slot, worker.PipelineAnalyser(lambda: pytest.fail("no analysis")))
    for _ in range(5):
        keeper._measure()
    slot.release()
    assert next(counts, None) is None
