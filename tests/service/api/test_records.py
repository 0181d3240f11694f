"""The records of people by the API for programs: read in pages, added once, changed as they were read, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from analysis_samples import MONDAY, NO_HEAD, new_session, sample_analysis, sample_estimate, sample_recording
from api_server import problem
from migrated import migrate
from starlette.testclient import TestClient

from db.records import JobState, SubjectRecord
from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.messages import literal
from fer_phq.core.phq import Provenance, Scale
from service.api.v1.alone import create_app
from service.models.active_model import preferred_model
from service.settings import AppSettings
from service.views.trends import load_trends_view

LABEL = "Zoë P01"
OTHER = "00000000-0000-4000-8000-000000000000"
NINE = [1, 2, 1, 2, 0, 1, 1, 0, 2]
AT = "2026-03-02T10:00:00Z"
LATER = "2150-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> AppSettings:
    installation = AppSettings(data_dir=tmp_path_factory.mktemp("records") / "data", min_free_bytes=0)
    installation.prepare()
    migrate(installation.database_url)
    return installation


@pytest.fixture(scope="module")
def store(settings: AppSettings) -> Iterator[Store]:
    with Store(settings.database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(settings: AppSettings) -> TestClient:
    return TestClient(
        create_app(settings),
        base_url="http://127.0.0.1:8600",
        client=("127.0.0.1", 50000),
        raise_server_exceptions=False,
    )


@pytest.fixture
def person(store: Store, request: pytest.FixtureRequest) -> SubjectRecord:
    """A subject of the test's own."""
    return store.subjects.create(label=f"{LABEL} {request.node.name}")


def pages(client: TestClient, path: str, **query: Any) -> list[list[str]]:
    """The ids of a list's pages, read to its end."""
    found = []
    while True:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found.append([item["id"] for item in answer.json()["items"]])
        if answer.json()["next"] is None:
            return found
        query["after"] = answer.json()["next"]


# --------------------------------------------------------------------------------------------------------- subjects


