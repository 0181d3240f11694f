"""Kill -9 at random moments, some of each kind; `run.py` does as many as wanted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest
from recordings import Recordings

from tests.faults.installation import Installation, installation
from tests.faults.kills import kill_workers

pytestmark = pytest.mark.faults


@pytest.fixture
def house(tmp_path: Path, recordings: Recordings) -> Iterator[Installation]:
    with installation(tmp_path, recordings(seconds=1)) as made:
        yield made


@pytest.fixture
def seed() -> int:
    """The seed of FERPHQ_FAULTS_SEED, else a new one; printed, so that a failure names it."""
    number = int(os.environ.get("FERPHQ_FAULTS_SEED") or SystemRandom().randrange(1_000_000))
    print(f"FERPHQ_FAULTS_SEED={number}")
    return number


def test_killed_workers_lose_no_job_and_do_none_twice(house: Installation, seed: int) -> None:
    result = kill_workers(house, kills=10, seed=seed)
    print(result)
    assert result.faults == []
    assert result.of_holders == 10
