"""A person as a whole by the API for programs: who may rename, merge, export and erase, and what is left."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from api_server import problem
from starlette.testclient import TestClient

from db.actors import Role
from db.records import SubjectRecord
from db.store import Store
from service.access.accounts import add_account, create_token
from service.api.v1.answers.bodies import MAX_JSON
from service.lifecycle import ledger
from service.settings import AppSettings

LABEL = "Zoë P01"
OTHER = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def person(store: Store) -> SubjectRecord:
    subject = store.subjects.create(label=LABEL)
    store.events.add(subject_id=subject.id, at=datetime(2026, 5, 6, tzinfo=UTC), words="moved house")
    return subject


def test_a_person_is_erased_after_a_preview_and_a_confirmation(
    settings: AppSettings, store: Store, person: SubjectRecord, client: TestClient
) -> None:
    path = f"/v1/subjects/{person.id}/erasure"
    preview = client.get(path)
    assert (preview.status_code, preview.json()["events"], preview.json()["heads"]) == (200, 1, [])
    unchanged = client.get(path, headers={"If-None-Match": preview.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert problem(client.post(path, json={"confirm": "zoë p01"})) == (422, "api.not_confirmed")
    assert problem(client.post(path, json={})) == (422, "api.unusable_request")
    assert problem(client.post(path, content=b"x" * (MAX_JSON + 1))) == (413, "api.body_too_large")
    assert store.subjects.get(subject_id=person.id).label == LABEL, "nothing was changed"

    answer = client.post(path, json={"confirm": LABEL})
    assert answer.status_code == 200, answer.text
    assert answer.json()["pending"] is None
    assert client.get(path).status_code == client.post(path, json={"confirm": LABEL}).status_code == 404
    actions = [entry.action for entry in store.audit.list_newest(object_id=person.id)]
    assert actions.count("erase") == 1
    assert "read" in actions
    contents = b"".join(file.read_bytes() for file in settings.data_dir.rglob("*") if file.is_file())
    assert LABEL.encode() not in contents
    assert b"moved house" not in contents


def test_a_person_is_exported_and_renamed(
    settings: AppSettings, store: Store, person: SubjectRecord, client: TestClient
) -> None:
    answer = client.get(f"/v1/subjects/{person.id}/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "moved house" in archive.read(f"subject-{person.id[:8]}/events.csv").decode()
    answer = client.patch(f"/v1/subjects/{person.id}", json={"label": "Z-7"})
    assert (answer.json()["id"], answer.json()["label"]) == (person.id, "Z-7")
    store.subjects.create(label="taken")
    assert client.patch(f"/v1/subjects/{person.id}", json={"label": "taken"}).status_code == 409
    assert client.post(f"/v1/subjects/{person.id}/merge", json={"into": person.id}).status_code == 409
    assert store.subjects.get(subject_id=person.id).label == "Z-7"


def test_a_merging_says_first_what_it_does(store: Store, person: SubjectRecord, client: TestClient) -> None:
    other = store.subjects.create(label="again")
    store.events.add(subject_id=other.id, at=datetime(2026, 5, 6, tzinfo=UTC), words="moved house")
    path = f"/v1/subjects/{other.id}/merge"
    plan = client.post(path, json={"into": person.id}).json()
    assert (plan["merged"], plan["events"], len(plan["notes"])) == (False, 0, 1)
    assert problem(client.post(path, json={"into": person.id, "confirm": LABEL})) == (422, "api.not_confirmed")
    assert problem(client.post(path, json={"into": OTHER}))[0] == 404
    assert client.post(path, json={"into": person.id, "confirm": "again"}).json()["merged"] is True
    assert [row.id for row in store.subjects.list_all()] == [person.id]


def test_roles_and_other_peoples_subjects(
    settings: AppSettings, store: Store, person: SubjectRecord, client: TestClient
) -> None:
    """Of somebody else's subject nobody learns whether it exists; who reads only changes nothing."""
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(store, role.value, role, "correct horse battery")
        tokens[role] = create_token(store, role.value, "script", ("read", "write"), 1)[0]
    store.shares.add(subject_id=person.id, account_id=store.accounts.get(name="viewer").id)

    def ask(role: Role, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[role]}"}
        return client.request(method, path, json=body or None, headers=headers)

    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "", {"label": "mine"}),
        ("POST", "/merge", {"into": str(UUID(int=1)), "confirm": LABEL}),
        ("GET", "/export", {}),
        ("GET", "/erasure", {}),
        ("POST", "/merge", {"into": str(UUID(int=1))}),
        ("POST", "/erasure", {"confirm": LABEL}),
    ]
    for method, rest, body in changes:
        stranger = ask(Role.CLINICIAN, method, f"/v1/subjects/{person.id}{rest}", **body)
        nobody = ask(Role.CLINICIAN, method, f"/v1/subjects/{OTHER}{rest}", **body)
        assert (stranger.status_code, nobody.status_code) == (404, 404)
        assert stranger.text.replace(person.id, OTHER) == nobody.text
        for role in (Role.VIEWER, Role.RESEARCHER):
            answer = ask(role, method, f"/v1/subjects/{person.id}{rest}", **body)
            assert answer.status_code in (403, 404, 422), (role, method, rest, answer.text)
            assert LABEL not in answer.text
            if (method, rest) == ("GET", "/erasure") or body == {"into": str(UUID(int=1))}:
                assert answer.status_code == 403, "a preview is for who may do it"
    assert ledger.list_pending(settings) == []
    pseudonym = store.subjects.list_pseudonyms()[0][0]
    answer = ask(Role.RESEARCHER, "POST", f"/v1/subjects/{person.id}/erasure", confirm=pseudonym)
    assert answer.status_code == 403, answer.text
    assert ask(Role.VIEWER, "POST", f"/v1/subjects/{person.id}/erasure", confirm=LABEL).status_code == 403
    assert store.subjects.get(subject_id=person.id).label == LABEL
    for role in (Role.VIEWER, Role.RESEARCHER, Role.CLINICIAN):
        assert ask(role, "GET", "/v1/pseudonyms").status_code == 403
    key = ask(Role.ADMINISTRATOR, "GET", "/v1/pseudonyms").json()["items"]
    assert key == [{"id": person.id, "label": LABEL, "pseudonym": pseudonym}]
    assert ask(Role.ADMINISTRATOR, "POST", f"/v1/subjects/{person.id}/erasure", confirm=LABEL).status_code == 200
