"""What the dashboard and a worker write to their logs while they serve: nobody's name, note or path."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
import urllib.parse
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings
from served import dashboard, free_port, process

from db.migrate import upgrade
from db.records import JobState
from db.store import Store
from service.ingest.tokens import UploadGrant, upload_token
from service.settings import AppSettings, load_settings

pytestmark = pytest.mark.slow
CANARY = "canary"
LABEL = "Zebulon Canary-Label"
FILE = "zebulon-canary in march.mp4"
DOCTOR = "Dr Canary-Consent"


@pytest.fixture
def installation(tmp_path: Path) -> AppSettings:
    settings = load_settings(data_dir=tmp_path / "data", port=free_port())
    settings.prepare()
    upgrade(settings.database_url)
    return settings


def send(settings: AppSettings, token: str, contents: bytes) -> tuple[int, dict[str, str]]:
    """Upload a file to the dashboard; the status and the answer."""
    path = f"/api/uploads?name={urllib.parse.quote(FILE)}"
    with closing(http.client.HTTPConnection("127.0.0.1", settings.port, timeout=60)) as connection:
        connection.request("PUT", path, contents, {"X-Upload-Token": token})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def until_settled(store: Store, job_id: str) -> str:
    for _ in range(600):
        state = store.jobs.get(job_id=job_id).state
        if state not in (JobState.QUEUED, JobState.RUNNING):
            return state.value
        time.sleep(0.2)
    raise AssertionError("The job was not settled.")


def test_no_name_note_or_path_of_a_person_is_in_any_log(installation: AppSettings, recordings: Recordings) -> None:
    source = recordings(seconds=2, motion="moving").read_bytes()
    with (
        Store(installation.database_url) as store,
        dashboard(installation),
        process("service.jobs.worker", installation),
    ):
        person = store.subjects.create(label=LABEL)
        grant = UploadGrant(person.id, datetime(2026, 5, 6, tzinfo=UTC), consent_by=DOCTOR, consent_text="v1")
        token = upload_token(installation, grant)
        status, body = send(installation, token, source)
        assert status == 201
        store.notes.add(session_id=body["session_id"], time_s=1.0, words="a canary note")
        assert until_settled(store, body["job_id"]) == "done"
        assert send(installation, token, b"no film of a canary")[0] == 422
        _break_database(installation)
        status, _ = send(installation, token, recordings(seconds=2, motion="still").read_bytes())
        assert status >= 500
        _until_written(installation.data_dir / "service.jobs.worker.log", "Error")

    logs = {path.name: path.read_text() for path in installation.data_dir.glob("*.log")}
    assert set(logs) == {"dashboard.launch.log", "service.jobs.worker.log"}
    assert "ends done" in logs["service.jobs.worker.log"], "the worker wrote about the job"
    assert "StoreError" in logs["dashboard.launch.log"], "the dashboard wrote about what failed"
    for name, text in logs.items():
        assert CANARY not in text.lower(), name


def _break_database(settings: AppSettings) -> None:
    """Take away tables that uploads and chores need."""
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db", timeout=30)) as connection:
        for table in ("jobs", "sessions"):
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_elsewhere")
        connection.commit()


def _until_written(path: Path, words: str) -> None:
    for _ in range(300):
        if words in path.read_text():
            return
        time.sleep(0.2)
    raise AssertionError(f"The log never said {words!r}: {path.read_text()}")