def test_a_subject_is_added_once_and_read(store: Store, client: TestClient) -> None:
    key = {"Idempotency-Key": "subject-1"}
    first = client.post("/v1/subjects", json={"label": " Ada "}, headers=key)
    assert first.status_code == 201, first.text
    subject = first.json()
    assert (subject["label"], subject["sessions"], subject["created_at"][-1]) == ("Ada", 0, "Z")
    store.subjects.set_tags(subject_id=subject["id"], tags=["arm-b"])
    again = client.post("/v1/subjects", json={"label": " Ada "}, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == subject | {"tags": ["arm-b"]}, "as it is stored now"
    read = client.get(again.headers["location"])
    assert (read.json(), read.headers["etag"]) == (again.json(), again.headers["etag"])
    assert problem(client.post("/v1/subjects", json={"label": "Ada"})) == (409, "db.duplicate_label")
    for label in ("", "two\nlines", "x" * 201):
        assert problem(client.post("/v1/subjects", json={"label": label})) == (422, "db.label")
    assert problem(client.post("/v1/subjects", json={"label": "Bo", "id": OTHER})) == (422, "api.unusable_request")
    assert problem(client.get(f"/v1/subjects/{OTHER}")) == (404, "db.no_row")


def test_an_erased_subject_is_not_in_a_repeated_answer(client: TestClient) -> None:
    key = {"Idempotency-Key": "subject-2"}
    subject = client.post("/v1/subjects", json={"label": "Gone"}, headers=key).json()
    assert client.post(f"/v1/subjects/{subject['id']}/erasure", json={"confirm": "Gone"}).status_code == 200
    assert problem(client.post("/v1/subjects", json={"label": "Gone"}, headers=key)) == (404, "db.no_row")


def test_a_subject_is_renamed_as_it_was_read(store: Store, client: TestClient, person: SubjectRecord) -> None:
    path = f"/v1/subjects/{person.id}"
    tag = client.get(path).headers["etag"]
    answer = client.patch(path, json={"label": "Z-7"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["label"]) == (200, "Z-7")
    assert answer.headers["etag"] == client.get(path).headers["etag"] != tag
    assert problem(client.patch(path, json={"label": "Z-8"}, headers={"If-Match": tag})) == (412, "api.changed_since")
    assert store.subjects.get(subject_id=person.id).label == "Z-7"


def test_pages_of_subjects_hold_still_while_others_are_added(store: Store, client: TestClient) -> None:
    for number in range(5):
        store.subjects.create(label=f"page {number}")
    everybody = [subject for page in pages(client, "/v1/subjects", limit=200) for subject in page]
    first = client.get("/v1/subjects", params={"limit": 2}).json()
    new = store.subjects.create(label="page 5").id
    rest = [subject for page in pages(client, "/v1/subjects", limit=2, after=first["next"]) for subject in page]
    assert [item["id"] for item in first["items"]] + rest == [*everybody, new]
    assert problem(client.get("/v1/subjects", params={"after": "x"})) == (422, "api.cursor_unusable")
    for limit in (0, 201, "x"):
        assert problem(client.get("/v1/subjects", params={"limit": limit})) == (422, "api.unusable_request")


# --------------------------------------------------------------------------------------------------------- sessions


def test_sessions_are_listed_by_subject_time_and_state(store: Store, client: TestClient, person: SubjectRecord) -> None:
    sessions = [
        store.sessions.create(
            subject_id=person.id,
            recorded_at=MONDAY + timedelta(days=day // 2),
            recording=sample_recording(f"listed {day}"),
            original_name=f"{day}.mp4",
            media_path=None,
        )
        for day in range(5)
    ]
    newest_first = [session.id for session in sorted(sessions, key=lambda row: (-row.recorded_at.timestamp(), row.id))]
    listed = pages(client, "/v1/sessions", subject=person.id, limit=2)
    assert [len(page) for page in listed] == [2, 2, 1]
    assert [session for page in listed for session in page] == newest_first
    inside = {"subject": person.id, "since": "2026-03-03T00:00:00Z", "until": "2026-03-04T00:00:00+00:00"}
    assert {*pages(client, "/v1/sessions", **inside)[0]} == {sessions[2].id, sessions[3].id}
    job = store.jobs.create(session_id=sessions[0].id)
    store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal("No."))
    assert pages(client, "/v1/sessions", subject=person.id, state="failed") == [[sessions[0].id]]
    assert pages(client, "/v1/sessions", subject=person.id, state="done") == [[]]
    assert problem(client.get("/v1/sessions", params={"subject": OTHER})) == (404, "db.no_row")
    for wrong in (
        {"state": "lost"},
        {"since": "2026-03-02"},
        {"since": "2026-03-02T10:00:00"},
        {"until": "1770000000"},
    ):
        assert problem(client.get("/v1/sessions", params=wrong)) == (422, "api.unusable_request"), wrong


def test_a_session_is_read_and_the_reading_is_in_the_audit(
    store: Store, client: TestClient, person: SubjectRecord
) -> None:
    session = new_session(store, person.id, "read.mp4")
    analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording("read.mp4")))
    answer = client.get(f"/v1/sessions/{session.id}")
    body = answer.json()
    assert (body["analysis_id"], body["has_recording"], body["job"]) == (analysis_id, True, None)
    assert (body["recorded_at"], body["consent"], body["consent_withdrawn"]) == ("2026-03-02T09:30:00Z", None, False)
    assert "media_path" not in body
    assert client.get("/v1/sessions", params={"subject": person.id}).json()["items"] == [body]
    unchanged = client.get(f"/v1/sessions/{session.id}", headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    reads = [entry.action for entry in store.audit.list_newest(object_id=session.id)]
    assert reads.count("read") == 2
    assert problem(client.get(f"/v1/sessions/{OTHER}")) == (404, "db.no_row")


def test_a_session_is_changed_as_its_page_changes_it(
    settings: AppSettings, store: Store, client: TestClient, person: SubjectRecord
) -> None:
    session = new_session(store, person.id, "changed.mp4")
    path = f"/v1/sessions/{session.id}"
    tag = client.get(path).headers["etag"]
    wish = {"recorded_at": "2026-03-01T10:00:00+01:00", "retain_until": LATER, "consent": {"by": " Dr M "}}
    answer = client.patch(path, json=wish, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["recorded_at"], body["retain_until"]) == ("2026-03-01T09:00:00Z", LATER)
    assert (body["consent"]["by"], body["consent"]["text_version"]) == ("Dr M", settings.consent_version)
    assert problem(client.patch(path, json={"retain_until": None}, headers={"If-Match": tag}))[0] == 412
    job = store.jobs.create(session_id=session.id)
    body = client.patch(path, json={"retain_until": None, "consent": None}).json()
    assert (body["retain_until"], body["consent"], body["consent_withdrawn"]) == (None, None, True)
    assert store.jobs.get(job_id=job.id).state is JobState.CANCELLED, "the jobs stop with the consent"
    given = {"by": "Dr N", "at": "2026-03-03T00:00:00Z", "text_version": "2"}
    body = client.patch(path, json={"consent": given}).json()
    assert (body["consent"], body["consent_withdrawn"]) == ({**given, "at": "2026-03-03T00:00:00Z"}, False)
    assert client.patch(path, json={}).json() == body
    assert client.get("/v1/sessions", params={"subject": person.id}).json()["items"] == [body]


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        ({"recorded_at": None}, "api.unusable_request"),
        ({"recorded_at": "2026-03-01T10:00:00"}, "api.unusable_request"),
        ({"recorded_at": 1770000000}, "api.unusable_request"),
        ({"recorded_at": "0001-01-01T00:00:00+14:00"}, "api.unusable_request"),
        ({"recorded_at": "2150-01-01T00:00:00Z"}, "import.in_the_future"),
        ({"recorded_at": "1989-01-01T00:00:00Z"}, "import.before_1990"),
        ({"retain_until": AT, "consent": None, "recorded_at": AT}, "lifecycle.retention_over"),
        ({"retain_until": "9999-12-31T23:59:59Z"}, "api.unusable_request"),
        ({"consent": {"by": " "}}, "api.unusable_request"),
        ({"consent": {"by": "Dr\0M"}}, "api.unusable_request"),
        ({"consent": {"by": "Dr M", "at": "2150-01-01T00:00:00Z"}}, "import.in_the_future"),
        ({"media_path": "x"}, "api.unusable_request"),
    ],
)
def test_what_a_session_cannot_be_changed_to(
    store: Store, client: TestClient, wish: dict[str, Any], wrong: str
) -> None:
    subject = store.subjects.get_or_create(label="unchanged")
    session = store.sessions.list_recent(subject_id=subject.id)
    row = session[0].session if session else new_session(store, subject.id, "unchanged.mp4")
    status, code = problem(client.patch(f"/v1/sessions/{row.id}", json={"retain_until": LATER, **wish}))
    assert (status, code.split(".")[-1]) == (422, wrong.split(".")[-1])
    assert store.sessions.get(session_id=row.id) == row, "nothing is changed where one value is wrong"


