"""A PostgreSQL server that is killed, and a network that fails between it and a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import PostgresMissing, Server, postgres_server
from recordings import Recordings
from sqlalchemy import make_url

from service.jobs import queue
from tests.faults.cable import Cable
from tests.faults.installation import Installation, installation, patiently, waits_or_ended
from tests.faults.kills import kill_server
from tests.wrong_clock import WrongClock, needs_compiler

pytestmark = pytest.mark.faults
DAY = 86400
TIMEOUT_S = 4
AWAY_S = 15.0
"""Longer than a worker may be silent, and than the job that it holds takes."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with postgres_server() as running:
            if running.control is None:
                pytest.skip("the server of FERPHQ_TEST_POSTGRES_URL is not ours to kill")
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@contextmanager
def _house(folder: Path, source: Path, server: Server) -> Iterator[Installation]:
    url = server.new_database()
    with installation(folder, source, database_url=url, worker_timeout_s=TIMEOUT_S) as made:
        yield made


@pytest.fixture
def cable(server: Server) -> Iterator[Cable]:
    assert server.admin_url.port is not None
    made = Cable(server.admin_url.port)
    yield made
    made.close()


def test_a_killed_server_loses_no_job(server: Server, tmp_path: Path, recordings: Recordings) -> None:
    with _house(tmp_path, recordings(seconds=1), server) as house:
        result = kill_server(house, server, kills=2, seed=4)
        print(result)
        assert result.faults == []
        assert result.ends == {"done": result.ends.total()}


def test_a_server_that_is_killed_while_a_worker_starts_is_waited_for(
    server: Server, tmp_path: Path, recordings: Recordings
) -> None:
    """The kill comes after the first sign of life: the job engine is making its tables."""
    with _house(tmp_path, recordings(seconds=1), server) as house:
        worker = house.workers.start()
        house.workers.wait(house.store.workers.list_all, "a sign of life")
        server.kill()
        house.workers.wait(lambda: waits_or_ended(house.workers, worker), "its waiting")
        server.start()
        end = house.workers.describe_end(worker)
        assert end is None, end
        patiently(house.add_unopened)
        assert house.settle() == {"done": 1}
        assert house.faults() == []
        assert house.workers.stop(worker) == 0


@pytest.mark.parametrize("way", [pytest.param("cut", marks=pytest.mark.slow), "stall"])
def test_a_network_that_fails_leaves_each_job_to_one_worker(
    way: str, server: Server, cable: Cable, tmp_path: Path, recordings: Recordings
) -> None:
    """The worker behind the cable holds a job; the other one takes it over, and both live on."""
    with _house(tmp_path, recordings(seconds=1), server) as house:
        behind = make_url(house.settings.database_url).set(port=cable.port).render_as_string(hide_password=False)
        house.workers.pace(frames=60, delay=0.1)
        far = house.workers.start(FERPHQ_DATABASE_URL=behind, FERPHQ_DBOS_DATABASE_URL=behind)
        first = house.add_unopened()
        house.workers.wait(lambda: queue.status(house.settings, house.store, first).done > 0, "progress")
        house.add_unopened()
        near = house.workers.start()
        getattr(cable, way)()
        until = time.monotonic() + AWAY_S
        # A worker that the network gives back before the others noticed keeps its job, and is right to.
        house.workers.wait(lambda: house.job(first).claims == 2, "the other worker's taking it over")
        time.sleep(max(0.0, until - time.monotonic()))
        cable.mend()
        assert house.settle() == {"done": 2}
        assert house.job(first).claims == 2, "nobody took it once more"
        # The worker behind the cable works again.
        house.workers.stop(near)
        house.workers.pace()
        house.add_unopened()
        assert house.settle() == {"done": 3}
        assert house.faults() == []
        assert house.workers.stop(far) == 0


@needs_compiler
@pytest.mark.parametrize("ahead_s", [DAY, pytest.param(-DAY, marks=pytest.mark.slow)])
def test_a_workers_wrong_clock_is_no_matter_where_the_server_has_one(
    ahead_s: int, server: Server, tmp_path: Path, recordings: Recordings
) -> None:
    with _house(tmp_path, recordings(seconds=1), server) as house:
        house.workers.pace(frames=300, delay=0.1)
        wrong = house.workers.start_program(**WrongClock(tmp_path, ahead_s).environment)
        job_id = house.add_unopened()
        house.workers.wait(lambda: queue.status(house.settings, house.store, job_id).done > 0, "progress")
        until = time.monotonic() + 2 * TIMEOUT_S
        while time.monotonic() < until:
            assert queue.status(house.settings, house.store, job_id).worker_alive
            time.sleep(0.2)
        house.workers.kill(wrong)
        house.workers.wait(lambda: not queue.workers_alive(house.settings, house.store), "its death", 4 * TIMEOUT_S)
        house.workers.pace()
        house.workers.start()
        assert house.settle() == {"done": 1}
        assert house.job(job_id).claims == 2
        assert house.faults() == []
