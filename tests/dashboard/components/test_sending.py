"""What a browser shows of an upload: the server's answers in its language, and sizes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.components import upload
from dashboard.i18n import languages, render
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.api.routes import routes
from service.ingest import messages
from service.ingest.media import MediaStore, StorageError, TooLargeError
from service.ingest.messages import size_message
from service.ingest.tokens import UPLOAD_USES, TokenError, UploadGrant, read_upload_link, upload_token
from service.settings import AppSettings

SENDING = Path(__file__).parents[3] / "dashboard" / "components" / "sending.js"


@pytest.fixture
def client(installation: AppSettings, store: Store) -> Iterator[TestClient]:
    """A browser at the routes as the dashboard mounts them."""
    api = routes(installation, store, translate=render, languages=tuple(languages()))
    with TestClient(Starlette(routes=api), base_url="http://localhost") as client:
        yield client


def send(client: TestClient, settings: AppSettings, subject_id: str, name: str, language: str) -> Response:
    """Upload an empty file, as sending.js does from a page in this language."""
    token = upload_token(settings, UploadGrant(subject_id, datetime(2026, 5, 6, tzinfo=UTC), consent_by="form"))
    headers = {"X-Upload-Token": token, "Accept-Language": language}
    return client.put("/api/uploads", params={"name": name}, content=b"", headers=headers)


def test_a_refused_upload_is_answered_in_german(client: TestClient, installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    refused = send(client, installation, subject.id, "Sitzung 1.2.mp4", "de")
    assert refused.status_code == 422
    assert refused.json() == {
        "error": "„Sitzung 1.2.mp4“ ist leer (0 Byte): die Aufnahme noch einmal kopieren oder hochladen.",
        "code": "video.empty",
        "params": {"file": "Sitzung 1.2.mp4"},
    }
    assert refused.headers["content-language"] == "de"
    assert send(client, installation, subject.id, "a.mp4", "fr").headers["content-language"] == "en"
    unknown = send(client, installation, "subject", "a.mp4", "de")
    assert (unknown.status_code, unknown.headers["content-language"]) == (404, "de")
    assert "subject" in unknown.json()["error"]
    assert "database" not in unknown.json()["error"]


@pytest.mark.parametrize(
    ("error", "german"),
    [
        (
            TokenError(messages.LINK_EXPIRED()),
            "Dieser Verweis ist abgelaufen; die Seite neu laden und noch einmal versuchen.",
        ),
        (
            StorageError(messages.STORAGE_FAILED(step=messages.STORED(), reason="Input/output error")),
            "Der Umgang mit der Aufnahme ist gescheitert (gespeichert: Input/output error); den Datenordner prüfen.",
        ),
        (
            TooLargeError(messages.TOO_LARGE(limit=size_message(3 * 2**29))),
            "Die Aufnahme ist größer als die 1,5 GiB, die diese Installation annimmt; "
            "eine kürzere oder kleinere senden.",
        ),
    ],
)
def test_what_goes_wrong_with_an_upload_is_answered_in_german(
    client: TestClient,
    installation: AppSettings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    error: FerPhqError,
    german: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(MediaStore, "check_room", fail)
    assert send(client, installation, store.subjects.create(label="P-1").id, "a.mp4", "de").json()["error"] == german


BROWSER = """
const headers = {};
globalThis.XMLHttpRequest = class {
  upload = {};
  open() {}
  setRequestHeader(name, value) { headers[name] = value; }
  send() { this.status = 422; this.responseText = JSON.stringify({ error: "Nein.", code: "a.b" }); this.onload(); }
};
const shown = [];
const view = { say: (text, kind) => shown.push(text, kind), stop: { remove() {} } };
const data = { labels: { refused: "?" }, language: "de", url: "/api/uploads", maxBytes: 9 };
send({ data }, { name: "a.mp4", size: 1 }, view, () => "t")
  .then((kept) => console.log(JSON.stringify([headers, shown, kept])));
"""
"""What sending.js needs of a browser, an upload that the server refuses, and what became of it."""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_browser_asks_in_the_pages_language_and_shows_the_answer() -> None:
    script = SENDING.read_text(encoding="utf-8") + BROWSER
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    headers, shown, kept = json.loads(done.stdout)
    assert headers == {"X-Upload-Token": "t", "Accept-Language": "de"}
    assert (shown, kept) == (["Nein.", "failed"], False)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(("language", "written"), [("de", "1,5 KB"), ("en", "1.5 KB")])
def test_a_browser_writes_sizes_with_the_languages_mark(language: str, written: str) -> None:
    script = f"{SENDING.read_text(encoding='utf-8')}\nconsole.log(size(1500, {json.dumps(language)}))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == written


def test_the_page_takes_new_links_before_the_old_ones_are_used_up(
    installation: AppSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, object] = {}
    monkeypatch.setattr(upload.st, "session_state", state)
    grant = UploadGrant("subject", datetime(2026, 5, 6, tzinfo=UTC))
    grants = upload.Grants(grant, by_name={"a.mp4": grant})
    first = upload._tokens(installation, grants, "k")
    assert read_upload_link(installation, first["token"]).uses == UPLOAD_USES
    assert read_upload_link(installation, first["byName"]["a.mp4"]).uses < UPLOAD_USES
    for count in range(UPLOAD_USES // 2):
        state["k_count"] = count
        assert upload._tokens(installation, grants, "k") == first
    state["k_count"] = UPLOAD_USES // 2
    renewed = upload._tokens(installation, grants, "k")
    assert renewed["token"] != first["token"]
    assert upload._tokens(installation, grants, "k") == renewed