def test_a_session_is_erased_by_its_subjects_label(
    settings: AppSettings, store: Store, client: TestClient, person: SubjectRecord
) -> None:
    session = store.sessions.create(
        subject_id=person.id,
        recorded_at=MONDAY,
        recording=sample_recording("erased.mp4"),
        original_name="erased.mp4",
        media_path=None,
    )
    store.notes.add(session_id=session.id, words="weeps at the window")
    path = f"/v1/sessions/{session.id}"
    assert problem(client.request("DELETE", path, json={"confirm": "zoë"})) == (422, "api.session_not_confirmed")
    assert problem(client.request("DELETE", path)) == (422, "api.unusable_request")
    stale = client.request("DELETE", path, json={"confirm": person.label}, headers={"If-Match": '"stale"'})
    assert problem(stale) == (412, "api.changed_since")
    answer = client.request("DELETE", path, json={"confirm": person.label})
    assert (answer.status_code, answer.json()["sessions"], answer.json()["pending"]) == (200, 1, None), answer.text
    assert client.get(path).status_code == 404
    assert store.subjects.get(subject_id=person.id) == person
    assert b"weeps at the window" not in b"".join(f.read_bytes() for f in settings.data_dir.iterdir() if f.is_file())


# -------------------------------------------------------------------------------------------- questionnaires, events


