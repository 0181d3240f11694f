"""A worker process for crash tests: `service.jobs.worker.run_worker` with an analysis whose pace is set from outside.

Recording, store, job engine and signals are the real ones; only the model is replaced by arithmetic, so that a test
can say how long an analysis takes and where it stands still. The folder FERPHQ_TEST_MARKS holds `pace.json`, read at
the start of each analysis: frames, delay (seconds a frame), fail ('unforeseen', 'memory'), die (the process kills
itself), hold ('saved': stand still once between the saved analysis and the settled job), recording (what each is like,
so that none is opened). What has happened is noted there too: `begun` has one line for each analysis that began,
`saved` appears when the hold is reached. FERPHQ_TEST_MODEL is the model's id.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from db.actors import Actor
from db.queries.jobs.leases import JobQueries
from db.store import Store
from fer_phq.core.analysis import (
    Progress,
    ProgressHook,
    RecordingInfo,
    SessionAnalysis,
    Settings,
    Step,
    Timeline,
    Timing,
    TrackSummary,
)
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq.core.sidecar import Sidecar
from fer_phq.video import probe
from service.jobs.worker import run_worker
from service.logs import configure_logging
from service.settings import load_settings


class PacedAnalyser:
    """Gives every recording the same made-up faces, at a pace."""

    def __init__(self) -> None:
        self.model_id = os.environ.get("FERPHQ_TEST_MODEL", "paced-0000")

    def analyse(
        self, path: Path, settings: Settings, on_progress: ProgressHook, beside: Sidecar, display_name: str
    ) -> SessionAnalysis:
        pace = _pace()
        info = _recording(path, pace.get("recording"))
        with (_marks() / "begun").open("a") as file:
            file.write(f"{os.getpid()} {info.sha256}\n")
        if pace.get("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if "fail" in pace:
            raise MemoryError if pace["fail"] == "memory" else KeyError("a secret detail")
        frames = pace.get("frames", 4)
        for done in range(frames):
            time.sleep(pace.get("delay", 0))
            on_progress(Progress(Step.FACES, done + 1, frames))
        return SessionAnalysis(
            recording=info,
            model_id=self.model_id,
            sampling=settings.sampling,
            timeline=_timeline(frames),
            embeddings=np.ones((frames, 8), np.float32),
            phq=PhqUnavailable(UnavailableReason.NO_HEAD),
            tracks=(TrackSummary(0, frames, 0.0, frames / 2, 0.2, True),),
            warnings=(),
            timing=Timing(0.0, 0.0, 0.0, 0.0),
            sidecar_digest=beside.digest(),
        )


class HoldingJobs(JobQueries):
    """Jobs, standing still before one is settled whose analysis is saved, when the pace asks for it."""

    def finish(self, **values: Any) -> bool:
        if values.get("analysis_id") is not None and _pace().get("hold") == "saved":
            (_marks() / "saved").touch()
            time.sleep(60)
        return super().finish(**values)


class HoldingStore(Store):
    """A store with `HoldingJobs`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.jobs = HoldingJobs(self._url, self._engine, lambda: Actor("worker"))


def _marks() -> Path:
    return Path(os.environ["FERPHQ_TEST_MARKS"])


def _pace() -> dict[str, Any]:
    pace: dict[str, Any] = json.loads((_marks() / "pace.json").read_text())
    return pace


def _recording(path: Path, facts: dict[str, Any] | None) -> RecordingInfo:
    """What a stored recording is like; its name is its hash."""
    return probe(path) if facts is None else RecordingInfo(**{**facts, "path": str(path), "sha256": path.stem})


def _timeline(frames: int) -> Timeline:
    emotions = np.full((frames, 7), 1 / 7, np.float32)
    return Timeline(
        time_s=np.arange(frames) / 2.0,
        emotions=emotions,
        box=np.tile(np.array([10, 10, 90, 90], np.float32), (frames, 1)),
        landmarks=np.tile(np.array([[30, 40], [60, 40], [45, 55], [35, 70], [55, 70]], np.float32), (frames, 1, 1)),
        detection_score=np.full(frames, 0.9, np.float32),
        quality=np.full(frames, 0.8, np.float32),
    )


def work(environment: dict[str, str], log: str) -> None:
    """Be a worker until a signal comes, with these environment variables; a log file takes all output."""
    os.setsid()
    for name in [name for name in os.environ if name.startswith("FERPHQ_")]:
        del os.environ[name]
    os.environ.update(environment)
    threading.Thread(target=_end_with_tests, daemon=True).start()
    _write_to(log)
    sys.exit(run_worker(load_settings(), analyser=PacedAnalyser(), open_store=HoldingStore))


def _end_with_tests() -> None:
    """End when the process of the tests is gone, however it ended."""
    tests = multiprocessing.parent_process()
    assert tests is not None
    tests.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _write_to(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    configure_logging("INFO", service=True)


if __name__ == "__main__":
    _write_to(sys.argv[1])
    raise SystemExit(run_worker(load_settings(), analyser=PacedAnalyser(), open_store=HoldingStore))
