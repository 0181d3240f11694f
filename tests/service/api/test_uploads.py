"""Recordings that come in by the API for programs: in pieces by tus, and from the server's folder."""

from __future__ import annotations

import base64
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpx
import pytest
from api_server import asker, problem
from recordings import Recordings
from starlette.requests import Request
from starlette.testclient import TestClient

from db.actors import Role
from db.records import JobPriority, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.encryption.files import is_encrypted
from fer_phq.core.encryption.key import create_key_file
from fer_phq.video.decoder import process
from service.access.accounts import add_account, create_token
from service.api.receiving import receive_body
from service.api.v1.answers.problems import Sentences
from service.api.v1.uploads.routes import _Uploads
from service.ingest.media import MediaStore, file_sha256
from service.ingest.partial_uploads import PartialUpload, PartialUploads
from service.ingest.tokens import UploadGrant
from service.lifecycle import erasure
from service.lifecycle.encryption import turn_encryption
from service.settings import AppSettings

NOBODY = "00000000-0000-4000-8000-000000000000"
TUS = {"Tus-Resumable": "1.0.0"}
SENDING = {**TUS, "Content-Type": "application/offset+octet-stream"}
FACTS = {"recorded_at": "2026-05-06T10:00:00+02:00", "consent_by": "Dr M", "consent_version": "1"}


