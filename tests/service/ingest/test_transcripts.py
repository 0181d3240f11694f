"""Transcripts on their way in: read first, then waiting for their recording, then kept with its session."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.records import NewTranscript, SubjectRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError, RecordingError
from service.api.routes import routes
from service.ingest import tokens, transcripts
from service.ingest.session_details import SessionDetails, create_upload_grant
from service.ingest.transcripts import check_transcript
from service.settings import AppSettings

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Client>Hello there\n\n00:01.000 --> 00:02.000\n<v Ms Roe>Hello\n"
NOW = datetime(2026, 5, 6, tzinfo=UTC)

Put = Callable[[Path, str], dict[str, object]]


@pytest.fixture
def put(settings: AppSettings, store: Store) -> Put:
    client = TestClient(Starlette(routes=routes(settings, store)))

    def send(source: Path, token: str) -> dict[str, object]:
        headers = {"X-Upload-Token": token}
        answer = client.put(f"/api/uploads?name={source.name}", content=source.read_bytes(), headers=headers)
        body: dict[str, object] = {"status": answer.status_code, **answer.json()}
        return body

    return send


def waiting_files(settings: AppSettings) -> list[str]:
    return os.listdir(settings.incoming_dir)


def test_speakers_and_the_subject_are_found() -> None:
    read = check_transcript("C:\\words\\a.vtt", VTT)
    assert (read.name, read.speakers, read.subject, read.utterances) == ("a.vtt", ("Client", "Ms Roe"), "Client", 2)
    assert read.with_speaker() == NewTranscript("a.vtt", VTT, "Client")
    assert read.with_speaker(" ms roe ").speaker == "Ms Roe"
    with pytest.raises(FerPhqError, match="has no speaker 'Bob': it has Client, Ms Roe"):
        read.with_speaker("Bob")
    assert "Hello" not in repr(read.with_speaker())


@pytest.mark.parametrize("document", [b"", b"\x00\x01", b"just words", b"WEBVTT\n\n", b"M\xfcller", b"x" * (17 << 20)])
def test_what_is_no_transcript_is_one_sentence_with_its_name(document: bytes) -> None:
    with pytest.raises(FerPhqError) as caught:
        check_transcript("a.vtt", document)
    assert "a.vtt" in str(caught.value)
    assert "/tmp" not in str(caught.value)


def test_a_transcript_waits_for_its_recording(
    settings: AppSettings, store: Store, recordings: Recordings, put: Put
) -> None:
    words = check_transcript("a.vtt", VTT).with_speaker()
    grant = create_upload_grant(settings, store, SessionDetails("P01", NOW, "AB", None, words), NOW)
    token = tokens.upload_token(settings, grant)
    (file,) = settings.incoming_dir.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    source = recordings(seconds=1)
    body = put(source, token)
    assert body["status"] == 201
    kept = store.transcripts.get(session_id=str(body["session_id"]))
    assert kept is not None
    assert (kept.original_name, kept.document, kept.speaker) == ("a.vtt", VTT, "Client")
    assert waiting_files(settings) == []
    again = put(source, token)
    assert (again["status"], again["duplicate"]) == (200, True)


def test_a_token_names_nobody(settings: AppSettings, store: Store) -> None:
    """A token can be read by its holder: neither the file's nor the speaker's name stands in it."""
    import base64

    words = check_transcript("roe.vtt", VTT).with_speaker("Ms Roe")
    token = tokens.upload_token(
        settings, create_upload_grant(settings, store, SessionDetails("P01", NOW, "AB", None, words), NOW)
    )
    body = token.split(".")[0]
    assert b"roe" not in base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).lower()


def test_a_transcript_that_is_gone_is_one_sentence(
    settings: AppSettings, store: Store, recordings: Recordings, put: Put
) -> None:
    words = check_transcript("a.vtt", VTT).with_speaker()
    grant = create_upload_grant(settings, store, SessionDetails("P01", NOW, "AB", None, words), NOW)
    assert grant.transcript is not None
    transcripts.remove_pending(settings, grant.transcript)
    body = put(recordings(seconds=1), tokens.upload_token(settings, grant))
    assert (body["status"], body["error"]) == (
        422,
        "The transcript of this recording is not there any more; choose it again.",
    )
    assert store.sessions.list_recent() == []
    with pytest.raises(RecordingError, match="no transcript that could be waiting"):
        transcripts.load_pending(settings, "../secret")


def test_a_session_keeps_the_transcript_that_it_has(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, put: Put
) -> None:
    source = recordings(seconds=1)
    plain = create_upload_grant(settings, store, SessionDetails(subject.label, NOW, "AB", None), NOW)
    session_id = str(put(source, tokens.upload_token(settings, plain))["session_id"])
    for name in ("first.vtt", "second.vtt"):
        words = check_transcript(name, VTT).with_speaker()
        grant = create_upload_grant(settings, store, SessionDetails(subject.label, NOW, "AB", None, words), NOW)
        assert put(source, tokens.upload_token(settings, grant))["session_id"] == session_id
    kept = store.transcripts.get(session_id=session_id)
    assert kept is not None
    assert kept.original_name == "first.vtt"
    assert waiting_files(settings) == []