def test_a_questionnaire_is_scored_stored_once_and_corrected(
    store: Store, client: TestClient, person: SubjectRecord
) -> None:
    path = f"/v1/subjects/{person.id}/questionnaires"
    body = {"scale": "PHQ-9", "items": NINE, "answered_at": AT, "difficulty": 1}
    key = {"Idempotency-Key": "q-1"}
    first = client.post(path, json=body, headers=key)
    assert first.status_code == 201, first.text
    item = first.json()
    assert (item["total"], item["maximum"], item["band"], item["item9_flag"]) == (10, 27, "moderate", True)
    assert client.post(path, json=body, headers=key).content == first.content
    assert client.get(first.headers["location"]).json() == item
    correction = body | {"items": [0] * 9, "difficulty": None, "supersedes_id": item["id"]}
    corrected = client.post(path, json=correction).json()
    assert (corrected["total"], corrected["supersedes_id"]) == (0, item["id"])
    assert problem(client.post(path, json=correction)) == (409, "db.already_corrected")
    assert pages(client, path) == [[corrected["id"]]]
    listed = client.get(path, params={"superseded": True}).json()["items"]
    assert {row["id"]: row["superseded"] for row in listed} == {item["id"]: True, corrected["id"]: False}
    other = store.subjects.create(label="another's questionnaire")
    elsewhere = f"/v1/subjects/{other.id}/questionnaires"
    assert problem(client.get(f"{elsewhere}/{item['id']}")) == (404, "db.no_row")
    assert problem(client.post(elsewhere, json=body | {"supersedes_id": item["id"]}))[0] == 409
    assert problem(client.get(f"/v1/subjects/{OTHER}/questionnaires")) == (404, "db.no_row")


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": NINE[:8]},
        {"items": [*NINE[:8], 4]},
        {"items": [*NINE[:8], True]},
        {"items": [*NINE[:8], 1.0]},
        {"items": [*NINE[:8], None]},
        {"scale": "PHQ-8"},
        {"scale": "GAD-7"},
        {"difficulty": 4},
        {"items": [0] * 9},
        {"answered_at": "2150-01-01T00:00:00Z"},
        {"answered_at": "2026-03-02"},
        {"total": 10},
    ],
)
def test_a_questionnaire_that_is_not_whole_is_refused(store: Store, client: TestClient, wrong: dict[str, Any]) -> None:
    subject = store.subjects.get_or_create(label="nothing stored")
    body = {"scale": "PHQ-9", "items": NINE, "answered_at": AT, "difficulty": 1, **wrong}
    path = f"/v1/subjects/{subject.id}/questionnaires"
    assert problem(client.post(path, json=body, headers={"Idempotency-Key": "q-2"}))[0] == 422
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == []


def test_questionnaires_of_one_moment_are_all_in_the_pages(
    store: Store, client: TestClient, person: SubjectRecord
) -> None:
    ids = [
        store.questionnaires.save(subject_id=person.id, scale=Scale.PHQ8, items=[n % 4] * 8, answered_at=MONDAY).id
        for n in range(4)
    ]
    listed = pages(client, f"/v1/subjects/{person.id}/questionnaires", limit=3)
    assert listed == [sorted(ids)[:3], sorted(ids)[3:]]


