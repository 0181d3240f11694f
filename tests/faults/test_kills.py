"""Kill -9 at random moments, a few of each kind; `run.py` makes as many as it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest
from recordings import Recordings
from served import free_port

from tests.faults.installation import Installation, installation
from tests.faults.kills import kill_dashboard, kill_supervisor, kill_workers

pytestmark = pytest.mark.faults


@pytest.fixture
def house(tmp_path: Path, recordings: Recordings) -> Iterator[Installation]:
    with installation(tmp_path, recordings(seconds=1), port=free_port()) as made:
        yield made


@pytest.fixture
def seed() -> int:
    """The seed of FERPHQ_FAULTS_SEED, else a new one; printed, so that a failure names it."""
    number = int(os.environ.get("FERPHQ_FAULTS_SEED") or SystemRandom().randrange(1_000_000))
    print(f"FERPHQ_FAULTS_SEED={number}")
    return number


def test_killed_workers_lose_no_job_and_do_none_twice(house: Installation, seed: int) -> None:
    result = kill_workers(house, kills=6, seed=seed)
    print(result)
    assert result.faults == []
    assert result.of_holders == 6


@pytest.mark.slow
def test_a_killed_dashboard_loses_no_upload_and_leaves_nothing_behind(house: Installation, seed: int) -> None:
    result = kill_dashboard(house, kills=2, seed=seed)
    print(result)
    assert result.faults == []
    assert result.ends == {"done": result.ends.total()}


@pytest.mark.slow
def test_a_killed_up_takes_its_parts_along_and_loses_no_job(tmp_path: Path, recordings: Recordings, seed: int) -> None:
    with installation(tmp_path, recordings(seconds=20), port=free_port()) as house:
        result = kill_supervisor(house, kills=1, seed=seed)
    print(result)
    assert result.faults == []
    assert result.ends == {"done": result.ends.total()}
