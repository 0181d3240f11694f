"""Who is heard in an analysis over HTTP, and the choice of the subject's speaker."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from analysis_samples import sample_analysis
from api_server import problem
from starlette.testclient import TestClient
from two_voices import talk_analysis, write_talk

from db.actors import Role
from db.store import Store
from fer_phq.core.analysis import Settings, SpeakerChoice
from service.access.accounts import add_account, create_token
from service.ingest.recordings import add_recording
from service.models.active_model import active_bundle
from service.settings import AppSettings

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OWN = Settings(all_faces=True, speech=True, face_rate=0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_talk(tmp_path_factory.mktemp("talk") / "talk.mkv")


@pytest.fixture
def analysis_id(settings: AppSettings, store: Store, path: Path) -> str:
    """An analysis of two voices that does not know which is the subject's."""
    subject_id = store.subjects.create(label="S-01").id
    kept = {"consent_by": "AB", "consent_text": "1", "enqueue": False}
    session = add_recording(settings, store, path, subject_id=subject_id, recorded_at=NOW, **kept)
    analysis = replace(talk_analysis(path), model_id=active_bundle(settings, store).model_id)
    return store.analyses.save(session_id=session.session_id, analysis=analysis, settings=OWN)


def session_of(store: Store, analysis_id: str) -> str:
    return store.analyses.get(analysis_id=analysis_id).session_id


def test_who_is_heard_is_listed_and_noted(client: TestClient, store: Store, analysis_id: str) -> None:
    answer = client.get(f"/v1/analyses/{analysis_id}/speakers")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["has_turns"], body["chosen_by"], body["unknown_because"]) == (True, None, "mouth_still")
    first, second = body["items"]
    assert (first["speaker"], first["is_subject"], first["turns"]) == (1, None, 2)
    assert first["speech_share"] + second["speech_share"] == pytest.approx(1)
    assert (second["sample_start_s"], second["sample_end_s"]) == (pytest.approx(12.9), pytest.approx(15.9))
    entries = store.audit.list_newest(object_id=session_of(store, analysis_id))
    assert any((entry.action, entry.detail) == ("read", "speakers") for entry in entries)
    again = client.get(f"/v1/analyses/{analysis_id}/speakers", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_an_analysis_without_turns_says_that_it_has_none(client: TestClient, store: Store, analysis_id: str) -> None:
    untold = sample_analysis(store.analyses.load_session_analysis(analysis_id=analysis_id).recording)
    untold_id = store.analyses.save(session_id=session_of(store, analysis_id), analysis=untold)
    body = client.get(f"/v1/analyses/{untold_id}/speakers").json()
    assert (body["has_turns"], body["items"], body["chosen_by"], body["unknown_because"]) == (False, [], None, None)
    answer = client.post(f"/v1/analyses/{untold_id}/speakers/choice", json={"speaker": 1})
    assert problem(answer) == (422, "jobs.no_turns_to_choose")


def test_a_choice_is_a_job_and_holds_for_the_next_analysis(
    client: TestClient, store: Store, analysis_id: str, path: Path
) -> None:
    choice = f"/v1/analyses/{analysis_id}/speakers/choice"
    session_id = session_of(store, analysis_id)
    answer = client.post(choice, json={"speaker": 2})
    assert answer.status_code == 202
    assert answer.json()["analysis_id"] is None
    job = store.jobs.get(job_id=answer.json()["job_id"])
    assert job.settings is not None
    turns = job.settings["subject_turns"]
    assert turns == [[5.2, 8.2], [11.9, 16.9]]
    assert client.post(choice, json={"speaker": 2}).json() == answer.json()
    assert problem(client.post(choice, json={"speaker": 1})) == (409, "jobs.analysed_meanwhile")
    (entry,) = [one for one in store.audit.list_newest(object_id=analysis_id) if one.action == "choose_speaker"]
    assert entry.detail == f"session {session_id}, speaker 2"
    store.jobs.request_cancel(job_id=job.id)

    by_hand = replace(
        talk_analysis(path, 2, SpeakerChoice.HAND), model_id=store.analyses.get(analysis_id=analysis_id).model_id
    )
    own = replace(OWN, subject_turns=tuple(tuple(turn) for turn in turns))
    chosen_id = store.analyses.save(session_id=session_id, analysis=by_hand, settings=own)
    said = client.get(f"/v1/analyses/{chosen_id}/speakers").json()
    assert (said["chosen_by"], [item["is_subject"] for item in said["items"]]) == ("hand", [False, True])
    wish = client.post(f"/v1/sessions/{session_id}/analyses", json={"fps": 5})
    assert wish.status_code == 202
    assert store.jobs.get(job_id=wish.json()["id"]).settings == {"fps": 5, "speech": True, "subject_turns": turns}
    same = client.post(f"/v1/sessions/{session_id}/analyses", json={"fps": 5})
    assert (same.status_code, same.json()["id"]) == (202, wish.json()["id"])
    store.jobs.request_cancel(job_id=wish.json()["id"])
    without = client.post(f"/v1/sessions/{session_id}/analyses", json={"speech": False})
    assert store.jobs.get(job_id=without.json()["id"]).settings == {"speech": False}


def test_what_cannot_be_chosen_is_a_problem(client: TestClient, store: Store, analysis_id: str) -> None:
    choice = f"/v1/analyses/{analysis_id}/speakers/choice"
    assert problem(client.post(choice, json={"speaker": 3})) == (422, "jobs.unknown_speaker")
    assert problem(client.post(choice, json={"speaker": 0})) == (422, "api.unusable_request")
    assert problem(client.post(choice, json={})) == (422, "api.unusable_request")
    assert problem(client.post(choice.replace(analysis_id, "x"), json={"speaker": 1}))[0] == 404
    store.sessions.set_media_path(session_id=session_of(store, analysis_id), media_path=None)
    assert problem(client.post(choice, json={"speaker": 1})) == (422, "jobs.recording_removed")
    assert store.jobs.latest(session_id=session_of(store, analysis_id)) is None


def test_who_only_reads_chooses_nobody(client: TestClient, store: Store, analysis_id: str) -> None:
    """The last test: from here on there are accounts."""
    tokens = {}
    for role in (Role.ADMINISTRATOR, Role.RESEARCHER):
        add_account(store, role.value, role, "correct horse battery")
        tokens[role] = create_token(store, role.value, "script", ("read", "write"), 1)[0]
    headers = {"Authorization": f"Bearer {tokens[Role.RESEARCHER]}"}
    assert client.get(f"/v1/analyses/{analysis_id}/speakers", headers=headers).status_code == 200
    refused = client.post(f"/v1/analyses/{analysis_id}/speakers/choice", json={"speaker": 1}, headers=headers)
    assert refused.status_code == 403
    assert store.jobs.latest(session_id=session_of(store, analysis_id)) is None
