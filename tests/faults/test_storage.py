"""A full disk, a folder that turns read-only, a database that somebody locks: work waits, and then goes on."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from recordings import Recordings

from fer_phq.core.errors import FerPhqError
from service.jobs import queue
from tests.faults.installation import Installation, installation, waits_or_ended

pytestmark = pytest.mark.faults
DISK = "32m"
AWAY_S = 20.0
"""Longer than the store waits for a lock, and than the analysis that runs meanwhile."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def house(disk: Path, recordings: Recordings) -> Iterator[Installation]:
    with installation(disk, recordings(seconds=1)) as made:
        yield made


def _mount(*arguments: str) -> None:
    with suppress(FileNotFoundError):
        if subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0:
            return
    pytest.skip("this account may not mount a disk")


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """Fill the disk to its last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    yield
    filler.unlink()


@contextmanager
def _read_only(house: Installation) -> Iterator[None]:
    """Let nobody open anything in the data folder for writing any more."""
    folder = str(house.settings.data_dir)
    _mount("--bind", folder, folder)
    _mount("-o", "remount,bind,ro", folder)
    yield
    subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def _locked(house: Installation) -> Iterator[None]:
    """Hold the write locks of the store and of the job engine."""
    with (
        closing(sqlite3.connect(house.settings.data_dir / "fer-phq.db", timeout=30)) as store,
        closing(sqlite3.connect(house.settings.data_dir / "jobs.db", timeout=30)) as engine,
    ):
        for connection in (store, engine):
            connection.execute("BEGIN EXCLUSIVE")
        yield


def _two_jobs(house: Installation) -> None:
    """Have a worker hold one job, and another job wait."""
    house.workers.pace(frames=30, delay=0.1)
    house.workers.start()
    first = house.add_unopened()
    house.workers.wait(lambda: queue.status(house.settings, house.store, first).done > 0, "progress")
    house.add_unopened()


def _assert_refused(house: Installation) -> None:
    with pytest.raises(FerPhqError):
        house.add_unopened()


def _assert_all_done(house: Installation) -> None:
    ends = house.settle()
    assert ends == {"done": 2}, [str(house.job(job_id).error) for job_id in house.accepted]
    assert house.faults() == []
    assert len(set(house.workers.analysed())) == 2, "nothing was analysed twice"


def test_a_full_disk_refuses_what_comes_and_loses_nothing(house: Installation, disk: Path) -> None:
    _two_jobs(house)
    with _full(disk):
        _assert_refused(house)
        time.sleep(AWAY_S)
    _assert_all_done(house)


def test_a_folder_that_is_read_only_for_a_while_loses_nothing(house: Installation) -> None:
    _two_jobs(house)
    with _read_only(house):
        _assert_refused(house)
        time.sleep(AWAY_S)
    _assert_all_done(house)


@pytest.mark.parametrize("locked_s", [AWAY_S, pytest.param(60.0, marks=pytest.mark.slow)])
def test_a_locked_database_is_waited_for(house: Installation, locked_s: float) -> None:
    _two_jobs(house)
    with _locked(house):
        _assert_refused(house)
        time.sleep(locked_s)
    _assert_all_done(house)


def test_a_worker_that_starts_while_the_database_is_locked_waits_for_it(house: Installation) -> None:
    with _locked(house):
        worker = house.workers.start()
        house.workers.wait(lambda: waits_or_ended(house.workers, worker), "its waiting")
        end = house.workers.describe_end(worker)
        assert end is None, end
    house.add_unopened()
    assert house.settle() == {"done": 1}
    assert house.faults() == []
    assert house.workers.stop(worker) == 0
