"""Several workers on PostgreSQL: store and job engine in one server database, media in one folder."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with postgres_server() as running:
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> AppSettings:
    made = AppSettings(
        data_dir=tmp_path / "data", database_url=server.new_database(), min_free_bytes=0, worker_timeout_s=5
    )
    made.prepare()
    assert made.dbos_database_url == made.database_url
    return made


def test_two_workers_share_and_one_takes_over(
    workers: Workers, settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    def submit(**options: object) -> str:
        source = recordings(seconds=1, **options)
        job_id = add_recording(
            settings, store, source, subject_id=subject.id, recorded_at=WHEN, consent_by="AB", consent_text="1"
        ).job_id
        assert job_id is not None
        return job_id

    def state(job_id: str) -> str:
        return queue.status(settings, store, job_id).state

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
    workers.wait(lambda: queue.status(settings, store, moved).done > 0, "progress")
    holder = workers.analysed()[-1].split()[0]
    workers.pace()
    workers.kill(pair.pop(holder))
    workers.wait(lambda: state(moved) == "done", "the takeover")
    assert len(workers.analysed()) == 6
    (last,) = pair.values()
    assert workers.stop(last) == 0
