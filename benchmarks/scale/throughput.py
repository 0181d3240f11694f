"""How much one worker analyses, and how much two do: real programs, one PostgreSQL, in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.scale.content import CONSENT, NEWEST, distinct_recordings
from benchmarks.scale.figures import markdown, spread
from db.engine import normalise_url
from db.records import JobState
from db.store import Store
from fer_phq.video import probe
from service.ingest.recordings import add_recording
from service.settings import AppSettings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Turn:
    """What some workers did in a turn.

    Attributes:
        seconds_a_second: Seconds of recordings that were analysed in a second.
        cpu_s: Processor seconds of the workers and their decoders for a second of recording.
        memory_mb: Resident memory of the largest worker at the turn's end, without its decoder.
        connections: Most connections of a worker to the database.
    """

    seconds_a_second: float
    cpu_s: float
    memory_mb: float
    connections: int


def environment(settings: AppSettings) -> dict[str, str]:
    """Return the environment of a program of an installation that computes in one thread."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("FERPHQ_")}
    return surroundings | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "FERPHQ_DATA_DIR": str(settings.data_dir),
        "FERPHQ_DATABASE_URL": settings.database_url,
        "FERPHQ_MIN_FREE_BYTES": str(settings.min_free_bytes),
        "FERPHQ_API_PORT": str(settings.api_port),
    }


@contextmanager
def running(settings: AppSettings, command: str) -> Iterator[psutil.Process]:
    """Run a command of fer-phq beside the block."""
    with (settings.data_dir / f"{command}.log").open("ab") as log:
        program = subprocess.Popen(
            [sys.executable, "-m", "service.cli", command], env=environment(settings), cwd=ROOT, stdout=log, stderr=log
        )
    try:
        yield psutil.Process(program.pid)
    finally:
        program.terminate()
        program.wait(60)


class Throughput:
    """Turns of one and of two workers over recordings of one film."""

    def __init__(self, settings: AppSettings, store: Store, film: Path, short_film: Path) -> None:
        """Take an installation without workers.

        Args:
            settings: The installation.
            store: Its store.
            film: The recording that is analysed.
            short_film: One that each worker analyses beforehand, so that its model is loaded.
        """
        self._settings = settings
        self._store = store
        self._seconds = probe(film).duration_s
        self._films = distinct_recordings(film, settings.data_dir)
        self._short_films = distinct_recordings(short_film, settings.data_dir)
        self._subject = store.subjects.create(label="Throughput").id

    def measure(self, rounds: int, recordings: int) -> dict[str, Any]:
        """Let one worker and two take turns.

        Args:
            rounds: How often each has its turn.
            recordings: How many each worker analyses in a turn.
        """
        turns: dict[int, list[Turn]] = {1: [], 2: []}
        with running(self._settings, "worker") as first:
            self._warm_up(1)
            for turn in range(rounds):
                for workers in (1, 2) if turn % 2 == 0 else (2, 1):
                    if workers == 1:
                        turns[1].append(self._turn([first], recordings))
                        continue
                    with running(self._settings, "worker") as second:
                        self._warm_up(2)
                        turns[2].append(self._turn([first, second], recordings))
        ratios = [two.seconds_a_second / one.seconds_a_second for one, two in zip(turns[1], turns[2], strict=True)]
        result: dict[str, Any] = {"recording_s": self._seconds, "recordings": recordings, "ratio": spread(ratios)}
        for workers, some in turns.items():
            result[f"workers_{workers}"] = {
                "seconds_a_second": spread([turn.seconds_a_second for turn in some]),
                "cpu_s": spread([turn.cpu_s for turn in some]),
                "memory_mb": spread([turn.memory_mb for turn in some]),
                "connections": max(turn.connections for turn in some),
            }
        return result

    def _warm_up(self, workers: int) -> None:
        """Wait until so many workers have loaded their model: until each has done a job of the same crowd of jobs."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self._store.workers.list_all()) < workers:
            assert time.monotonic() < deadline, "a worker did not start"
            time.sleep(0.1)
        names: set[str | None] = set()
        while len(names) < workers:
            jobs = self._queue(self._add(self._short_films, 2 * workers))
            self._wait(jobs)
            names = {record.worker for record in self._store.jobs.list_by_id(job_ids=jobs)}
            assert time.monotonic() < deadline, "a worker took no job"

    def _turn(self, workers: list[psutil.Process], recordings: int) -> Turn:
        sessions = self._add(self._films, recordings * len(workers))
        before = sum(_cpu_s(worker) for worker in workers)
        begin = time.perf_counter()
        connections = self._wait(self._queue(sessions), workers)
        took = time.perf_counter() - begin
        film_s = self._seconds * len(sessions)
        cpu_s = (sum(_cpu_s(worker) for worker in workers) - before) / film_s
        return Turn(film_s / took, cpu_s, max(worker.memory_info().rss for worker in workers) / 1e6, connections)

    def _add(self, films: Iterator[Path], number: int) -> list[str]:
        """Bring recordings in whose analysis nobody has asked for yet."""
        sessions = []
        for _ in range(number):
            path = next(films)
            recording = add_recording(
                self._settings,
                self._store,
                path,
                subject_id=self._subject,
                recorded_at=NEWEST,
                consent_by=CONSENT.by,
                consent_text=CONSENT.text_version,
                enqueue=False,
            )
            path.unlink()
            sessions.append(recording.session_id)
        return sessions

    def _queue(self, sessions: list[str]) -> list[str]:
        return [self._store.jobs.create(session_id=session_id).id for session_id in sessions]

    def _wait(self, jobs: list[str], workers: list[psutil.Process] | None = None) -> int:
        """Wait until the jobs are done; return the most connections of a worker to the database meanwhile."""
        most = 0
        deadline = time.monotonic() + PATIENCE_S
        while True:
            records = self._store.jobs.list_by_id(job_ids=jobs)
            assert all(record.state is not JobState.FAILED for record in records), records
            if all(record.state is JobState.DONE for record in records):
                return most
            assert time.monotonic() < deadline, "the analyses did not end"
            most = max([most, *(connections_to(worker, self._settings.database_url) for worker in workers or [])])
            time.sleep(0.2)


def _cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds of a process, its children that ended and those that run."""
    times = [process.cpu_times(), *(child.cpu_times() for child in process.children(recursive=True))]
    return sum(time.user + time.system + time.children_user + time.children_system for time in times)


def connections_to(process: psutil.Process, url: str) -> int:
    """Return how many connections a process has to a PostgreSQL.

    Args:
        process: The process.
        url: The database.
    """
    port = normalise_url(url).port
    return sum(bool(end.raddr) and end.raddr.port == port for end in process.net_connections("tcp"))


def table(result: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    rows = []
    for workers in (1, 2):
        turn = result[f"workers_{workers}"]
        rate = turn["seconds_a_second"]
        rows.append(
            [
                workers,
                rate.text(),
                rate.text(3600 / 3000, 1),
                turn["cpu_s"].text(1, 3),
                turn["memory_mb"].text(1, 0),
                turn["connections"],
            ]
        )
    heads = [
        "workers",
        "analysed seconds a second",
        "sessions of 50 min an hour",
        "processor seconds for a second",
        "memory of a worker, MB",
        "connections of a worker",
    ]
    length = f"{result['recordings']} recordings of {result['recording_s']:.0f} s for each worker in a turn"
    return f"{markdown(heads, rows)}\n\nTwo workers to one: {result['ratio'].text(1, 2)} times ({length})."
