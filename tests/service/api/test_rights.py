"""Who may read and change whose data by the API for programs: every route of the document, by the wrong person."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from analysis_samples import MONDAY, sample_analysis, sample_recording, sample_voice
from migrated import migrate
from starlette.testclient import TestClient

from db.actors import Actor, Role
from db.records import Consent, JobState
from db.store import Store
from fer_phq.core.messages import literal
from fer_phq.core.phq import Scale
from fer_phq.pipeline.messages import VOICE_LEFT_OUT
from fer_phq.video.messages import NO_SOUND
from fer_phq.words.messages import SUBJECT_UNKNOWN
from service.access.accounts import add_account, create_token
from service.api.v1.alone import create_app
from service.api.v1.application import create_api
from service.settings import AppSettings

CANARY = "Ottilie"
"""In everything that says who the person is."""
NOBODY = "00000000-0000-4000-8000-000000000000"
TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
NOT_OF_PERSONS = ("/v1/jobs/", "/v1/uploads/")
"""Paths whose answers hold nothing of a person, so that reading them is no entry of the audit."""
METHODS = ("get", "head", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One way to ask, with the body that its document shows as an example."""

    method: str
    path: str
    body: Any

    def ask(self, client: TestClient, token: str, ids: dict[str, str]) -> Any:
        path = self.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, f"{self.path}: say in `clinic` what it is tried with"
        headers = {"Authorization": f"Bearer {token}"} | (TUS if "/uploads/" in path else {})
        return client.request(self.method, path, json=self.body, headers=headers)


@dataclass(frozen=True)
class Clinic:
    """An installation in which one person has one of everything, which belongs to the account `own`."""

    client: TestClient
    tokens: dict[str, str]
    ids: dict[str, str]
    operations: list[Operation]
    store: Store


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("rights") / "data", min_free_bytes=0)
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url) as store:
        roles = {"admin": Role.ADMINISTRATOR, "own": Role.CLINICIAN, "other": Role.CLINICIAN}
        roles |= {"viewer": Role.VIEWER, "researcher": Role.RESEARCHER}
        tokens = {}
        for name, role in roles.items():
            add_account(store, name, role, "correct horse battery")
            tokens[name] = create_token(store, name, "script", ("read", "write", "upload"), 1)[0]
        own = Actor("api", "own", "", store.accounts.get(name="own").id, Role.CLINICIAN)
        with Store(settings.database_url, actor=lambda: own) as theirs:
            ids = fill(theirs)
        store.shares.add(subject_id=ids["subject_id"], account_id=store.accounts.get(name="viewer").id)
        operations = list(documented(create_api(settings, store).openapi()))
        client = TestClient(
            create_app(settings),
            base_url="http://127.0.0.1:8600",
            client=("127.0.0.1", 50000),
            raise_server_exceptions=False,
        )
        ids["upload_id"] = begin_upload(client, tokens["own"], ids["subject_id"])
        yield Clinic(client, tokens, ids, operations, store)


def fill(store: Store) -> dict[str, str]:
    """One of everything about one person: the ids in the paths."""
    subject = store.subjects.create(label=f"{CANARY} S")
    session = store.sessions.create(
        subject_id=subject.id,
        recorded_at=MONDAY,
        recording=sample_recording(f"{CANARY}.mov"),
        original_name=f"{CANARY}.mov",
        media_path=None,
    )
    consent = Consent(at=MONDAY, by=f"{CANARY}'s doctor", text_version="1")
    store.sessions.record_consent(session_id=session.id, consent=consent)
    analysis = replace(
        sample_analysis(sample_recording(f"{CANARY}.mov"), voice=sample_voice()),
        warnings=(
            SUBJECT_UNKNOWN(count=2, speakers=f"{CANARY}, Dr M"),
            VOICE_LEFT_OUT(reason=NO_SOUND(file=f"{CANARY}.mov")),
            literal(f"{CANARY} is seen twice"),
        ),
    )
    store.transcripts.save(
        session_id=session.id,
        original_name=f"{CANARY}.vtt",
        document=f"WEBVTT\n\n00:00.000 --> 00:01.000\n<v {CANARY}>I am {CANARY}.\n".encode(),
        speaker=CANARY,
    )
    job = store.jobs.create(session_id=session.id)
    store.jobs.set_state(job_id=job.id, state=JobState.CANCELLED)  # its events are at their end
    return {
        "subject_id": subject.id,
        "session_id": session.id,
        "analysis_id": store.analyses.save(session_id=session.id, analysis=analysis),
        "questionnaire_id": store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY
        ).id,
        "event_id": store.events.add(subject_id=subject.id, at=MONDAY, words=f"{CANARY} moved").id,
        "job_id": job.id,
        "name": "voice",
    }


