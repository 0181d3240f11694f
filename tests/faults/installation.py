"""An installation that faults happen to: recordings come in, paced workers analyse them, and the end is checked."""

from __future__ import annotations

import dataclasses
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrated import migrate

from db.records import JobRecord, JobState
from db.store import Store
from fer_phq.core.errors import StoreError
from fer_phq.video import probe
from service.ingest import media
from service.ingest.media import MediaStore
from service.lifecycle.doctor import Health, examine
from service.settings import AppSettings
from tests.worker_processes import Process, Workers

WHEN = datetime(2026, 5, 6, tzinfo=UTC)
CANARY = "Canary"
"""Stands in every name and note, and must stand in no log."""
SETTLED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def distinct(recording: bytes, number: int, padding: int = 0) -> bytes:
    """The same film as another file: with a box at its end that players skip, whose zeros are still to be added."""
    return recording + struct.pack(">I4sQ", 16 + padding, b"free", number)


class Installation:
    """Settings, store and paced workers of one installation.

    Attributes:
        accepted: The job of each recording that was accepted.
    """

    def __init__(self, settings: AppSettings, source: Path) -> None:
        """Use a data folder that is ready; every recording is the film at `source` as another file."""
        self.settings = settings
        self._folder = source.parent
        self._source = source.read_bytes()
        self._info = probe(source)
        self.store = Store(settings.database_url, actor="dashboard")
        self.subject = self.store.subjects.create(label=f"Zebulon {CANARY}")
        self.workers = Workers(settings, self._info)
        self.accepted: list[str] = []
        self._numbers = iter(range(1, 1_000_000_000))

    def contents(self, padding: int = 0) -> bytes:
        """A film that has not been used yet; so many zeros belong at its end."""
        return distinct(self._source, next(self._numbers), padding)

    def add_unopened(self) -> str:
        """Bring a new recording in without a look inside, which takes seconds; return its job's id."""
        path = self._new_file()
        files = MediaStore(self.settings)
        try:
            digest = media.file_sha256(path)
            with files.locked(), files.copy_in(path, self.subject.id, key=None) as copy:
                stored = files.move_in(copy.path, digest, key=None)
                _, job = self.store.sessions.create_with_job(
                    subject_id=self.subject.id,
                    recorded_at=WHEN,
                    recording=dataclasses.replace(self._info, sha256=digest),
                    original_name=f"{CANARY} in march.mp4",
                    media_path=stored,
                    consent=None,
                    is_demo=True,  # which needs no consent
                )
        finally:
            path.unlink()
        self.accepted.append(job.id)
        return job.id

    def job(self, job_id: str) -> JobRecord:
        """A job as it stands."""
        return self.store.jobs.get(job_id=job_id)

    def running(self) -> list[JobRecord]:
        """The jobs that a worker holds."""
        return [job for job in self.store.jobs.list_live() if job.state is JobState.RUNNING]

    def settle(self, seconds: float = 120) -> Counter[str]:
        """Wait until every accepted job has ended, and count the ends."""

        def all_ended() -> bool:
            return not self.store.jobs.list_live()

        self.workers.wait(all_ended, "the end of every job", seconds)
        return Counter(self.job(job_id).state.value for job_id in self.accepted)

    def faults(self) -> list[str]:
        """What is not as it must be once every job has ended: a line each."""
        lines = [line for job_id in self.accepted for line in self._job_faults(self.job(job_id))]
        if not self.store.audit.check_chain().whole:
            lines.append("the audit's chain is broken")
        logs = {path.name: path.read_text(errors="replace") for path in self.settings.data_dir.glob("*.log")}
        lines += [f"{name} names a person" for name, text in logs.items() if CANARY.lower() in text.lower()]
        for part in self.settings.incoming_dir.glob("*.part"):
            os.utime(part, (0, 0))  # so that the sweep need not wait for its sender
        MediaStore(self.settings).sweep(lambda relative: self.store.sessions.media_in_use(media_path=relative))
        for check in examine(self.settings, with_hashes=True):
            is_small = check.name == "disk"  # of a test's disk
            if (check.health is Health.PROBLEM and not is_small) or (
                check.name == "leftovers" and check.health is not Health.OK
            ):
                lines.append(f"doctor: {check.name}: {check.message}")
        return lines

    def _job_faults(self, job: JobRecord) -> Iterator[str]:
        analyses = self.store.sessions.get_detail(session_id=job.session_id).analyses
        if job.state not in SETTLED:
            yield f"job {job.id} is {job.state}"
        if job.state is JobState.DONE and job.analysis_id not in {analysis.id for analysis in analyses}:
            yield f"job {job.id} is done and names no analysis of its session"
        if job.state is JobState.FAILED and job.error is None:
            yield f"job {job.id} failed without a reason"
        models = Counter(analysis.model_id for analysis in analyses)
        if models and max(models.values()) > 1:
            yield f"the session of job {job.id} was analysed {models}"

    def end(self) -> None:
        """End the workers and close the store."""
        self.workers.end()
        self.store.close()

    def _new_file(self) -> Path:
        path = self._folder / f"film-{time.monotonic_ns()}.mp4"
        path.write_bytes(self.contents())
        return path


@contextmanager
def installation(folder: Path, source: Path, **options: Any) -> Iterator[Installation]:
    """An installation in a folder, with short time-outs; `options` are settings."""
    settings = AppSettings(**{"data_dir": folder / "data", "min_free_bytes": 0, "worker_timeout_s": 5, **options})
    settings.prepare()
    migrate(settings.database_url)
    house = Installation(settings, source)
    orphan_s = media.ORPHAN_SECONDS
    media.ORPHAN_SECONDS = 0  # so that the sweep at the end need not wait for another machine
    try:
        yield house
    finally:
        media.ORPHAN_SECONDS = orphan_s
        house.end()


def patiently(call: Callable[[], Any], seconds: float = 60) -> Any:
    """Call until the store answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except StoreError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def waits_or_ended(workers: Workers, process: Process) -> bool:
    """Whether a worker has said that it waits for the database, or has ended."""
    says_so = "waiting for it" in workers.output() or "waits for the database" in workers.output()
    return says_so or process.poll() is not None
