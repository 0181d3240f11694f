"""Paced worker processes for tests: forked from one that has everything imported, so that a start takes no seconds."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from fer_phq.core.analysis import RecordingInfo
from service.settings import AppSettings
from tests.service import paced_worker

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([paced_worker.__name__])
LAST_LINES = 40
"""Of a worker's output, told with its end: a traceback and what came before."""


class Process(Protocol):
    """What tests do with a process, as `subprocess.Popen` offers it."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class ForkedProcess:
    """A process of the fork server, with the methods of `subprocess.Popen`."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._process = PROCESSES.Process(target=paced_worker.work, args=(environment, str(log)), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code, below 0 after a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("a worker", timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)


class Workers:
    """Starts worker processes of one installation and makes sure that none outlives its test."""

    def __init__(self, settings: AppSettings, recording: RecordingInfo | None = None) -> None:
        """Begin with none. All recordings are like `recording`; without it, workers open each to see."""
        self._settings = settings
        self._logs: dict[Process, Path] = {}
        self._recording = None if recording is None else dataclasses.asdict(recording)
        self.marks = settings.data_dir.parent / "marks"
        self.marks.mkdir(exist_ok=True)
        self.pace()

    def pace(self, **pace: Any) -> None:
        """How the analyses go that begin from now on; see `paced_worker.py`."""
        fresh = self.marks / "pace.json.new"
        fresh.write_text(json.dumps({"recording": self._recording, **pace}))
        fresh.replace(self.marks / "pace.json")

    def start(self, **environment: str) -> Process:
        """A worker process, with more or other environment variables."""
        log = self._new_log()
        return self._add(ForkedProcess({**self._environment(), **environment}, log), log)

    def start_program(self, **environment: str) -> Process:
        """A worker process that is a program of its own: slower to start, with what a loader does to it."""
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("FERPHQ_")}
        surroundings |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        surroundings |= {**self._environment(), **environment}
        log = self._new_log()
        command = [sys.executable, "-m", paced_worker.__name__, str(log)]
        return self._add(subprocess.Popen(command, env=surroundings, start_new_session=True), log)

    def kill(self, process: Process) -> None:
        """Kill -9, and wait until it is gone."""
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)

    def stop(self, process: Process) -> int:
        """SIGTERM, and the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=20)

    def wait(self, true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait until something is so; fails with the workers' output."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = true()
            if found:
                return found
            time.sleep(0.05)
        pytest.fail(f"{what} did not happen.\n{self.output() or '(no output)'}")

    def output(self) -> str:
        """What the workers wrote so far, one worker after the other in the order of their starts."""
        return "".join(path.read_text(errors="replace") for path in self._logs.values() if path.exists())

    def describe_end(self, process: Process) -> str | None:
        """How a worker ended, with the last lines that it wrote; None while it runs."""
        code = process.poll()
        if code is None:
            return None
        log = self._logs[process]
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"a worker ended with {code}; it wrote last:", *lines[-LAST_LINES:]])

    def analysed(self) -> list[str]:
        """The model's runs so far: one line `<worker pid> <sha256>` for each analysis that was begun."""
        runs = self.marks / "begun"
        return runs.read_text().splitlines() if runs.exists() else []

    def end(self) -> None:
        """Kill all that still run."""
        for process in self._logs:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=20)

    def _new_log(self) -> Path:
        return self._settings.data_dir / f"worker-{len(self._logs) + 1}.log"

    def _add(self, process: Process, log: Path) -> Process:
        self._logs[process] = log
        return process

    def _environment(self) -> dict[str, str]:
        return {
            "FERPHQ_DATA_DIR": str(self._settings.data_dir),
            "FERPHQ_DATABASE_URL": self._settings.database_url,
            "FERPHQ_DBOS_DATABASE_URL": self._settings.dbos_database_url,
            "FERPHQ_WORKER_TIMEOUT_S": str(self._settings.worker_timeout_s),
            "OMP_NUM_THREADS": "1",
            "FERPHQ_TEST_MARKS": str(self.marks),
        }