@pytest.fixture
def settings(settings: AppSettings, tmp_path: Path) -> AppSettings:
    """The installation, with a folder from which recordings are taken in."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    return settings.model_copy(update={"import_dir": folder})


@pytest.fixture
def content(recordings: Recordings) -> bytes:
    return recordings(seconds=1, audio=True).read_bytes()


def metadata(subject_id: str, **facts: str | None) -> str:
    """The header; a fact of None is left out."""
    pairs = {"subject_id": subject_id, "filename": "P01 first.mp4", **FACTS, **facts}
    coded = {name: base64.b64encode(value.encode()).decode() for name, value in pairs.items() if value is not None}
    return ",".join(f"{name} {value}" for name, value in coded.items())


def begin(client: TestClient, subject_id: str, size: int, **facts: str | None) -> Any:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(subject_id, **facts)}
    return client.post("/v1/uploads", headers=headers)


def send(client: TestClient, path: str, offset: int, content: bytes) -> Any:
    return client.patch(path, content=content, headers={**SENDING, "Upload-Offset": str(offset)})


# ---------------------------------------------------------------------------------------------------------- uploads


def test_an_upload_in_pieces_becomes_one_session(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    answer = begin(client, subject.id, len(content), filetype="video/mp4")
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "0")
    assert (answer.headers["tus-resumable"], answer.headers["upload-expires"][-3:]) == ("1.0.0", "GMT")
    path = answer.headers["location"]
    for start in (0, 1000, 5000):
        end = {0: 1000, 1000: 5000, 5000: len(content)}[start]
        assert client.head(path, headers=TUS).headers["upload-offset"] == str(start)
        answer = send(client, path, start, content[start:end])
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(end))
    session_id, job_id = answer.headers["upload-session-id"], answer.headers["upload-job-id"]
    again = send(client, path, len(content), b"")
    assert (again.status_code, again.headers["upload-session-id"]) == (204, session_id), "the answer may have been lost"
    assert client.head(path, headers=TUS).headers["upload-session-id"] == session_id
    assert client.get(path).json()["session"] == {"session_id": session_id, "job_id": job_id, "duplicate": False}
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    session = store.sessions.get(session_id=session_id)
    assert session.media_path is not None
    assert (settings.media_dir / session.media_path).read_bytes() == content
    assert (session.original_name, session.recorded_at) == ("P01 first.mp4", datetime(2026, 5, 6, 8, tzinfo=UTC))
    assert session.consent is not None
    assert (session.consent.by, session.consent.text_version) == ("Dr M", "1")
    assert [view.job.id for view in store.jobs.list_newest()] == [job_id]
    assert client.delete(path, headers=TUS).status_code == 204
    assert client.head(path, headers=TUS).status_code == 404
    assert list(settings.incoming_dir.iterdir()) == []
    whole = client.post(
        "/v1/uploads",
        content=content,
        headers={**SENDING, "Upload-Length": str(len(content)), "Upload-Metadata": metadata(subject.id)},
    )
    expected = {"session_id": session_id, "job_id": job_id, "duplicate": True}
    assert (whole.status_code, whole.json()["session"]) == (201, expected), "in one request, and the same recording"


def test_where_the_connection_was_cut_the_upload_goes_on(
    settings: AppSettings,
    subject: SubjectRecord,
    content: bytes,
    client: TestClient,
    serve: Callable[[AppSettings], str],
) -> None:
    address = serve(settings)
    path = begin(client, subject.id, len(content)).headers["location"]
    half = len(content) // 2
    with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as connection:  # type: ignore[arg-type]
        lines = (f"PATCH {path} HTTP/1.1", "Host: 127.0.0.1", "Upload-Offset: 0", f"Content-Length: {len(content)}")
        head = "\r\n".join((*lines, *(f"{name}: {value}" for name, value in SENDING.items()), "", ""))
        connection.sendall(head.encode() + content[:half])
        wait_for(lambda: list(settings.incoming_dir.glob(f"{subject.id}.*.lock.part")))
        time.sleep(0.2)  # until it has been read
    wait_for(lambda: client.head(path, headers=TUS).headers["upload-offset"] != "0")
    offset = int(httpx.head(f"{address}{path}", headers=TUS).headers["upload-offset"])
    assert 0 < offset <= half
    headers = {**SENDING, "Upload-Offset": str(offset)}
    answer = httpx.patch(f"{address}{path}", content=content[offset:], headers=headers, timeout=60)
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(content)))
    assert answer.headers["upload-session-id"]


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_no_recording_is_refused_and_stays_refused(
    settings: AppSettings, store: Store, subject: SubjectRecord, client: TestClient
) -> None:
    words = b"This is not a video.\n" * 50
    path = begin(client, subject.id, len(words)).headers["location"]
    first = send(client, path, 0, words)
    assert first.status_code == 422
    assert problem(send(client, path, len(words), b"")) == problem(first)
    state = client.get(path).json()
    assert (state["session"], state["problem"]["code"]) == (None, first.json()["code"])
    head = client.head(path, headers=TUS)
    last = len(words) - 1
    assert (head.status_code, head.headers["upload-problem"]) == (200, first.json()["code"])
    assert int(head.headers["upload-offset"]) == state["offset"] == last, (
        "a client of tus takes all bytes for a success"
    )
    assert problem(send(client, path, last, words[last:])) == problem(first), "and so it learns why there is none"
    assert problem(send(client, path, 0, words)) == (409, "ingest.wrong_offset")
    assert store.sessions.list_recent() == []
    assert not list(settings.incoming_dir.glob(f"*.{0:018d}.part")), "its bytes are gone"


REFUSALS: list[tuple[dict[str, str | None], dict[str, str], int, str]] = [
    ({"consent_by": None}, {}, 403, "api.consent_needed"),
    ({"consent_version": "0"}, {}, 422, "api.consent_version"),
    ({"recorded_at": None}, {}, 422, "api.unusable_request"),
    ({"recorded_at": "2026-05-06T10:00:00"}, {}, 422, "api.unusable_request"),
    ({"recorded_at": "0001-01-01T00:00:00+14:00"}, {}, 422, "api.unusable_request"),
    ({"recorded_at": "2999-05-06T10:00:00Z"}, {}, 422, "api.recorded_at"),
    ({"keep_days": "0"}, {}, 422, "api.unusable_request"),
    ({"keepdays": "30"}, {}, 422, "api.unusable_request"),
    ({"subject_id": NOBODY}, {}, 404, "db.no_row"),
    ({}, {"Upload-Metadata": "subject_id 123"}, 422, "api.metadata"),
    ({}, {"Upload-Length": "0"}, 422, "api.empty_upload"),
    ({}, {"Upload-Length": "-1"}, 422, "api.bytes_header"),
    ({}, {"Upload-Length": "9" * 15}, 413, "ingest.too_large"),
    ({}, {"Tus-Resumable": "0.2"}, 412, "api.tus_version"),
]


def test_what_is_not_taken_is_refused_before_it_comes(
    settings: AppSettings, subject: SubjectRecord, client: TestClient
) -> None:
    for facts, changes, status, reason in REFUSALS:
        header = metadata(**{"subject_id": subject.id, **facts})  # type: ignore[arg-type]
        headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": header, **changes}
        answer = client.post("/v1/uploads", headers=headers)
        assert problem(answer) == (status, reason), facts
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert list(settings.incoming_dir.iterdir()) == []
    path = begin(client, subject.id, 10).headers["location"]
    assert problem(send(client, path, 3, b"x")) == (409, "ingest.wrong_offset")
    assert problem(send(client, path, 0, b"x" * 11)) == (413, "api.more_than_length")
    assert problem(client.patch(path, content=b"x", headers={**TUS, "Upload-Offset": "0"})) == (415, "api.offset_type")
    assert problem(client.patch(path, content=b"x", headers=SENDING)) == (422, "api.bytes_header")
    assert client.head(path, headers=TUS).headers["upload-offset"] == "0"
    describing = client.options("/v1/uploads").headers
    assert (describing["tus-version"], describing["tus-max-size"]) == ("1.0.0", str(settings.max_upload_bytes))


def test_of_two_requests_at_once_one_is_taken(
    settings: AppSettings, store: Store, subject: SubjectRecord, client: TestClient
) -> None:
    path = begin(client, subject.id, 10).headers["location"]
    uploads = PartialUploads(settings, store)
    with uploads.locked(path.rpartition("/")[2], ""):
        answer = send(client, path, 0, b"x")
        assert problem(answer) == (423, "ingest.upload_in_use")
        assert answer.headers["retry-after"] == "2"
        assert problem(client.delete(path, headers=TUS)) == (423, "ingest.upload_in_use")
    assert send(client, path, 0, b"x").status_code == 204


def test_of_a_whole_upload_head_says_why_it_is_no_session_or_makes_it_one(
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    content: bytes,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = begin(client, subject.id, len(content)).headers["location"]
    with monkeypatch.context() as broken:
        broken.setattr(process, "_COMMAND", ["sh", "-c", "kill -KILL $$"])
        assert problem(send(client, path, 0, content)) == (503, "video.killed")
        assert client.head(path, headers=TUS).status_code == 503
        assert problem(client.get(path)) == (503, "video.killed")
    with PartialUploads(settings, store).locked(path.rpartition("/")[2], ""):
        assert client.head(path, headers=TUS).status_code == 423
        assert problem(client.get(path)) == (423, "ingest.upload_in_use")
    answer = client.head(path, headers=TUS)
    assert (answer.status_code, answer.headers["upload-offset"]) == (200, str(len(content)))
    assert answer.headers["upload-session-id"] == client.get(path).json()["session"]["session_id"]


def test_a_body_without_a_length_is_not_read_beyond_the_upload(
    settings: AppSettings, subject: SubjectRecord, client: TestClient
) -> None:
    path = begin(client, subject.id, 1).headers["location"]
    headers = {**SENDING, "Upload-Offset": "0"}
    assert problem(client.patch(path, content=iter([b"x" * 9]), headers=headers)) == (413, "api.more_than_length")
    files = MediaStore(settings)
    reads = 0

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": reads < 500}

    async def take(size: int) -> int:
        request = Request({"type": "http", "method": "PATCH", "headers": []}, receive)
        with files.incoming(key=None) as piece:
            await receive_body(settings, files, request, piece, size)
            return piece.size

    assert (anyio.run(take, 1500), reads) == (2000, 2)


def test_uploads_that_are_completed_leave_the_threads_to_others(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes
) -> None:
    grant = UploadGrant(subject.id, datetime(2026, 5, 6, tzinfo=UTC), "Dr M", "1")
    uploads = PartialUploads(settings, store)
    upload = uploads.begin(grant, len(content), "P01.mp4", "")
    with uploads.begin_piece(upload, 0) as piece:
        piece.write(content)
        uploads.add_piece(upload, piece)
    handlers = _Uploads(settings, store, Sentences(lambda message, language: str(message), ("en",)))

    async def complete() -> PartialUpload:
        everyone = anyio.to_thread.current_default_thread_limiter()
        everyone.total_tokens = 1
        async with everyone:
            with anyio.fail_after(20):
                return await handlers._complete(upload)

    assert anyio.run(complete).session_id


def test_what_is_never_finished_goes(settings: AppSettings, store: Store, subject: SubjectRecord) -> None:
    client = asker(settings)
    path = begin(client, subject.id, 10).headers["location"]
    send(client, path, 0, b"x")
    files = list(settings.incoming_dir.iterdir())
    assert len(files) == 3
    late = asker(settings.model_copy(update={"stale_upload_s": 0.0}))
    assert problem(send(late, path, 1, b"x")) == (404, "ingest.no_upload")
    for file in files:
        os.utime(file, (0, 0))
    assert MediaStore(settings).sweep(lambda relative: True) == 3
    begin(client, subject.id, 10)
    MediaStore(settings).remove_incoming([subject.id])
    assert list(settings.incoming_dir.iterdir()) == [], "nor does an erasure leave it"


def test_where_recordings_are_encrypted_so_is_what_has_come_of_one(
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = asker(settings)
    early = begin(client, subject.id, len(content), filename="Zoe.mp4").headers["location"]
    create_key_file(tmp_path / "installation.key")
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(tmp_path / "installation.key"))
    assert turn_encryption(settings, store, on=True).plain == 0
    path = begin(client, subject.id, len(content), filename="Zoe.mp4").headers["location"]
    for start, end in ((0, 3000), (3000, 6000)):
        assert send(client, path, start, content[start:end]).headers["upload-offset"] == str(end)
    for file in settings.incoming_dir.iterdir():
        stored = file.read_bytes()
        assert not any(piece in stored for piece in (content[1000:1032], content[4000:4032], b"Zoe", b"Dr M"))
    session_id = send(client, path, 6000, content[6000:]).headers["upload-session-id"]
    session = store.sessions.get(session_id=session_id)
    assert session.media_path is not None
    assert is_encrypted(settings.media_dir / session.media_path)
    assert file_sha256(settings.media_dir / session.media_path) == session.media_sha256
    assert send(client, early, 0, content).headers["upload-session-id"] == session_id


def test_of_other_peoples_uploads_nobody_learns(
    settings: AppSettings, store: Store, subject: SubjectRecord, client: TestClient
) -> None:
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(store, role.value, role, "correct horse battery")
        tokens[role] = create_token(store, role.value, "script", ("upload",), 1)[0]
    for role in (Role.VIEWER, Role.CLINICIAN):
        store.shares.add(subject_id=subject.id, account_id=store.accounts.get(name=role.value).id)
    other = store.subjects.create(label="S-02")

    def ask(role: Role, method: str, path: str, **headers: str) -> Any:
        client.headers["Authorization"] = f"Bearer {tokens[role]}"
        return client.request(method, path, headers={**SENDING, "Upload-Offset": "0", **headers})

    def create(role: Role, subject_id: str) -> Any:
        header = metadata(subject_id)
        return ask(role, "POST", "/v1/uploads", **{"Upload-Length": "10", "Upload-Metadata": header})

    path = create(Role.CLINICIAN, subject.id).headers["location"]
    assert [create(role, subject.id).status_code for role in (Role.VIEWER, Role.RESEARCHER)] == [403, 403]
    assert create(Role.CLINICIAN, other.id).status_code == create(Role.CLINICIAN, NOBODY).status_code == 404
    words = {}
    for role in (Role.CLINICIAN, Role.VIEWER, Role.RESEARCHER):
        client.headers["Authorization"] = f"Bearer {tokens[role]}"
        words[role] = send_words(client, subject.id, speaker="Ben").status_code
        stranger = send_words(client, other.id, speaker="Ben")
        nobody = send_words(client, NOBODY, speaker="Ben")
        assert stranger.status_code == nobody.status_code
        assert stranger.text.replace(other.id, NOBODY) == nobody.text
    assert list(words.values()) == [201, 403, 403]
    for method in ("GET", "HEAD", "PATCH", "DELETE"):
        for role in (Role.ADMINISTRATOR, Role.VIEWER, Role.RESEARCHER):
            stranger = ask(role, method, path)
            nobody = ask(role, method, f"/v1/uploads/{NOBODY}")
            assert (stranger.status_code, nobody.status_code) == (404, 404)
            assert stranger.text.replace(path.rpartition("/")[2], NOBODY) == nobody.text
    assert ask(Role.CLINICIAN, "HEAD", path).status_code == 200
    store.shares.remove(subject_id=subject.id, account_id=store.accounts.get(name="clinician").id)
    assert ask(Role.CLINICIAN, "HEAD", path).status_code == 404, "whoever lost the subject lost the upload"


# -------------------------------------------------------------------------------------------- transcripts and options

WORDS = "WEBVTT\n\n00:00.100 --> 00:00.400\n<v Anna>How are you?\n\n00:00.500 --> 00:00.900\n<v Ben>I am well.\n"


def send_words(client: TestClient, subject_id: str, words: str = WORDS, /, **more: Any) -> Any:
    body = {"subject_id": subject_id, "name": "P01.vtt", "document": base64.b64encode(words.encode()).decode()}
    return client.post("/v1/uploads/transcripts", json=body | more)


def upload(client: TestClient, subject_id: str, content: bytes, **facts: str | None) -> Any:
    """The answer to the last byte, or to what went wrong before."""
    answer = begin(client, subject_id, len(content), **facts)
    return send(client, answer.headers["location"], 0, content) if answer.status_code == 201 else answer


def test_a_recording_comes_with_its_transcript_and_how_it_is_analysed(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    waiting = send_words(client, subject.id, speaker="ben")
    assert waiting.status_code == 201
    transcript = waiting.json()
    assert (transcript["speaker"], transcript["speakers"], transcript["utterances"]) == ("Ben", ["Anna", "Ben"], 2)
    assert transcript["notes"] == [], "whoever names the subject is not told that nobody is known to be"
    wishes = {"fps": "5", "key_frames": "false", "track": "0", "sound_track": "1"}
    answer = upload(client, subject.id, content, transcript=transcript["id"], **wishes)
    assert answer.status_code == 204
    job = store.jobs.get(job_id=answer.headers["upload-job-id"])
    assert job.settings == {"fps": 5.0, "key_frames": False, "track": 0, "sound_track": 1}
    stored = store.transcripts.get(session_id=answer.headers["upload-session-id"])
    assert stored is not None
    assert (stored.document, stored.speaker, stored.original_name) == (WORDS.encode(), "Ben", "P01.vtt")
    assert not [file for file in settings.incoming_dir.iterdir() if transcript["id"] in file.name]
    answer = begin(client, subject.id, len(content), transcript=transcript["id"])
    assert problem(answer) == (422, "ingest.transcript_gone"), "it is of one upload"


def test_a_transcript_that_cannot_be_used_is_refused_before_anything_comes(
    settings: AppSettings, store: Store, subject: SubjectRecord, client: TestClient
) -> None:
    wrong: tuple[tuple[str, dict[str, Any], int, str], ...] = (
        ("no transcript at all", {}, 422, "words."),
        ("", {}, 422, "words."),
        (WORDS, {"speaker": "Clara"}, 422, "ingest.no_such_speaker"),
        (WORDS, {}, 422, "api.speaker_needed"),
        (WORDS, {"document": base64.urlsafe_b64encode(b"\xff" * 3).decode()}, 422, "api.unusable_request"),
        (WORDS, {"subject_id": NOBODY}, 404, "db.no_row"),
    )
    for words, more, status, reason in wrong:
        answer = send_words(client, subject.id, words, **more)
        assert answer.status_code == status, answer.text
        assert problem(answer)[1].startswith(reason)
    assert "Anna, Ben" in send_words(client, subject.id).json()["detail"]
    assert list(settings.incoming_dir.iterdir()) == []
    other = store.subjects.create(label="S-02")
    transcript_id = send_words(client, other.id, speaker="Ben").json()["id"]
    for name in (transcript_id, "P01.vtt", f"{subject.id}.{'0' * 32}"):
        assert begin(client, subject.id, 10, transcript=name).status_code == 422, "of another subject, or of nobody"
    monologue = WORDS.replace("Anna", "Patient")
    assert send_words(client, subject.id, monologue).json()["speaker"] == "Patient"
    key = {"Idempotency-Key": "k"}
    body = {"subject_id": subject.id, "name": "a.vtt", "document": base64.b64encode(monologue.encode()).decode()}
    first = client.post("/v1/uploads/transcripts", json=body, headers=key)
    again = client.post("/v1/uploads/transcripts", json=body, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


OPTIONS = (
    {"fps": "0"},
    {"fps": "nan"},
    {"fps": "fast"},
    {"fps": "5", "key_frames": "true"},
    {"track": "-1"},
    {"sound_track": "0"},
    {"sound_channel": "left"},
    {"speaker": "Ben"},
    {"soundtrack": "1"},
    {"priority": "low"},
    {"priority": "2"},
    {"priority": ""},
)


def test_options_that_cannot_be_are_refused(
    store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    for options in OPTIONS:
        assert problem(begin(client, subject.id, 10, **options)) == (422, "api.unusable_request"), options
    path = begin(client, subject.id, len(content), sound_track="2").headers["location"]
    assert problem(send(client, path, 0, content)) == (422, "core.unknown_sound_track"), "only the recording says so"
    assert client.get(path).json()["problem"]["code"] == "core.unknown_sound_track"
    assert store.sessions.list_recent() == []


def differences(answer: Any) -> list[str]:
    """The codes of what is stored otherwise, because of which a recording is refused."""
    assert problem(answer) == (422, "ingest.stored_otherwise")
    return [difference["code"] for difference in answer.json()["params"]["differences"]]


def test_a_session_that_there_is_already_has_the_date_and_the_days_that_are_sent(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    session_id = upload(client, subject.id, content, keep_days="30").headers["upload-session-id"]
    first = store.sessions.get(session_id=session_id)
    same = upload(client, subject.id, content, keep_days="30", recorded_at="2026-05-06T08:00:00Z")
    assert same.headers["upload-session-id"] == session_id, "the same moment in another zone"
    assert upload(client, subject.id, content).headers["upload-session-id"] == session_id, "days that are not sent"
    for days in ("29", "31"):
        assert differences(upload(client, subject.id, content, keep_days=days)) == ["ingest.other_retention"]
    refusal = upload(client, subject.id, content, keep_days="7", recorded_at="2026-05-06T10:00:00Z", fps="4")
    assert differences(refusal) == ["ingest.other_date", "ingest.other_retention", "ingest.analysed_otherwise"]
    assert "recorded at 2026-05-06T08:00:00+00:00, not at 2026-05-06T10:00:00+00:00" in refusal.json()["detail"]
    assert client.get(refusal.request.url.path).json()["problem"]["params"] == refusal.json()["params"]
    assert store.sessions.get(session_id=session_id) == first
    assert settings.import_dir is not None
    (settings.import_dir / "P01.mp4").write_bytes(content)
    body = {"subject_id": subject.id, "path": "P01.mp4", **FACTS}
    assert client.post("/v1/sessions", json={**body, "recorded_at": None}).status_code == 200, "no date is sent"
    late = client.post("/v1/sessions", json={**body, "recorded_at": "2026-05-06T10:00:00Z"})
    assert differences(late) == ["ingest.other_date"]
    store.sessions.set_retention(session_id=session_id, retain_until=None)
    assert differences(client.post("/v1/sessions", json={**body, "keep_days": 30})) == ["ingest.no_retention"]


def test_a_recording_whose_retention_is_over_does_not_come_back_for_an_hour(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    session_id = upload(client, subject.id, content).headers["upload-session-id"]
    store.sessions.set_retention(session_id=session_id, retain_until=datetime(2026, 5, 7, tzinfo=UTC))
    assert erasure.remove_expired(settings, store) == 1
    refusal = upload(client, subject.id, content)
    assert problem(refusal) == (422, "ingest.retention_over")
    assert refusal.json()["params"] == {"session_id": session_id, "until": "2026-05-07T00:00:00+00:00"}
    assert client.patch(f"/v1/sessions/{session_id}", json={"retain_until": None}).status_code == 200
    assert upload(client, subject.id, content).headers["upload-session-id"] == session_id
    assert store.sessions.get(session_id=session_id).media_path is not None


def test_a_session_that_there_is_already_is_not_analysed_otherwise_in_silence(
    store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    first = upload(client, subject.id, content, fps="5")
    session_id, job_id = first.headers["upload-session-id"], first.headers["upload-job-id"]
    assert upload(client, subject.id, content, fps="5.0").headers["upload-job-id"] == job_id
    assert upload(client, subject.id, content).headers["upload-job-id"] == job_id
    refusal = upload(client, subject.id, content, fps="4")
    assert differences(refusal) == ["ingest.analysed_otherwise"]
    assert refusal.json()["params"]["session_id"] == session_id

    store.jobs.set_state(job_id=job_id, state=JobState.RUNNING)
    transcript = send_words(client, subject.id, speaker="Ben").json()["id"]
    path = begin(client, subject.id, len(content), transcript=transcript).headers["location"]
    assert problem(send(client, path, 0, content)) == (409, "ingest.analysed_without_transcript")
    assert store.transcripts.get(session_id=session_id) is None
    store.jobs.set_state(job_id=job_id, state=JobState.DONE)
    answer = client.head(path, headers=TUS)
    assert answer.headers["upload-session-id"] == session_id
    assert answer.headers["upload-job-id"] != job_id, "an analysis without these words would stand for the session"
    other = send_words(client, subject.id, speaker="Anna").json()["id"]
    assert differences(upload(client, subject.id, content, transcript=other)) == ["ingest.other_transcript"]
    same = send_words(client, subject.id, speaker="Ben").json()["id"]
    again = upload(client, subject.id, content, transcript=same)
    assert again.headers["upload-job-id"] == answer.headers["upload-job-id"]


def test_what_may_wait_is_behind_what_somebody_waits_for(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    assert settings.import_dir is not None
    (settings.import_dir / "P01.mp4").write_bytes(content)
    body = {"subject_id": subject.id, "path": "P01.mp4", **FACTS}
    job_id = client.post("/v1/sessions", json=body | {"priority": "batch"}).json()["job_id"]
    assert store.jobs.get(job_id=job_id).priority is JobPriority.BATCH
    assert upload(client, subject.id, content, priority="batch").headers["upload-job-id"] == job_id
    assert store.jobs.get(job_id=job_id).priority is JobPriority.BATCH
    assert upload(client, subject.id, content).headers["upload-job-id"] == job_id
    assert store.jobs.get(job_id=job_id).priority is JobPriority.INTERACTIVE, "somebody waits for it now"
    other = store.subjects.create(label="S-02")
    job_id = upload(client, other.id, content, priority="batch").headers["upload-job-id"]
    assert store.jobs.get(job_id=job_id).priority is JobPriority.BATCH


# ------------------------------------------------------------------------------------------------- the server's folder


def test_a_file_of_the_servers_folder_becomes_a_session(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    assert settings.import_dir is not None
    (settings.import_dir / "P01.mp4").write_bytes(content)
    (settings.import_dir.parent / "outside.mp4").write_bytes(content)
    body = {"subject_id": subject.id, "path": "P01.mp4", **FACTS}
    first = client.post("/v1/sessions", json=body, headers={"Idempotency-Key": "k"})
    assert first.status_code == 201
    session = store.sessions.get(session_id=first.json()["session_id"])
    assert session.media_sha256 == file_sha256(settings.import_dir / "P01.mp4")
    assert first.headers["location"] == f"/v1/sessions/{session.id}"
    again = client.post("/v1/sessions", json=body)
    assert (again.status_code, again.json()) == (200, {**first.json(), "duplicate": True})
    assert client.post("/v1/sessions", json=body, headers={"Idempotency-Key": "k"}).json() == first.json()
    for path in ("../outside.mp4", "/etc/passwd", "none.mp4", "."):
        assert client.post("/v1/sessions", json={**body, "path": path}).status_code == 422
    assert problem(client.post("/v1/sessions", json={**body, "consent_by": None})) == (403, "api.consent_needed")
    assert problem(client.post("/v1/sessions", json={**body, "subject_id": NOBODY})) == (404, "db.no_row")
    add_account(store, "Admin", Role.ADMINISTRATOR, "correct horse battery")
    add_account(store, "viewer", Role.VIEWER, "correct horse battery")
    token = create_token(store, "viewer", "script", ("upload",), 1)[0]
    answer = client.post("/v1/sessions", json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_a_fault_of_the_machine_is_none_of_the_recording(
    settings: AppSettings, subject: SubjectRecord, content: bytes, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.import_dir is not None
    (settings.import_dir / "P01.mp4").write_bytes(content)
    body = {"subject_id": subject.id, "path": "P01.mp4", **FACTS}
    with monkeypatch.context() as broken:
        broken.setattr(process, "_COMMAND", ["sh", "-c", "kill -KILL $$"])
        assert problem(client.post("/v1/sessions", json=body)) == (503, "video.killed")
    assert client.post("/v1/sessions", json=body).status_code == 201


def test_a_file_of_the_servers_folder_has_its_transcript_and_options(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, client: TestClient
) -> None:
    assert settings.import_dir is not None
    (settings.import_dir / "P01.mp4").write_bytes(content)
    (settings.import_dir / "P01.vtt").write_text(WORDS)
    body = {"subject_id": subject.id, "path": "P01.mp4", **FACTS}
    for wrong, reason in (
        ({"transcript": "P02.vtt"}, "ingest.not_in_import_folder"),
        ({"transcript": "../outside.vtt"}, "ingest.not_below_import_folder"),
        ({"transcript": "P01.mp4"}, "words."),
        ({"transcript": "P01.vtt"}, "api.speaker_needed"),
        ({"transcript": "P01.vtt", "speaker": "Clara"}, "ingest.no_such_speaker"),
        ({"speaker": "Ben"}, "api.unusable_request"),
        ({"sound_channel": 0}, "api.unusable_request"),
        ({"sound_track": 2}, "core.unknown_sound_track"),
    ):
        status, name = problem(client.post("/v1/sessions", json={**body, **wrong}))
        assert (status, name.startswith(reason)) == (422, True), (wrong, name)
    assert store.sessions.list_recent() == []
    answer = client.post("/v1/sessions", json={**body, "transcript": "P01.vtt", "speaker": "Ben", "fps": 3})
    assert answer.status_code == 201
    stored = store.transcripts.get(session_id=answer.json()["session_id"])
    assert stored is not None
    assert stored.speaker == "Ben"
    assert store.jobs.get(job_id=answer.json()["job_id"]).settings == {"fps": 3.0}
    assert differences(client.post("/v1/sessions", json={**body, "fps": 4})) == ["ingest.analysed_otherwise"]
