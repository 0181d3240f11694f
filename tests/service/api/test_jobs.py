"""Jobs by the API for programs: where they stand, how they are steered, and their changes as events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from analysis_samples import MONDAY, new_session
from api_server import problem
from starlette.testclient import TestClient

from db.actors import Role
from db.records import Consent, JobPriority, JobRecord, JobState, SessionRecord
from db.store import Store
from fer_phq.core.analysis import Progress, Step
from fer_phq.core.messages import literal
from service.access.accounts import add_account, create_token
from service.api.v1.jobs import stream, watch
from service.settings import AppSettings

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL_S", 0.02)


@pytest.fixture
def session(store: Store) -> SessionRecord:
    record = new_session(store, store.subjects.create(label="S-01").id)
    return store.sessions.record_consent(session_id=record.id, consent=Consent(at=MONDAY, by="Dr M", text_version="1"))


@pytest.fixture
def job(store: Store, session: SessionRecord) -> JobRecord:
    return store.jobs.create(session_id=session.id)


def run_on(store: Store, job: JobRecord, *steps: Progress) -> None:
    """Let a worker take the job and report steps of it."""
    assert store.jobs.claim(workflow_id=job.workflow_id, worker="w", claim="c") is not None
    for step in steps:
        store.jobs.set_progress(workflow_id=job.workflow_id, claim="c", progress=step, step_started_at=MONDAY)


# ---------------------------------------------------------------------------------------------------- one at a time


def test_a_job_says_where_it_stands(store: Store, job: JobRecord, client: TestClient) -> None:
    body = client.get(f"/v1/jobs/{job.id}").json()
    assert (body["state"], body["active"], body["worker_alive"], body["error"]) == ("queued", True, False, None)
    assert (body["message"]["code"], body["created_at"][-1]) == ("jobs.no_worker", "Z")
    store.workers.heartbeat(worker="w", host="h", pid=1)
    run_on(store, job, Progress(Step.FACES, 5, 20))
    body = client.get(f"/v1/jobs/{job.id}").json()
    assert (body["step"], body["done"], body["total"], body["fraction"]) == ("faces", 5, 20, 0.2)
    store.jobs.finish(workflow_id=job.workflow_id, claim="c", state=JobState.FAILED, error=literal("It is truncated."))
    body = client.get(f"/v1/jobs/{job.id}").json()
    assert (body["state"], body["active"], body["error"]["detail"]) == ("failed", False, "It is truncated.")
    assert problem(client.get(f"/v1/jobs/{NOBODY}")) == (404, "db.no_row")


def test_a_job_is_cancelled_and_tried_again(store: Store, job: JobRecord, client: TestClient) -> None:
    for _ in range(2):  # again, it changes nothing
        answer = client.post(f"/v1/jobs/{job.id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    for _ in range(2):
        answer = client.post(f"/v1/jobs/{job.id}/retry")
        assert (answer.json()["state"], answer.json()["attempt"]) == ("queued", 2)
    run_on(store, store.jobs.get(job_id=job.id))
    store.jobs.finish(workflow_id=f"{job.id}.2", claim="c", state=JobState.DONE)
    assert problem(client.post(f"/v1/jobs/{job.id}/retry")) == (409, "api.job_done")
    assert client.post(f"/v1/jobs/{job.id}/cancel").json()["state"] == "done"
    for what in ("cancel", "retry"):
        assert problem(client.post(f"/v1/jobs/{NOBODY}/{what}")) == (404, "db.no_row")


def test_a_session_is_analysed_again_with_options(store: Store, session: SessionRecord, client: TestClient) -> None:
    path = f"/v1/sessions/{session.id}/analyses"
    answer = client.post(path, json={"fps": 5, "sound_track": 1})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert store.jobs.get(job_id=job["id"]).settings == {"fps": 5, "sound_track": 1}
    assert client.post(path, json={"fps": 5, "sound_track": 1}).json()["id"] == job["id"]
    assert problem(client.post(path, json={})) == (409, "api.other_analysis")
    for body in ({"fps": 0}, {"speed": 1}, {"sound_channel": 0}, {"fps": 5, "key_frames": True}, []):
        assert problem(client.post(path, json=body)) == (422, "api.unusable_request")
    assert problem(client.post(f"/v1/sessions/{NOBODY}/analyses", json={})) == (404, "db.no_row")
    client.post(f"/v1/jobs/{job['id']}/cancel")
    store.sessions.withdraw_consent(session_id=session.id)
    assert problem(client.post(path, json={})) == (403, "lifecycle.consent_withdrawn")
    assert problem(client.post(f"/v1/jobs/{job['id']}/retry"))[0] == 403
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    assert problem(client.post(path, json={})) == (409, "api.recording_removed")


def test_an_analysis_may_wait_behind_everybody_elses_until_somebody_waits_for_it(
    store: Store, session: SessionRecord, client: TestClient
) -> None:
    path = f"/v1/sessions/{session.id}/analyses"
    job = client.post(path, json={"fps": 5, "priority": "batch"}, headers={"Idempotency-Key": "k"}).json()
    assert (job["priority"], client.get(f"/v1/jobs/{job['id']}").json()["priority"]) == ("batch", "batch")
    assert store.jobs.get(job_id=job["id"]).settings == {"fps": 5}, "it is no option of the analysis"
    assert store.jobs.get(job_id=job["id"]).priority is JobPriority.BATCH
    assert problem(client.post(path, json={"fps": 4})) == (409, "api.other_analysis")
    assert client.get("/v1/jobs").json()["items"][0]["priority"] == "batch", "what is refused moves nothing up"
    assert client.post(path, json={"fps": 5, "priority": "batch"}).json()["priority"] == "batch"
    assert client.post(path, json={"fps": 5}, headers={"Idempotency-Key": "k"}).status_code == 422
    moved = client.post(path, json={"fps": 5}).json()
    assert (moved["id"], moved["priority"]) == (job["id"], "interactive")
    for priority in ("low", 2, None):
        assert problem(client.post(path, json={"priority": priority})) == (422, "api.unusable_request")


def test_the_list_of_jobs_is_read_page_by_page(store: Store, session: SessionRecord, client: TestClient) -> None:
    for _ in range(3):
        store.jobs.request_cancel(job_id=store.jobs.create(session_id=session.id).id)
    other = new_session(store, session.subject_id, "other.mp4")
    waiting = store.jobs.create(session_id=other.id)
    ids = [view.job.id for view in store.jobs.list_newest()]
    first = client.get("/v1/jobs", params={"limit": 3})
    rest = client.get("/v1/jobs", params={"limit": 3, "after": first.json()["next"]}).json()
    assert [item["id"] for item in (*first.json()["items"], *rest["items"])] == ids
    assert rest["next"] is None
    assert client.get("/v1/jobs?limit=3", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    for chosen in ({"state": "queued"}, {"session_id": other.id}, {"state": ["queued", "done"]}):
        assert [item["id"] for item in client.get("/v1/jobs", params=chosen).json()["items"]] == [waiting.id]
    assert client.get("/v1/jobs", params={"session_id": NOBODY}).json() == {"items": [], "next": None}
    assert problem(client.get("/v1/jobs?state=lost")) == (422, "api.unusable_request")
    assert problem(client.get("/v1/jobs?limit=0")) == (422, "api.unusable_request")


def test_asking_again_with_a_key_asks_once(store: Store, session: SessionRecord, client: TestClient) -> None:
    path = f"/v1/sessions/{session.id}/analyses"
    first = client.post(path, json={}, headers={"Idempotency-Key": "k"}).json()
    client.post(f"/v1/jobs/{first['id']}/cancel")
    again = client.post(path, json={}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, first["id"], "cancelled")
    assert client.post(path, json={"fps": 3}, headers={"Idempotency-Key": "k"}).status_code == 422


# ----------------------------------------------------------------------------------------------------------- events


def read_events(response: httpx.Response) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each event's name, id and data; '' and the words for a comment."""
    event = {"event": "", "id": "", "data": ""}
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if line.startswith(":"):
            yield "", line, {}
        elif line:
            event[field] = value
        elif event["data"]:
            yield event["event"], event["id"], json.loads(event["data"])
            event["data"] = ""


