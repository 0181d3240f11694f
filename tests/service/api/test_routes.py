"""The HTTP routes: uploads, playback in ranges, progress, health, and who may ask."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from analysis_samples import new_session, sample_analysis
from recordings import Recordings
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.actors import Actor, Role
from db.records import CohortFilter, SubjectRecord
from db.store import Store
from fer_phq.video.decoder import process
from service.access.answers import accepted_language
from service.access.guard import Guard
from service.api.routes import routes
from service.ingest import messages, tokens
from service.ingest.media import MediaStore, StorageError
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings
from service.study.links import study_url
from service.study.selection import StudyRequest

WHEN = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def app(settings: AppSettings, store: Store) -> Guard:
    return guarded(settings, store)


def guarded(settings: AppSettings, store: Store) -> Guard:
    """The routes as they are served, behind the guard."""
    return Guard(Starlette(routes=routes(settings, store)), settings)


@pytest.fixture
def client(app: Guard) -> Iterator[TestClient]:
    with TestClient(app, client=("127.0.0.1", 50000)) as client:
        yield client


@pytest.fixture
def token(settings: AppSettings, subject: SubjectRecord) -> str:
    return tokens.upload_token(settings, UploadGrant(subject.id, WHEN, consent_by="form", consent_text="v1"))


def _put(client: TestClient, source: Path, token: str, **headers: str) -> Any:
    url = f"/api/uploads?name={source.name}"
    return client.put(url, content=source.read_bytes(), headers={"X-Upload-Token": token, **headers})


def _leftovers(settings: AppSettings) -> list[Path]:
    return [path for folder in (settings.media_dir, settings.incoming_dir) for path in folder.rglob("*.*")]


def test_an_upload_becomes_a_session_and_a_job(
    client: TestClient, token: str, store: Store, recordings: Recordings
) -> None:
    source = recordings(seconds=1)
    answer = _put(client, source, token, Origin="http://testserver")
    assert answer.status_code == 201
    body = answer.json()
    session = store.sessions.get(session_id=body["session_id"])
    assert session.recorded_at == WHEN
    job = client.get(body["status_url"]).json()
    assert (job["id"], job["state"], job["active"]) == (body["job_id"], "queued", True)
    assert "No worker" in job["message"]
    assert job["error"] is None
    again = _put(client, source, token)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["session_id"] == body["session_id"]


@pytest.mark.parametrize(("kind", "status"), [("empty", 422), ("text", 422), ("truncated", 422), ("audio_only", 422)])
def test_what_is_no_recording_is_one_sentence(
    client: TestClient, token: str, settings: AppSettings, recordings: Recordings, kind: str, status: int
) -> None:
    answer = _put(client, getattr(recordings, kind)(), token)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert "Traceback" not in answer.text
    assert _leftovers(settings) == []


def test_a_fault_of_the_machine_is_none_of_the_recording(
    client: TestClient,
    token: str,
    settings: AppSettings,
    recordings: Recordings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(process, "_COMMAND", ["sh", "-c", "kill -KILL $$"])
        answer = _put(client, recordings(seconds=1), token)
    assert (answer.status_code, answer.json()["code"]) == (503, "video.killed")
    assert _leftovers(settings) == []
    assert _put(client, recordings(seconds=1), token).status_code == 201


def test_an_error_carries_its_code_and_parameters(
    client: TestClient, token: str, tmp_path: Path, subject: SubjectRecord
) -> None:
    empty = tmp_path / "holiday.mp4"
    empty.touch()
    answer = _put(client, empty, token)
    assert answer.json() == {
        "error": "'holiday.mp4' is empty (0 bytes): copy or upload the recording again.",
        "code": "video.empty",
        "params": {"file": "holiday.mp4"},
    }
    assert answer.headers["content-language"] == "en"
    broken = client.get("/api/jobs/1?token=x").json()
    assert (broken["code"], broken["params"]) == ("ingest.link_invalid", {})


def test_an_error_is_answered_in_the_language_that_is_accepted(
    settings: AppSettings, store: Store, token: str, tmp_path: Path
) -> None:
    empty = tmp_path / "holiday.mp4"
    empty.touch()
    api = routes(settings, store, translate=lambda message, code: f"{code}: {message.code}", languages=("en", "de"))
    with TestClient(Starlette(routes=api)) as client:
        answer = _put(client, empty, token, **{"Accept-Language": "fr, de-AT;q=0.9, en;q=0.8"})
    assert (answer.json()["error"], answer.json()["code"]) == ("de: video.empty", "video.empty")
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("de", "Accept-Language")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr", "en"),
        ("en;q=0.5, de", "de"),
        ("de;q=0, en", "en"),
        ("de;q=x", "en"),
        ("*", "en"),
        (";;,q=,", "en"),
    ],
)
def test_the_language_that_a_browser_likes_best(header: str, language: str) -> None:
    assert accepted_language(header, ("en", "de")) == language


def test_uploads_need_a_token_that_fits(
    client: TestClient, settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    source = recordings(seconds=1)
    for bad in ("", "x", tokens.media_token(settings, subject.id)):
        answer = _put(client, source, bad)
        assert answer.status_code == 403
        assert "link" in answer.json()["error"]
    nobody = tokens.upload_token(settings, UploadGrant("nobody", WHEN))
    assert _put(client, source, nobody).status_code == 404
    assert _leftovers(settings) == []


@pytest.mark.parametrize("consent_by", [None, "", "  "])
def test_an_upload_without_consent_is_refused_at_the_door(
    client: TestClient,
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    recordings: Recordings,
    consent_by: str | None,
) -> None:
    token = tokens.upload_token(settings, UploadGrant(subject.id, WHEN, consent_by=consent_by, consent_text="v1"))
    answer = _put(client, recordings(seconds=1), token)
    assert (answer.status_code, answer.json()["code"]) == (403, "api.upload_without_consent")
    assert _leftovers(settings) == []
    assert store.sessions.list_recent() == []


def test_other_sites_are_refused(client: TestClient, token: str, recordings: Recordings) -> None:
    source = recordings(seconds=1)
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert _put(client, source, token, **headers).status_code == 403


def test_an_allowed_origin_may_upload(settings: AppSettings, store: Store, token: str, recordings: Recordings) -> None:
    opened = settings.model_copy(update={"allowed_origins": ["https://phq.example.org"]})
    with TestClient(guarded(opened, store)) as client:
        assert _put(client, recordings(seconds=1), token, Origin="https://phq.example.org").status_code == 201


def test_limits_are_kept_with_and_without_a_length(
    settings: AppSettings, store: Store, token: str, recordings: Recordings
) -> None:
    tight = settings.model_copy(update={"max_upload_bytes": 1000})
    source = recordings(seconds=1)
    with TestClient(guarded(tight, store)) as client:
        assert _put(client, source, token).status_code == 413
        chunks = (source.read_bytes()[start : start + 500] for start in range(0, 5000, 500))
        answer = client.put("/api/uploads", content=chunks, headers={"X-Upload-Token": token})
        assert answer.status_code == 413
    roomless = settings.model_copy(update={"min_free_bytes": 2**62})
    with TestClient(guarded(roomless, store)) as client:
        answer = _put(client, source, token)
        assert (answer.status_code, "free space" in answer.json()["error"]) == (507, True)
    assert _leftovers(settings) == []


def test_a_disk_that_fills_up_meanwhile_is_one_sentence(
    client: TestClient, token: str, settings: AppSettings, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StorageError(messages.DISK_FULL())

    monkeypatch.setattr("service.ingest.media.IncomingFile.finish", full)
    answer = _put(client, recordings(seconds=1), token)
    assert (answer.status_code, answer.json()["error"][:24]) == (507, "The server's disk is ful")
    assert _leftovers(settings) == []


def test_a_surprise_is_a_number_not_a_traceback(
    client: TestClient,
    token: str,
    recordings: Recordings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def surprise(*_: Any) -> None:
        raise RuntimeError("inner detail")

    monkeypatch.setattr("service.ingest.recordings.store_upload", surprise)
    answer = _put(client, recordings(seconds=1), token)
    assert answer.status_code == 500
    number = answer.json()["error"].split()[-1].rstrip(".")
    assert "inner detail" not in answer.text
    assert number in caplog.text


def test_playback_in_ranges(client: TestClient, token: str, settings: AppSettings, recordings: Recordings) -> None:
    source = recordings(seconds=1)
    content = source.read_bytes()
    session_id = _put(client, source, token).json()["session_id"]
    url = tokens.media_url(settings, session_id)
    whole = client.get(url)
    assert (whole.status_code, whole.content) == (200, content)
    assert "no-store" in whole.headers["cache-control"]
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
    for asked, got in (("bytes=0-99", (0, 100)), ("bytes=100-", (100, len(content))), ("bytes=-50", (-50, None))):
        part = client.get(url, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, content[slice(*got)])
        assert part.headers["content-range"].endswith(f"/{len(content)}")
    for asked in (f"bytes={len(content)}-", f"bytes={len(content) + 5}-{len(content) + 9}"):
        beyond = client.get(url, headers={"Range": asked})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(content)}")
    head = client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))


def test_a_recording_is_read_by_nobody_unnoticed(
    client: TestClient, token: str, settings: AppSettings, store: Store, recordings: Recordings
) -> None:
    session_id = _put(client, recordings(seconds=1), token).json()["session_id"]
    url = tokens.media_url(settings, session_id)
    counts = []
    for asked in ("bytes=1-", "bytes=50-", "bytes= 0-", "bytes=60-"):
        assert client.get(url, headers={"Range": asked}).status_code == 206
        entries = store.audit.list_newest(object_id=session_id, object_kind="recording")
        counts.append(sum(entry.action == "read" for entry in entries))
    assert counts == [1, 1, 2, 2]


def test_playback_needs_its_own_token(
    client: TestClient, token: str, settings: AppSettings, store: Store, recordings: Recordings
) -> None:
    session_id = _put(client, recordings(seconds=1), token).json()["session_id"]
    other = tokens.media_token(settings, "other")
    for query in ("", "?token=", f"?token={other}", f"?token={token}"):
        assert client.get(f"/api/media/{session_id}{query}").status_code == 403
    for path in ("..%2F..%2Fsecret", "%2e%2e/secret"):
        assert client.get(f"/api/media/{path}?token={other}").status_code in (403, 404)
    assert client.get(tokens.media_url(settings, "unknown")).status_code == 404
    session = store.sessions.get(session_id=session_id)
    assert session.media_path is not None
    MediaStore(settings).path_of(session.media_path).unlink()
    gone = client.get(tokens.media_url(settings, session_id))
    assert (gone.status_code, "missing" in gone.json()["error"]) == (404, True)
    store.sessions.set_media_path(session_id=session_id, media_path=None)
    assert "removed" in client.get(tokens.media_url(settings, session_id)).json()["error"]


def test_health_says_whether_anyone_works(client: TestClient, store: Store) -> None:
    before = client.get("/api/health")
    assert (before.status_code, before.json()["status"], before.json()["workers"]) == (200, "degraded", 0)
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    assert client.get("/api/health").json()["status"] == "ok"


@pytest.fixture
def port(app: Guard) -> Iterator[int]:
    """A real server on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


