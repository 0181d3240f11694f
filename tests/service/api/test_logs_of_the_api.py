"""What the API for programs writes to its log: nobody's name, note or path, whatever a request holds or breaks."""

from __future__ import annotations

import logging
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from migrated import migrate
from starlette.testclient import TestClient

from db.store import Store
from service.api.v1.alone import create_app
from service.logs import configure_logging
from service.settings import AppSettings

CANARY = "Canary"
TEXT = f"Zebulon {CANARY}-Words"
BODIES: tuple[dict[str, Any], ...] = (
    {"json": {"label": TEXT, "note": TEXT, "words": TEXT, "reason": TEXT, "images": [TEXT]}},
    {"content": f'{{"label": "{TEXT}'.encode()},
)


@pytest.fixture
def settings(tmp_path: Path) -> AppSettings:
    installation = AppSettings(data_dir=tmp_path / f"{CANARY}-clinic", min_free_bytes=0)
    installation.prepare()
    migrate(installation.database_url)
    return installation


@pytest.fixture
def _service_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """A service's log, at a level at which much is written; as it was afterwards."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    level = root.level
    monkeypatch.delenv("FERPHQ_LOG_LEVEL", raising=False)
    configure_logging("INFO", service=True)
    monkeypatch.setattr(logging.getLogger("httpx2"), "disabled", True)  # the test's client
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(logging.LogRecord)
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__
    logging.getLogger("alembic").setLevel(logging.NOTSET)


def _requests(client: TestClient, subject_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every method of every path, about a subject that is there and about what is not."""
    for path, entry in client.get("/v1/openapi.json").json()["paths"].items():
        for method in entry:
            for name, body in ((subject_id, BODIES[0]), (TEXT, BODIES[1])):
                sent = body if method in ("post", "put", "patch") else {}
                yield method, re.sub(r"\{[^}]*\}", name, path), sent


@pytest.mark.usefixtures("_service_log")
@pytest.mark.parametrize("is_broken", [pytest.param(False, marks=pytest.mark.slow), True])
def test_no_request_brings_a_name_into_the_log(
    is_broken: bool, settings: AppSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label=TEXT)
        store.subjects.create(label=f"{TEXT} 2")
    app = create_app(settings)
    address = "http://127.0.0.1:8600"
    client = TestClient(app, base_url=address, client=("127.0.0.1", 50000), raise_server_exceptions=False)
    if is_broken:
        with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection:
            for table in ("subjects", "sessions", "jobs", "analyses"):
                connection.execute(f"ALTER TABLE {table} RENAME TO {table}_elsewhere")
    capsys.readouterr()
    statuses = set()
    headers = {"User-Agent": TEXT, "Accept-Language": TEXT, "Idempotency-Key": TEXT}
    for method, path, body in _requests(client, subject.id):
        answer = client.request(method, path, params={"q": TEXT}, headers=headers, **body)
        statuses.add(answer.status_code)
    logging.getLogger("tests").warning("the end")
    written = capsys.readouterr().err
    assert "the end" in written, "the log is written"
    assert CANARY.lower() not in written.lower()
    assert len(statuses & {404, 422, 503 if is_broken else 200}) >= 2, statuses