def test_the_changes_of_a_job_come_as_events_to_all_who_watch(
    settings: AppSettings, store: Store, job: JobRecord, serve: Callable[[AppSettings], str]
) -> None:
    store.workers.heartbeat(worker="w", host="h", pid=1)
    address = serve(settings)
    path = f"{address}/v1/jobs/{job.id}/events"
    received: list[list[tuple[str, str, dict[str, Any]]]] = [[], []]

    def follow(number: int) -> None:
        with httpx.stream("GET", path, timeout=20) as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            for event in read_events(response):
                received[number].append(event)

    threads = [threading.Thread(target=follow, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    wait_for(lambda: all(received))
    run_on(store, job, Progress(Step.FACES, 5, 20))
    wait_for(lambda: all(events[-1][2]["done"] == 5 for events in received))
    store.jobs.finish(workflow_id=job.workflow_id, claim="c", state=JobState.CANCELLED)
    for thread in threads:
        thread.join(10)
    for events in received:
        assert [event for event, _, _ in events] == ["job"] * len(events)
        assert (events[0][1], events[-1][1]) == ("1-queued", "1-cancelled")
        assert (events[0][2]["state"], events[-1][2]["message"]["code"]) == ("queued", "jobs.cancelled")
    with httpx.stream("GET", path) as response:
        assert [name for _, name, _ in read_events(response)] == ["1-cancelled"], "its end, and no more"
    assert httpx.get(path, headers={"Last-Event-ID": "1-cancelled"}).status_code == 204


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_streams_are_few_and_free_their_place(
    settings: AppSettings,
    store: Store,
    job: JobRecord,
    serve: Callable[[AppSettings], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "MOST_WATCHERS", 1)
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    path = f"{serve(settings)}/v1/jobs/{job.id}/events"
    with httpx.stream("GET", path) as response:
        events = read_events(response)
        assert next(events)[0] == "job"
        assert next(events)[1] == ": alive"
        answer = httpx.get(path)
        assert problem(answer) == (503, "api.too_many_streams")
        assert answer.headers["retry-after"] == "10"
    wait_for(lambda: is_free(path))
    monkeypatch.setattr(stream, "STREAM_S", 0.1)
    with httpx.stream("GET", path) as response:
        assert [event for event, _, _ in read_events(response) if event] == ["job"], "and it ends, to be asked for anew"


def is_free(path: str) -> bool:
    with httpx.stream("GET", path) as response:
        return response.status_code == 200


def test_the_stream_of_a_job_that_is_erased_ends(
    settings: AppSettings, store: Store, job: JobRecord, serve: Callable[[AppSettings], str]
) -> None:
    with httpx.stream("GET", f"{serve(settings)}/v1/jobs/{job.id}/events") as response:
        events = read_events(response)
        assert next(events)[0] == "job"
        store.erasure.erase_session(session_id=job.session_id)
        assert next(events)[0] == "gone"


# ----------------------------------------------------------------------------------------------------------- rights


def test_of_other_peoples_jobs_nobody_learns(store: Store, job: JobRecord, client: TestClient) -> None:
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(store, role.value, role, "correct horse battery")
        tokens[role] = create_token(store, role.value, "script", ("read", "write"), 1)[0]
    subject_id = store.sessions.get(session_id=job.session_id).subject_id
    store.shares.add(subject_id=subject_id, account_id=store.accounts.get(name="viewer").id)

    def ask(role: Role, method: str, path: str) -> Any:
        json_body = {"json": {}} if method == "POST" else {}
        return client.request(method, path, headers={"Authorization": f"Bearer {tokens[role]}"}, **json_body)

    for method, kind, rest in (
        ("GET", "jobs", ""),
        ("GET", "jobs", "/events"),
        ("POST", "jobs", "/cancel"),
        ("POST", "jobs", "/retry"),
        ("POST", "sessions", "/analyses"),
    ):
        own = job.id if kind == "jobs" else job.session_id
        stranger = ask(Role.CLINICIAN, method, f"/v1/{kind}/{own}{rest}")
        nobody = ask(Role.CLINICIAN, method, f"/v1/{kind}/{NOBODY}{rest}")
        assert (stranger.status_code, nobody.status_code) == (404, 404)
        assert stranger.text.replace(own, NOBODY) == nobody.text
        assert ask(Role.RESEARCHER, method, f"/v1/{kind}/{own}{rest}").status_code in (403, 404)
        if method == "POST" and rest != "/retry":  # a job that waits stays as it is
            assert ask(Role.VIEWER, method, f"/v1/{kind}/{own}{rest}").status_code == 403
    assert ask(Role.VIEWER, "GET", f"/v1/jobs/{job.id}").status_code == 200
    assert [len(ask(role, "GET", "/v1/jobs").json()["items"]) for role in (Role.CLINICIAN, Role.VIEWER)] == [0, 1]
    assert store.jobs.get(job_id=job.id).state is JobState.QUEUED
    assert ask(Role.ADMINISTRATOR, "POST", f"/v1/jobs/{job.id}/cancel").json()["state"] == "cancelled"
    assert ask(Role.VIEWER, "POST", f"/v1/jobs/{job.id}/retry").status_code == 403