def begin_upload(client: TestClient, token: str, subject_id: str) -> str:
    """Begin an upload, and return its id."""
    facts = {"subject_id": subject_id, "filename": f"{CANARY}.mp4", "consent_by": f"{CANARY}'s doctor"}
    facts |= {"recorded_at": "2026-05-06T10:00:00+02:00", "consent_version": "1"}
    coded = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
    headers = {"Authorization": f"Bearer {token}", **TUS, "Upload-Length": "1000", "Upload-Metadata": coded}
    answer = client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def documented(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation about what has an id."""
    for path, entry in document["paths"].items():
        for method, operation in entry.items():
            if "_id}" not in path or method not in METHODS:
                continue
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            yield Operation(method.upper(), path, schema.get("examples", [None])[0])


def without_ids(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        if name.endswith("_id"):
            text = text.replace(value, NOBODY)
    return text


def test_of_another_persons_data_nobody_learns_whether_it_exists(clinic: Clinic) -> None:
    nobody = clinic.ids | {name: NOBODY for name in clinic.ids if name.endswith("_id")}
    for operation in clinic.operations:
        stranger = operation.ask(clinic.client, clinic.tokens["other"], clinic.ids)
        unknown = operation.ask(clinic.client, clinic.tokens["other"], nobody)
        assert stranger.status_code == unknown.status_code == 404, (operation, stranger.text, unknown.text)
        assert without_ids(stranger.text, clinic.ids) == unknown.text, operation
    everybody = "/v1/subjects", "/v1/sessions"
    for path in everybody:
        listing = clinic.client.get(path, headers={"Authorization": f"Bearer {clinic.tokens['other']}"})
        assert listing.json() == {"items": [], "next": None}


@pytest.mark.parametrize("role", ["viewer", "researcher"])
def test_who_only_reads_changes_nothing(clinic: Clinic, role: str) -> None:
    creations = [Operation("POST", "/v1/subjects", {"label": "New"})]
    previews = [Operation("POST", "/v1/subjects/{subject_id}/merge", {"into": NOBODY})]
    for operation in [*clinic.operations, *creations, *previews]:
        answer = operation.ask(clinic.client, clinic.tokens[role], clinic.ids)
        if operation.method in ("GET", "HEAD"):
            assert answer.status_code in (200, 403, 404, 406), (operation, answer.text)
        else:
            assert answer.status_code in (403, 404, 409, 422), (operation, answer.text)
        if operation in previews or (operation.path.endswith("/erasure") and operation.method == "GET"):
            assert answer.status_code == 403, "a preview is for who may do it"
        if role == "researcher":
            assert CANARY not in answer.text, operation
    assert [row.label for row in clinic.store.subjects.list_all()] == [f"{CANARY} S"]
    assert len(clinic.store.sessions.list_recent()) == 1
    assert len(clinic.store.events.list_by_subject(subject_id=clinic.ids["subject_id"])) == 1
    assert len(clinic.store.questionnaires.list_by_subject(subject_id=clinic.ids["subject_id"])) == 1
    transcript = clinic.store.transcripts.get(session_id=clinic.ids["session_id"])
    assert transcript is not None
    assert transcript.speaker == CANARY
    session = clinic.store.sessions.get(session_id=clinic.ids["session_id"])
    assert session.consent is not None
    assert session.retain_until is None


def test_a_researcher_reads_pseudonyms_and_no_words(clinic: Clinic) -> None:
    headers = {"Authorization": f"Bearer {clinic.tokens['researcher']}"}

    def read(path: str) -> Any:
        answer = clinic.client.get(path.format(**clinic.ids), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    (subject,) = read("/v1/subjects")["items"]
    assert subject["label"].startswith("R-")
    assert read("/v1/subjects/{subject_id}") == subject
    (session,) = read("/v1/sessions")["items"]
    assert (session["original_name"], session["has_recording"], session["job"]) == ("", False, None)
    assert session["consent"]["by"] == ""
    assert read("/v1/subjects/{subject_id}/events") == {"items": [], "next": None}
    speakers, voice, text = read("/v1/analyses/{analysis_id}")["warnings"]
    assert speakers["detail"].startswith("The transcript has 2 speakers (…) and none")
    assert voice["detail"].startswith("The voice was left out: '…' holds no sound")
    assert text["detail"] == "…"
    assert read("/v1/subjects/{subject_id}/questionnaires")["items"][0]["total"] == 9


def test_every_reading_is_an_entry_of_the_audit(clinic: Clinic) -> None:
    """By the account that reads, with its name."""
    reads = [operation for operation in clinic.operations if operation.method == "GET"]
    for operation in reads:
        before = clinic.store.audit.list_newest(limit=1)[0].id
        answer = operation.ask(clinic.client, clinic.tokens["own"], clinic.ids)
        entries = [entry for entry in clinic.store.audit.list_newest(limit=10) if entry.id > before]
        assert answer.status_code == 200, (operation, answer.text)
        if not operation.path.startswith(NOT_OF_PERSONS):
            assert any(entry.by == "own" and entry.action in ("read", "export") for entry in entries), operation
