"""What Prometheus reads: how the installation does, of nobody, and for whom."""

from __future__ import annotations

from typing import Any

import pytest
from analysis_samples import new_session
from api_server import asker
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from db.actors import Role
from db.store import Store
from db.urls import DATABASE_NAME
from service.access.accounts import add_account, create_token
from service.api.v1 import alone
from service.api.v1.application import create_api
from service.settings import AppSettings

LABEL = "Zoë P01"


def samples(answer: Any) -> dict[tuple[str, ...], float]:
    """Every number, by its name and labels."""
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_say_how_the_installation_does_and_nothing_of_anybody(settings: AppSettings, store: Store) -> None:
    client = asker(settings)
    session = new_session(store, store.subjects.create(label=LABEL).id)
    job = store.jobs.create(session_id=session.id)
    store.workers.heartbeat(worker="w", host="h", pid=1)
    before = samples(client.get("/metrics"))
    assert (before["ferphq_jobs", "queued"], before["ferphq_jobs", "failed"], before["ferphq_workers",]) == (1, 0, 1)
    assert 0 <= before["ferphq_queue_age_seconds",] < 60
    assert before["ferphq_disk_free_bytes",] > 0
    client.get(f"/v1/jobs/{job.id}")
    client.get("/v1/jobs/nothing")
    client.get(f"/v1/{job.id}")
    client.request("BREW", "/v1/jobs")
    client.post("/v1/predict", files={"file": ("a.jpg", b"x"), "other": ("b.jpg", b"x")})
    answer = client.get("/metrics")
    after = samples(answer)

    def counted(*labels: str) -> float:
        name = ("ferphq_request_seconds_count", *labels)
        return after.get(name, 0) - before.get(name, 0)

    assert [counted("GET", "/v1/jobs/{job_id}", status) for status in ("200", "404")] == [1, 1]
    assert counted("POST", "/v1/predict", "422") == 1
    assert counted("GET", "other", "404") == 1
    assert not any("BREW" in name for name in after)
    for word in (job.id, session.id, session.subject_id, LABEL, "session.mp4", str(settings.data_dir)):
        assert word not in answer.text


def test_without_a_database_metrics_say_so(settings: AppSettings, store: Store) -> None:
    client = TestClient(create_api(settings, store), client=("127.0.0.1", 50000))
    (settings.data_dir / DATABASE_NAME).write_bytes(b"no database" * 100)
    numbers = samples(client.get("/metrics"))
    assert numbers["ferphq_database_up",] == 0
    assert ("ferphq_jobs", "queued") not in numbers


def test_how_the_server_is_is_said_without_a_database(settings: AppSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the guard and the check of the address, which both ask the database where a proxy is trusted."""
    monkeypatch.setattr(alone, "upgrade", lambda url: None)
    behind_proxy = settings.model_copy(update={"trusted_proxy": ("192.0.2.9",)})
    here, elsewhere = asker(behind_proxy), asker(behind_proxy, "192.0.2.1")
    (settings.data_dir / DATABASE_NAME).write_bytes(b"no database" * 100)
    token = {"Authorization": "Bearer ferphq_of-nobody"}
    for client in (here, elsewhere):
        for headers in ({}, token):
            assert client.get("/healthz", headers=headers).status_code == 200
            assert client.get("/readyz", headers=headers).status_code == 503
    for headers in ({}, token):
        assert samples(here.get("/metrics", headers=headers))["ferphq_database_up",] == 0
        for client, path in ((elsewhere, "/metrics"), (here, "/v1/subjects")):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (500, "api.server_error")


def test_metrics_are_for_programs_on_this_machine_and_for_administrators(settings: AppSettings, store: Store) -> None:
    here, elsewhere = asker(settings), asker(settings, "192.0.2.1")
    assert here.get("/metrics").status_code == 200
    stranger = elsewhere.get("/metrics")
    assert (stranger.status_code, stranger.json()["code"]) == (403, "api.metrics_closed")
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(store, role.value, role, "correct horse battery")
        tokens[role] = create_token(store, role.value, "script", ("read",), 1)[0]
    assert here.get("/metrics").status_code == 200
    answer = elsewhere.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (401, "access.login_needed")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    for role, token in tokens.items():
        answer = elsewhere.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == (200 if role is Role.ADMINISTRATOR else 403), role
    proxied = here.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert proxied.status_code == 401
    other = here.get("/metrics", headers={"Host": "evil.example"})
    assert other.status_code == 403
