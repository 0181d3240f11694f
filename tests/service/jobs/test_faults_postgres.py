"""What becomes of jobs and workers while the PostgreSQL server is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from postgres_server import PostgresMissing, Server, postgres_server
from recordings import Recordings

from db.records import SubjectRecord
from db.store import Store
from service.ingest.recordings import add_recording
from service.jobs import queue
from service.settings import AppSettings

if TYPE_CHECKING:
    from tests.worker_processes import Workers

pytestmark = pytest.mark.postgres
WHEN = datetime(2026, 5, 6, tzinfo=UTC)
AWAY_S = 12.0


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        with postgres_server() as running:
            if running.control is None:
                pytest.skip("the server of FERPHQ_TEST_POSTGRES_URL is not ours to stop")
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> AppSettings:
    made = AppSettings(
        data_dir=tmp_path / "data", database_url=server.new_database(), min_free_bytes=0, worker_timeout_s=20
    )
    made.prepare()
    return made


def test_a_restart_of_the_server_fails_no_job_and_ends_no_worker(
    server: Server,
    workers: Workers,
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    recordings: Recordings,
) -> None:
    """A job is held through the whole of it, another is queued, and a worker starts meanwhile."""

    def submit(motion: str) -> str:
        source = recordings(seconds=1, motion=motion)
        job_id = add_recording(
            settings, store, source, subject_id=subject.id, recorded_at=WHEN, consent_by="AB", consent_text="1"
        ).job_id
        assert job_id is not None
        return job_id

    first = workers.start()
    workers.pace(frames=60, delay=0.1)  # it ends while the server is away
    running = submit("still")
    workers.wait(lambda: queue.status(settings, store, running).done > 0, "progress")
    waiting = submit("moving")
    server.stop()
    second = workers.start()
    time.sleep(AWAY_S)
    assert (first.poll(), second.poll()) == (None, None)
    server.start()
    for job in (running, waiting):
        workers.wait(lambda job=job: queue.status(settings, store, job).state == "done", "the job")
        assert store.jobs.get(job_id=job).attempt == 1
    assert len({sha for _, sha in (line.split() for line in workers.analysed())}) == len(workers.analysed()) == 2
    assert [workers.stop(process) for process in (first, second)] == [0, 0]
