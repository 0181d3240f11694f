"""The transcript of a session over HTTP: what it is, how it is replaced, and what becomes of the analyses."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording
from api_server import problem
from starlette.testclient import TestClient

from db.actors import Role
from db.records import Consent, JobState, SessionRecord
from db.store import Store
from fer_phq.core.sidecar import compute_digest
from service.access.accounts import add_account, create_token
from service.settings import AppSettings

NOBODY = "00000000-0000-4000-8000-000000000000"
WORDS = "WEBVTT\n\n00:00.100 --> 00:00.400\n<v Anna>How are you?\n\n00:00.500 --> 00:00.900\n<v Ben>I am well.\n"
OTHER = WORDS.replace("well", "unwell")


@pytest.fixture
def session(store: Store) -> SessionRecord:
    record = new_session(store, store.subjects.create(label="S-01").id)
    return store.sessions.record_consent(session_id=record.id, consent=Consent(at=MONDAY, by="Dr M", text_version="1"))


def path_of(session_id: str) -> str:
    return f"/v1/sessions/{session_id}/transcript"


def body_of(words: str = WORDS, speaker: str | None = "ben", **more: Any) -> dict[str, Any]:
    return {"name": "P01.vtt", "document": base64.b64encode(words.encode()).decode(), "speaker": speaker, **more}


def codes(answer: Any) -> list[str]:
    return [note["code"] for note in answer.json()["notes"]]


def analyse(store: Store, session_id: str, words: str, speaker: str = "Ben") -> str:
    analysis = sample_analysis(sample_recording(), beside=compute_digest(speaker, words.encode()))
    return store.analyses.save(session_id=session_id, analysis=analysis)


def test_a_transcript_is_given_and_replaced_and_the_analyses_stay(
    store: Store, session: SessionRecord, client: TestClient
) -> None:
    path = path_of(session.id)
    assert problem(client.get(path)) == (404, "api.no_transcript")
    first = client.put(path, json=body_of())
    assert (first.status_code, codes(first)) == (201, ["api.analyse_with_it"])
    said = first.json()
    assert (said["name"], said["speaker"], said["speakers"], said["utterances"]) == (
        "P01.vtt",
        "Ben",
        ["Anna", "Ben"],
        2,
    )
    assert (said["analysis_id"], said["is_analysed"]) == (None, False)
    assert "I am well" not in first.text, "its words are not handed out"
    analysis_id = analyse(store, session.id, WORDS)
    shown = client.get(path)
    assert (shown.json()["analysis_id"], shown.json()["is_analysed"], codes(shown)) == (analysis_id, True, [])

    replaced = client.put(path, json=body_of(OTHER), headers={"If-Match": shown.headers["etag"]})
    assert (replaced.status_code, codes(replaced)) == (200, ["api.analyses_stay", "api.analyse_with_it"])
    assert (replaced.json()["analysis_id"], replaced.json()["is_analysed"]) == (None, False)
    stored = store.transcripts.get(session_id=session.id)
    assert stored is not None
    assert (stored.document, stored.speaker, stored.sha256) == (OTHER.encode(), "Ben", replaced.json()["sha256"])
    assert [summary.id for summary in store.sessions.get_detail(session_id=session.id).analyses] == [analysis_id]
    again = client.put(path, json=body_of(OTHER))
    assert (again.status_code, again.json()) == (200, replaced.json()), "sent again, nothing is written"
    assert problem(client.put(path, json=body_of(), headers={"If-Match": shown.headers["etag"]}))[0] == 412
    assert client.get(path, headers={"If-None-Match": again.headers["etag"]}).status_code == 304
    actions = [
        entry.action for entry in store.audit.list_newest(object_id=session.id) if entry.object_kind == "transcript"
    ]
    assert actions == ["set", "set"]


def test_what_becomes_of_the_analyses_is_said_as_it_stands(
    store: Store, session: SessionRecord, client: TestClient
) -> None:
    path = path_of(session.id)
    job = store.jobs.create(session_id=session.id)
    assert codes(client.put(path, json=body_of())) == ["api.job_with_words"]
    assert store.jobs.claim(workflow_id=job.workflow_id, worker="w", claim="c") is not None
    assert codes(client.get(path)) == ["api.job_with_words"], "it began after the transcript came"
    late = client.put(path, json=body_of(OTHER))
    assert codes(late) == ["api.job_with_earlier_words"]
    assert late.json()["notes"][0]["params"] == {"job_id": job.id}
    with_words = analyse(store, session.id, WORDS)
    store.jobs.finish(workflow_id=job.workflow_id, claim="c", state=JobState.DONE, analysis_id=with_words)
    with_other = analyse(store, session.id, OTHER)
    store.faces.choose(analysis_id=with_words)
    elsewhere = client.get(path)
    assert codes(elsewhere) == ["api.analyses_stay", "api.analysed_before"]
    assert (elsewhere.json()["analysis_id"], elsewhere.json()["is_analysed"]) == (with_other, False)
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    third = client.put(path, json=body_of(WORDS.replace("well", "tired")))
    assert codes(third) == ["api.analyses_stay", "api.without_recording"]


def test_a_transcript_that_cannot_be_used_replaces_nothing(
    store: Store, session: SessionRecord, client: TestClient
) -> None:
    path = path_of(session.id)
    assert client.put(path, json=body_of()).status_code == 201
    for body, status, code in (
        (body_of("no cues"), 422, "words."),
        (body_of(speaker=None), 422, "api.speaker_needed"),
        (body_of(speaker="Clara"), 422, "ingest.no_such_speaker"),
        (body_of(document="%%"), 422, "api.unusable_request"),
        (body_of(subject_id=session.subject_id), 422, "api.unusable_request"),
    ):
        answer = problem(client.put(path, json=body))
        assert (answer[0], answer[1].startswith(code)) == (status, True), answer
    stored = store.transcripts.get(session_id=session.id)
    assert stored is not None
    assert stored.document == WORDS.encode()
    for method in ("get", "delete"):
        assert problem(client.request(method, path_of(NOBODY))) == (404, "db.no_row")
    assert problem(client.put(path_of(NOBODY), json=body_of())) == (404, "db.no_row")


def test_of_a_withdrawn_consent_no_words_are_taken_and_those_that_there_are_can_go(
    settings: AppSettings, store: Store, session: SessionRecord, client: TestClient
) -> None:
    path = path_of(session.id)
    client.put(path, json=body_of())
    store.sessions.withdraw_consent(session_id=session.id)
    assert problem(client.put(path, json=body_of(OTHER))) == (403, "lifecycle.consent_withdrawn")
    tag = client.get(path).headers["etag"]
    assert client.delete(path, headers={"If-Match": tag}).status_code == 204
    assert store.transcripts.get(session_id=session.id) is None
    assert b"I am well" not in b"".join(file.read_bytes() for file in settings.data_dir.glob("fer-phq.db*"))
    assert problem(client.delete(path)) == (404, "api.no_transcript")


def test_who_may_read_and_replace_a_transcript(store: Store, session: SessionRecord, client: TestClient) -> None:
    client.put(path_of(session.id), json=body_of())
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(store, role.value, role, "correct horse battery")
        tokens[role] = create_token(store, role.value, "script", ("read", "write", "upload"), 1)[0]
    store.shares.add(subject_id=session.subject_id, account_id=store.accounts.get(name="viewer").id)

    def ask(role: Role, method: str, body: Any = None) -> int:
        headers = {"Authorization": f"Bearer {tokens[role]}"}
        answer: int = client.request(method, path_of(session.id), json=body, headers=headers).status_code
        return answer

    assert [ask(Role.VIEWER, "GET"), ask(Role.VIEWER, "PUT", body_of(OTHER)), ask(Role.VIEWER, "DELETE")] == [
        200,
        403,
        403,
    ]
    assert [ask(Role.CLINICIAN, method, body_of()) for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]
    assert [ask(Role.RESEARCHER, "GET"), ask(Role.RESEARCHER, "PUT", body_of()), ask(Role.RESEARCHER, "DELETE")] == [
        404,
        403,
        404,
    ]
    assert ask(Role.ADMINISTRATOR, "GET") == 200
    entries = [entry for entry in store.audit.list_newest(object_id=session.id) if entry.action == "read"]
    assert len(entries) == 2
    assert {entry.detail for entry in entries} == {"transcript"}
    stored = store.transcripts.get(session_id=session.id)
    assert stored is not None
    assert stored.document == WORDS.encode()