def test_an_event_is_noted_once_read_and_erased(client: TestClient, person: SubjectRecord) -> None:
    path = f"/v1/subjects/{person.id}/events"
    key = {"Idempotency-Key": "e-1"}
    first = client.post(path, json={"at": "2026-02-01T13:00:00+01:00", "words": " Therapy begun "}, headers=key)
    assert first.status_code == 201, first.text
    event = first.json()
    assert (event["at"], event["words"]) == ("2026-02-01T12:00:00Z", "Therapy begun")
    late = client.post(path, json={"at": AT, "words": "Therapy ended"}).json()
    assert pages(client, path, limit=1) == [[event["id"]], [late["id"]]]
    location = first.headers["location"]
    assert client.get(location).json() == event
    for words in ("", "two\nlines", "x" * 201):
        assert problem(client.post(path, json={"at": AT, "words": words})) == (422, "db.one_line")
    for at in ("0001-01-01T00:00:00Z", "2262-05-01T00:00:00Z"):  # the page could not show it
        assert problem(client.post(path, json={"at": at, "words": "x"})) == (422, "api.unusable_request")
    assert problem(client.delete(location, headers={"If-Match": '"stale"'})) == (412, "api.changed_since")
    tag = client.get(location).headers["etag"]
    assert client.delete(location, headers={"If-Match": tag}).status_code == 204
    assert problem(client.delete(location)) == problem(client.get(location)) == (404, "db.no_row")
    assert pages(client, path) == [[late["id"]]]


# ------------------------------------------------------------------------------------------------------------ models


