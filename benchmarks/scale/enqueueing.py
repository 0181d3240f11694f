"""How fast sessions come in, and what a long queue costs those who look at it."""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.scale.content import CONSENT, NEWEST, distinct_recordings
from benchmarks.scale.figures import Spread, markdown, spread, timed
from benchmarks.scale.plans import multiply_rows
from db.engine import normalise_url, open_engine
from db.records import JobState
from db.store import Store
from fer_phq.core.analysis import RecordingInfo
from service.ingest.recordings import add_recording
from service.settings import AppSettings

SPAWN = multiprocessing.get_context("spawn")
RELAYED = 8
"""Jobs that two workers offer to the job engine at once."""


def write_sessions(
    url: str, subject_id: str, mark: str, info: RecordingInfo, limit_s: float, gate: Barrier, counts: Any
) -> None:
    """Create sessions with jobs in a process of its own, and put how many and their seconds into a queue.

    Args:
        url: The database.
        subject_id: The subject of all.
        mark: Eight digits that are this process's alone.
        info: What a recording is like.
        limit_s: For how many seconds.
        gate: Opens for all processes at once.
        counts: The queue of multiprocessing.
    """
    with Store(url, actor="cli") as store:
        number = 0

        def write() -> None:
            nonlocal number
            number += 1
            digest = f"{mark}{number:056x}"
            store.sessions.create_with_job(
                subject_id=subject_id,
                recorded_at=NEWEST,
                recording=dataclasses.replace(info, sha256=digest),
                original_name="session.mp4",
                media_path=f"{digest[:2]}/{digest}.mp4",
                consent=CONSENT,
            )

        for _ in range(5):
            write()
        gate.wait()
        begin = time.perf_counter()
        written = 0
        while time.perf_counter() - begin < limit_s:
            write()
            written += 1
        counts.put((written, time.perf_counter() - begin))


def rate(url: str, subject_id: str, info: RecordingInfo, writers: int, limit_s: float, mark: int) -> float:
    """Return the sessions a second that so many processes write together."""
    gate = SPAWN.Barrier(writers)
    counts = SPAWN.Queue()
    processes = [
        SPAWN.Process(
            target=write_sessions, args=(url, subject_id, f"{mark * 10 + number:08d}", info, limit_s, gate, counts)
        )
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    ends = [counts.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    return sum(written / seconds for written, seconds in ends)


def measure_rates(store: Store, url: str, info: RecordingInfo, rounds: int, seconds: float) -> dict[str, Spread]:
    """Let one writer and two take turns.

    Args:
        store: The store.
        url: Its database.
        info: What a recording is like.
        rounds: How often each has its turn.
        seconds: How long a turn lasts.
    """
    subject_id = store.subjects.create(label="Writers").id
    rates: dict[str, list[float]] = {"writers_1": [], "writers_2": []}
    for turn in range(rounds):
        for writers in (1, 2) if turn % 2 == 0 else (2, 1):
            rates[f"writers_{writers}"].append(rate(url, subject_id, info, writers, seconds, 2 * turn + writers))
    return {name: spread(some) for name, some in rates.items()}


def measure_ingest(settings: AppSettings, store: Store, film: Path, recordings: int) -> Spread:
    """Bring recordings in, and return the seconds that each takes.

    Args:
        settings: The installation.
        store: Its store.
        film: The recording of which each is a copy that differs.
        recordings: How many.
    """
    subject_id = store.subjects.create(label="Ingest").id
    seconds = []
    for path in islice(distinct_recordings(film, settings.data_dir), recordings + 1):
        begin = time.perf_counter()
        add_recording(settings, store, path, subject_id=subject_id, recorded_at=NEWEST, consent_by="Dr Bench")
        seconds.append(time.perf_counter() - begin)
        path.unlink()
    return spread(seconds[1:])


def measure_queue(store: Store, url: str, info: RecordingInfo, jobs: int, repetitions: int) -> dict[str, Any]:
    """Queue so many jobs, and time what looks at them.

    Args:
        store: The store.
        url: Its database.
        info: What a recording is like.
        jobs: How many.
        repetitions: How often each call is timed.
    """
    subject_id = store.subjects.create(label="Queue").id
    session, job = store.sessions.create_with_job(
        subject_id=subject_id, recorded_at=NEWEST, recording=info, original_name="session.mp4", media_path="00/0.mp4"
    )
    _copy_job(url, session.id, job.id, jobs)
    newest = [view.job.id for view in store.jobs.list_newest(states=[JobState.QUEUED], limit=50)]
    calls = {
        "a relay's look for the next 8": lambda: store.jobs.list_queued(limit=RELAYED),
        "place of 50 jobs in the queue": lambda: store.jobs.count_ahead(job_ids=newest),
        "newest 200 jobs": lambda: store.jobs.list_newest(limit=200),
        "newest 200 that wait or run": lambda: store.jobs.list_newest(
            states=[JobState.QUEUED, JobState.RUNNING], limit=200
        ),
        "a page of 50 of the API": lambda: store.jobs.list_page(limit=50),
        "jobs by state (metrics)": store.jobs.count_by_state,
        "the longest wait (metrics)": store.jobs.longest_wait,
    }
    queued = store.jobs.count_by_state()[JobState.QUEUED]
    return {"queued": queued, **{name: timed(call, repetitions) for name, call in calls.items()}}


def _copy_job(url: str, session_id: str, job_id: str, number: int) -> None:
    """Copy a session with its job so often, by SQL: that is quicker than so many writes."""
    engine = open_engine(normalise_url(url))
    try:
        multiply_rows(engine, "sessions", session_id, number)
        multiply_rows(engine, "jobs", job_id, number)
    finally:
        engine.dispose()


def table(result: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    rows = [
        [name, result[name]["writers_1"].text(1, 0), result[name]["writers_2"].text(1, 0)]
        for name in ("PostgreSQL", "SQLite")
    ]
    rates = markdown(["sessions with job a second", "1 writer", "2 writers"], rows)
    queue = result["queue"]
    looks = [[name, call.text(1e3)] for name, call in queue.items() if isinstance(call, Spread)]
    looks_table = markdown([f"with {queue['queued']:,} jobs that wait", "ms"], looks)
    ingest = f"A recording that is looked into, copied and stored takes {result['ingest_s'].text(1, 2)} s."
    return f"{rates}\n\n{ingest}\n\n{looks_table}"
