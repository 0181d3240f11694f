"""Workers that stand still, lose their clock, or have another model; a job is done by one all the same."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from recordings import Recordings

from db.records import JobState
from service.jobs import queue
from tests.faults.installation import Installation, installation
from tests.worker_processes import Process
from tests.wrong_clock import WrongClock, needs_compiler

pytestmark = pytest.mark.faults
DAY = 86400
TIMEOUT_S = 3


@pytest.fixture
def house(tmp_path: Path, recordings: Recordings) -> Iterator[Installation]:
    with installation(tmp_path, recordings(seconds=1), worker_timeout_s=TIMEOUT_S) as made:
        yield made


def _is_worked_on(house: Installation, job_id: str) -> bool:
    return queue.status(house.settings, house.store, job_id).done > 0


def test_a_worker_that_stood_still_disturbs_nothing_when_it_goes_on(house: Installation) -> None:
    """Only the claim keeps it from settling the job a second time: the job engine fences its own tables alone."""
    house.workers.pace(frames=40, delay=0.1)
    sleeper = house.workers.start()
    job_id = house.add_unopened()
    house.workers.wait(lambda: _is_worked_on(house, job_id), "progress")
    sleeper.send_signal(signal.SIGSTOP)
    house.workers.pace()
    house.workers.start()
    assert house.settle() == {"done": 1}
    settled = house.job(job_id)
    sleeper.send_signal(signal.SIGCONT)
    house.workers.wait(lambda: "is not ours any more" in house.workers.output(), "the end of the first try")
    assert house.job(job_id) == settled
    assert settled.claims == 2
    assert house.faults() == []
    assert house.workers.stop(sleeper) == 0


def test_a_dead_workers_job_waits_and_is_cancelled_at_once(house: Installation) -> None:
    """The row is queued again, though the only other worker is busy: the job engine knows nothing of rows."""
    house.workers.pace(frames=300, delay=0.1)
    victim = house.workers.start()
    lost = house.add_unopened()
    house.workers.wait(lambda: _is_worked_on(house, lost), "progress")
    house.workers.start()
    busy = house.add_unopened()
    house.workers.wait(lambda: _is_worked_on(house, busy), "progress of the other")
    house.workers.kill(victim)
    house.workers.wait(lambda: house.job(lost).state is JobState.QUEUED, "the job's return to the queue")
    assert queue.cancel(house.settings, house.store, lost).state == "cancelled"
    assert house.job(busy).state is JobState.RUNNING
    queue.cancel(house.settings, house.store, busy)
    assert house.settle() == {"cancelled": 2}
    assert house.faults() == []


def test_a_workflow_that_only_the_job_engine_thinks_is_run_is_run(house: Installation) -> None:
    """As where the answer to a worker's taking it was lost: the engine leaves it alone until that worker's restart."""
    house.workers.pace(frames=300, delay=0.1)
    house.workers.start()
    busy = house.add_unopened()
    house.workers.wait(lambda: _is_worked_on(house, busy), "progress")
    lost = house.add_unopened()
    taken = "UPDATE workflow_status SET status = 'PENDING', executor_id = ? WHERE workflow_uuid = ?"

    def is_taken() -> bool:
        with closing(sqlite3.connect(house.settings.data_dir / "jobs.db", timeout=30)) as engine, engine:
            return engine.execute(taken, (house.job(busy).worker, lost)).rowcount == 1

    house.workers.wait(is_taken, "the second job in the queue")
    house.workers.pace()
    queue.cancel(house.settings, house.store, busy)
    assert house.settle() == {"cancelled": 1, "done": 1}
    assert house.job(lost).claims == 1
    assert house.faults() == []


@needs_compiler
@pytest.mark.parametrize("jump_s", [DAY, pytest.param(-DAY, marks=pytest.mark.slow)])
def test_a_clock_that_jumps_takes_no_job_and_hides_no_death(house: Installation, tmp_path: Path, jump_s: int) -> None:
    clock = WrongClock(tmp_path)
    house.workers.pace(frames=100, delay=0.1)
    wrong = house.workers.start_program(**clock.environment)
    first = house.add_unopened()
    house.workers.wait(lambda: _is_worked_on(house, first), "progress")
    house.workers.start()  # with the right clock
    clock.jump(jump_s)
    house.workers.wait(lambda: _jumped(house, wrong), "a sign of life with the new time")
    time.sleep(2 * TIMEOUT_S)
    assert house.job(first).claims == 1, "its worker lives"
    house.workers.kill(wrong)
    house.workers.pace()
    assert house.settle() == {"done": 1}
    assert house.job(first).claims == 2
    # A day ahead is what the doctor warns of, and no fault of the rows.
    assert house.faults() == []


def _jumped(house: Installation, process: Process) -> bool:
    seen = next(row.seen_at for row in house.store.workers.list_all() if row.pid == process.pid)
    return abs(seen.timestamp() - time.time()) > DAY / 2


def test_workers_with_different_models_leave_one_analysis_of_a_model(house: Installation) -> None:
    """A job that changes hands is analysed by the model of its last worker; the job names that analysis."""
    models = ("paced-aaaa", "paced-bbbb")
    house.workers.pace(frames=5, delay=0.1)
    chance = Random(17)
    crew = {model: house.workers.start(FERPHQ_TEST_MODEL=model) for model in models}
    for _ in range(6):
        house.add_unopened()
    for _ in range(4):
        house.workers.wait(house.running, "a job that is held")
        time.sleep(chance.uniform(0, 0.8))
        model = chance.choice(models)
        house.workers.kill(crew[model])
        crew[model] = house.workers.start(FERPHQ_TEST_MODEL=model)
    ends = house.settle()
    assert ends["done"] >= 5
    named = {
        house.store.analyses.get(analysis_id=job.analysis_id).model_id
        for job in map(house.job, house.accepted)
        if job.analysis_id is not None
    }
    assert named == set(models)
    assert house.faults() == []