def test_models_say_on_what_labels_they_were_trained(settings: AppSettings, client: TestClient, tmp_path: Any) -> None:
    answer = client.get("/v1/models")
    active = [item for item in answer.json()["items"] if item["is_active"]]
    assert [(item["is_shipped"], len(item["emotions"])) for item in active] == [(True, 7)]
    if active[0]["phq"] is not None and active[0]["phq"]["provenance"] == "simulated":
        assert [note["code"] for note in active[0]["phq"]["notes"]] == ["api.simulated_model"]
    assert client.get("/v1/models", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    gone = settings.model_copy(update={"model": str(tmp_path / "gone")})
    broken = TestClient(create_app(gone), base_url="http://127.0.0.1:8600").get("/v1/models")
    assert [note["code"] for note in broken.json()["notes"]] == ["api.model_unusable"]
    assert str(tmp_path) not in broken.text
    assert not any(item["is_active"] for item in broken.json()["items"])


# ------------------------------------------------------------------------------------------------------------ trends


def test_trends_hold_what_the_page_charts(
    settings: AppSettings, store: Store, client: TestClient, person: SubjectRecord
) -> None:
    for number, phq in enumerate((sample_estimate(7.5), NO_HEAD, sample_estimate(11.0, model_id="model-b"))):
        name = f"trend {number}"
        session = store.sessions.create(
            subject_id=person.id,
            recorded_at=MONDAY + timedelta(days=7 * number),
            recording=sample_recording(name),
            original_name=name,
            media_path=None,
        )
        analysis = sample_analysis(sample_recording(name), phq=phq)
        store.analyses.save(session_id=session.id, analysis=analysis)
    for day, items in ((0, [2] * 9), (28, [0] * 9)):
        store.questionnaires.save(
            subject_id=person.id, scale=Scale.PHQ9, items=items, answered_at=MONDAY + timedelta(days=day)
        )
    event = store.events.add(subject_id=person.id, at=MONDAY, words="Therapy begun")
    store.sessions.withdraw_consent(session_id=session.id)
    path = f"/v1/subjects/{person.id}/trends"
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    trends = answer.json()
    subject = store.subjects.get_summary(subject_id=person.id)
    view = load_trends_view(store, subject, UTC, prefer_model=preferred_model(settings, store))
    assert [row["session_id"] for row in trends["sessions"]] == list(view.sessions["session_id"])
    for row, expected in zip(trends["sessions"], view.sessions.to_dict("records"), strict=True):
        assert row["coverage"] == expected["coverage"]
        assert row["emotions"] == {name: expected[name] for name in EMOTIONS}
    assert [row["consent_withdrawn"] for row in trends["sessions"]] == [False, False, True]
    first, none, _ = (row["phq"] for row in trends["sessions"])
    assert (first["score"], first["low"], first["high"], first["provenance"]) == (7.5, 4.5, 10.5, "simulated")
    assert [note["code"] for note in first["notes"]] == ["api.simulated"]
    assert (none["state"], none["reason"]) == ("unavailable", "no_head")
    changes = [row["change"] for row in trends["questionnaires"]]
    assert [(change["is_baseline"], change["difference"], change["direction"]) for change in changes] == [
        (True, 0, "none"),
        (False, -18, "improved"),
    ]
    assert changes[1]["rci"] == view.changes[1].rci
    assert (trends["baseline"]["state"], trends["baseline"]["detail"]["code"]) == (
        "unavailable",
        "longitudinal.simulated",
    )
    assert [row["id"] for row in trends["events"]] == [event.id]
    codes = {note["code"] for note in trends["notes"]}
    assert codes == {"api.not_a_diagnosis", "api.simulated", "api.several_heads", "api.withdrawn"}
    one_model = client.get(path, params={"model_id": trends["sessions"][0]["model_id"]}).json()
    assert {row["model_id"] for row in one_model["sessions"]} == {trends["sessions"][0]["model_id"]}
    assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert [entry.detail for entry in store.audit.list_newest(object_id=person.id, limit=1)] == ["trends"]


PERIODS = {"first_from": "2026-01-01", "first_to": "2026-01-31", "second_from": "2026-02-01", "second_to": "2026-03-31"}


def add_periods(store: Store, person: SubjectRecord) -> None:
    """Four sessions in January by one model, three in February by another, and a questionnaire in each."""
    for number in range(7):
        month, day, model_id = (1, 5 + 5 * number, "model-a") if number < 4 else (2, 5 * number - 10, "model-b")
        at = datetime(2026, month, day, 23, 30, tzinfo=UTC)
        name = f"period {number}"
        session = store.sessions.create(
            subject_id=person.id,
            recorded_at=at,
            recording=sample_recording(name),
            original_name=name,
            media_path=None,
        )
        analysis = sample_analysis(sample_recording(name), model_id=model_id)
        store.analyses.save(session_id=session.id, analysis=analysis, measures={"expressivity": number / 10})
        if number in (0, 4):
            store.questionnaires.save(
                subject_id=person.id, scale=Scale.PHQ9, items=[2 - number // 4] * 9, answered_at=at
            )


def test_two_periods_are_compared_as_the_page_does(store: Store, client: TestClient, person: SubjectRecord) -> None:
    path = f"/v1/subjects/{person.id}/trends/periods"
    empty = client.get(path).json()
    assert (empty["items"], "Two days" in empty["facts"]["too_few_days"]) == ([], True)
    add_periods(store, person)
    answer = client.get(path, params=PERIODS).json()
    view = load_trends_view(store, store.subjects.get_summary(subject_id=person.id), UTC)
    days = [date.fromisoformat(day) for day in PERIODS.values()]
    compared = view.compare_periods((days[0], days[1]), (days[2], days[3])).comparisons
    rows = {row["measure"]: row for row in answer["items"]}
    assert list(rows) == list(compared)
    row = rows["expressivity"]
    assert (row["first_count"], row["second_count"], row["modality"]) == (4, 3, "face")
    assert (row["first_mean"], row["second_mean"]) == (pytest.approx(0.15), pytest.approx(0.5))
    assert (row["spread"], row["verdict"]) == (compared["expressivity"].spread, "beyond the usual spread")
    assert rows["PHQ-9"]["difference"] == -9
    assert (rows["PHQ-9"]["spread"], rows["PHQ-9"]["verdict"]) == (None, "too few sessions")
    facts = answer["facts"]
    assert (facts["first"], facts["model_ids"]) == ("2026-01-01/2026-01-31", "model-a, model-b")
    assert "different models" in facts["several_models"]
    assert "no proof" in facts["spread"]
    assert "shared_days" not in facts
    overlap = client.get(path, params=PERIODS | {"second_from": "2026-01-31"}).json()
    assert "both" in overlap["facts"]["shared_days"]
    berlin = client.get(path, params=PERIODS | {"first_to": "2026-01-20", "time_zone": "Europe/Berlin"}).json()
    (row,) = (row for row in berlin["items"] if row["measure"] == "expressivity")
    assert row["first_count"] == 3, "half past eleven of the 20th is the 21st there"
    text = client.get(path, params=PERIODS | {"format": "csv"}).text
    assert text.splitlines()[1].startswith("PHQ-9,PHQ-9 questionnaire,points,questionnaire,1,18.0,1,9.0,-9.0,,")
    halves = client.get(path).json()["facts"]
    assert (halves["first"], halves["second"]) == ("2026-01-05/2026-01-15", "2026-01-20/2026-02-20")
    assert [entry.detail for entry in store.audit.list_newest(object_id=person.id, limit=1)] == ["periods, json"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_from": "2026-02-30"},
        {"first_from": "2026-02-01"},
        {"second_to": "2026-01-31"},
        {"time_zone": "Mars/Olympus"},
        {"second_to": ""},
    ],
)
def test_periods_that_are_none_are_refused(client: TestClient, person: SubjectRecord, wrong: dict[str, str]) -> None:
    answer = client.get(f"/v1/subjects/{person.id}/trends/periods", params=PERIODS | wrong)
    assert problem(answer)[0] == 422
    incomplete = {name: day for name, day in PERIODS.items() if name != "first_to"}
    answer = client.get(f"/v1/subjects/{person.id}/trends/periods", params=incomplete)
    assert problem(answer) == (422, "api.two_periods")
    assert problem(client.get(f"/v1/subjects/{OTHER}/trends/periods", params=PERIODS)) == (404, "db.no_row")


def test_a_baseline_says_whose_estimates_it_corrects(store: Store, client: TestClient, person: SubjectRecord) -> None:
    for number, model_id in enumerate(("model-a", "model-b", "model-b", "model-b")):
        at = MONDAY + timedelta(days=14 * number)
        session = store.sessions.create(
            subject_id=person.id,
            recorded_at=at,
            recording=sample_recording(f"baseline {number}"),
            original_name="baseline.mp4",
            media_path=None,
        )
        estimate = replace(sample_estimate(8.0, model_id=model_id), provenance=Provenance.CLINICAL)
        analysis = sample_analysis(sample_recording(f"baseline {number}"), model_id=model_id, phq=estimate)
        store.analyses.save(session_id=session.id, analysis=analysis)
        store.questionnaires.save(subject_id=person.id, scale=estimate.scale, items=NINE[:8], answered_at=at)
    baseline = client.get(f"/v1/subjects/{person.id}/trends").json()["baseline"]
    assert (baseline["state"], baseline["phq_model_id"], baseline["pairs"]) == ("baseline", "model-b", 3)


def test_trends_of_somebody_without_anything_are_empty(client: TestClient, person: SubjectRecord) -> None:
    trends = client.get(f"/v1/subjects/{person.id}/trends").json()
    assert (trends["sessions"], trends["questionnaires"], trends["measures"], trends["baseline"]) == ([], [], [], None)
    assert problem(client.get(f"/v1/subjects/{OTHER}/trends")) == (404, "db.no_row")
