"""The dashboard and `fer-phq up` as programs of an installation, and uploads through them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from service.ingest.tokens import UploadGrant, upload_token
from service.settings import AppSettings
from tests.faults.installation import CANARY, WHEN

ROOT = Path(__file__).parents[2]
START_S = 120.0
BLOCK = 1 << 16
STOPPED = (0, -signal.SIGTERM)
"""Exit codes after a SIGTERM: the program's own, and that of a server that passes the signal on when it has ended."""
LATER = (429, 503, 507)
"""Statuses of an upload that may be tried again."""


class Program:
    """A command of `fer-phq` that listens, with everything that it starts."""

    def __init__(self, settings: AppSettings, command: str) -> None:
        """Start it, and wait until its port answers."""
        self._settings = settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FERPHQ_")}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "FERPHQ_DATA_DIR": str(settings.data_dir),
            "FERPHQ_DATABASE_URL": settings.database_url,
            "FERPHQ_PORT": str(settings.port),
            "FERPHQ_MIN_FREE_BYTES": str(settings.min_free_bytes),
            "FERPHQ_WORKER_TIMEOUT_S": str(settings.worker_timeout_s),
        }
        self._log = settings.data_dir / f"{command}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", command], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        self._wait()

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def kill(self) -> list[psutil.Process]:
        """Kill -9 the process that was started alone; return its children that then still ran."""
        children = psutil.Process(self.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        return children

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with suppress(OSError):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{self._settings.port}/api/health", timeout=5).close()
                except urllib.error.HTTPError as answer:
                    answer.close()
                return
            time.sleep(0.1)
        self._process.kill()
        raise AssertionError(f"it does not listen:\n{self._log.read_text()}")


@dataclass(frozen=True)
class Answer:
    """What became of an upload.

    Attributes:
        status: The HTTP status; 0 where the connection broke.
        job_id: The job of a recording that was accepted.
        error: The sentence of one that was not.
    """

    status: int
    job_id: str | None = None
    error: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the recording was accepted."""
        return self.status in (200, 201)


def upload(settings: AppSettings, subject_id: str, content: bytes, padding: int = 0) -> Answer:
    """Upload a film to the dashboard's port, with so many zeros at its end."""
    grant = UploadGrant(subject_id, WHEN, consent_by="AB", consent_text="1")
    headers = {"X-Upload-Token": upload_token(settings, grant), "Content-Length": str(len(content) + padding)}
    with closing(http.client.HTTPConnection("127.0.0.1", settings.port, timeout=600)) as connection:
        try:
            connection.connect()
            with suppress(OSError):  # refused before its end: the answer may be there all the same
                connection.request("PUT", f"/api/uploads?name={CANARY}.mp4", _blocks(content, padding), headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(0)
    return Answer(answer.status, body.get("job_id"), body.get("error"))


def upload_until_answered(settings: AppSettings, subject_id: str, content: bytes, padding: int = 0) -> list[Answer]:
    """Upload, and again while the dashboard is gone or asks to come later; return all answers."""
    answers = [upload(settings, subject_id, content, padding)]
    while answers[-1].status in (0, *LATER):
        time.sleep(0.5)
        answers.append(upload(settings, subject_id, content, padding))
    return answers


def _blocks(content: bytes, padding: int) -> Iterator[bytes]:
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK]
    for _ in range(padding // BLOCK):
        yield bytes(BLOCK)
    yield bytes(padding % BLOCK)