def test_an_upload_that_breaks_off_leaves_nothing(
    port: int, token: str, settings: AppSettings, store: Store, recordings: Recordings
) -> None:
    content = recordings(seconds=1).read_bytes()
    head = (
        f"PUT /api/uploads?name=a.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Upload-Token: {token}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(head.encode() + content[: len(content) // 2])
        deadline = time.monotonic() + 20
        while not _leftovers(settings) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(_leftovers(settings)) == 1
    while _leftovers(settings) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _leftovers(settings) == []
    assert store.sessions.list_recent() == []


def test_a_person_is_downloaded_as_a_zip_by_who_may(
    client: TestClient, settings: AppSettings, store: Store, subject: SubjectRecord, token: str, recordings: Recordings
) -> None:
    body = _put(client, recordings(seconds=1), token).json()
    url = tokens.export_url(settings, subject.id)
    answer = client.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    name = f"subject-{subject.id[:8]}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert f"{name}/index.html" in names
        session = store.sessions.get(session_id=body["session_id"])
        (recording,) = [entry for entry in names if entry.endswith("/recording.mp4")]
        assert hashlib.sha256(archive.read(recording)).hexdigest() == session.media_sha256
    assert store.audit.list_newest(object_id=subject.id)[0].action == "export"


def test_a_study_is_downloaded_by_its_link_alone(settings: AppSettings, store: Store, subject: SubjectRecord) -> None:
    address = study_url(settings, StudyRequest(CohortFilter()))
    with TestClient(guarded(settings, store)) as client:
        refused = client.get(address)
        assert (refused.status_code, refused.json()["code"]) == (409, "study.nothing_there")
        session = new_session(store, subject.id, is_demo=True)
        store.analyses.save(session_id=session.id, analysis=sample_analysis())
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith('attachment; filename="study-')
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            assert {Path(name).name for name in archive.namelist()} >= {"sessions.csv", "SHA256SUMS", "METHODS.md"}
        assert store.audit.list_newest(limit=1)[0].object_kind == "study"
        for link in ("", "x", tokens.media_token(settings, session.id)):
            assert client.get(f"/api/study?token={link}").status_code == 403


def test_a_researcher_is_refused_a_recording_and_the_audit_says_so(
    settings: AppSettings, store: Store, client: TestClient, token: str, recordings: Recordings
) -> None:
    session_id = _put(client, recordings(seconds=1), token).json()["session_id"]
    reader = Actor("api", "v", "", "v", Role.RESEARCHER)
    with Store(settings.database_url, actor=lambda: reader) as limited, TestClient(guarded(settings, limited)) as other:
        answer = other.get(tokens.media_url(settings, session_id))
    assert (answer.status_code, "removed" in answer.json()["error"]) == (403, False)
    assert store.audit.list_newest(object_id=session_id, object_kind="recording")[0].action == "refuse"


def test_a_download_needs_a_link_of_its_own_and_a_role_that_changes(
    settings: AppSettings, store: Store, subject: SubjectRecord
) -> None:
    path = f"/api/subjects/{subject.id}/export?token="
    reader = Actor("api", "v", "", "v", Role.RESEARCHER)
    with Store(settings.database_url, actor=lambda: reader) as limited, TestClient(guarded(settings, limited)) as other:
        assert other.get(tokens.export_url(settings, subject.id)).status_code == 403
    with TestClient(guarded(settings, store)) as client:
        for link in ("", "x", tokens.media_token(settings, subject.id), tokens.export_token(settings, "another")):
            assert client.get(path + link).status_code == 403
    assert not list((settings.data_dir / "exports").glob("*"))
