"""Fixtures of the service tests: an installation in a temporary folder, and worker processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from migrated import migrate

from db.records import SubjectRecord
from db.store import Store
from service.settings import AppSettings

WORKER = Path(__file__).with_name("paced_worker.py")


@pytest.fixture
def settings(tmp_path: Path) -> AppSettings:
    """An installation with short timeouts, asked as TestClient asks."""
    made = AppSettings(
        data_dir=tmp_path / "data",
        min_free_bytes=0,
        worker_timeout_s=5,
        allowed_hosts=["testserver", "127.0.0.1", "localhost"],
    )
    made.prepare()
    return made


@pytest.fixture
def store(settings: AppSettings) -> Iterator[Store]:
    """The installation's store, migrated."""
    migrate(settings.database_url)
    with Store(settings.database_url, actor="dashboard") as opened:
        yield opened


@pytest.fixture
def subject(store: Store) -> SubjectRecord:
    """A person to record."""
    return store.subjects.create(label="S-01")


class Workers:
    """Starts worker processes of one installation and makes sure that none outlives its test."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._running: list[subprocess.Popen[bytes]] = []
        self.log = settings.data_dir / "worker.log"
        self.marks = settings.data_dir / "marks"
        self.marks.mkdir(exist_ok=True)
        self.pace()

    def pace(self, **pace: Any) -> None:
        """How the analyses go that begin from now on; see `paced_worker.py`."""
        fresh = self.marks / "pace.json.new"
        fresh.write_text(json.dumps(pace))
        fresh.replace(self.marks / "pace.json")

    def start(self) -> subprocess.Popen[bytes]:
        """A worker process."""
        settings = self._settings
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FERPHQ_")},
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "FERPHQ_DATA_DIR": str(settings.data_dir),
            "FERPHQ_DATABASE_URL": settings.database_url,
            "FERPHQ_DBOS_DATABASE_URL": settings.dbos_database_url,
            "FERPHQ_WORKER_TIMEOUT_S": str(settings.worker_timeout_s),
            "OMP_NUM_THREADS": "1",
            "FERPHQ_TEST_MARKS": str(self.marks),
        }
        with self.log.open("ab") as log:
            command = [sys.executable, str(WORKER)]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        self._running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill -9, and wait until it is gone."""
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        """SIGTERM, and the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=20)

    def wait(self, true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait until something is so; fails with the workers' log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = true()
            if found:
                return found
            time.sleep(0.05)
        pytest.fail(f"{what} did not happen.\n{self.log.read_text() if self.log.exists() else '(no log)'}")

    def analysed(self) -> list[str]:
        """The model's runs so far: one line `<worker pid> <sha256>` for each analysis that was begun."""
        runs = self.marks / "begun"
        return runs.read_text().splitlines() if runs.exists() else []

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=20)


@pytest.fixture
def workers(settings: AppSettings, store: Store) -> Iterator[Workers]:
    """Worker processes over the installation; all are ended with the test."""
    made = Workers(settings)
    yield made
    made.end()
    if made.log.exists():
        assert not re.search(r"the chore \w+ failed", made.log.read_text())
