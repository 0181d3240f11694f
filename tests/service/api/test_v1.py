"""The API for programs: who may ask it, what it answers to pictures, and how it says that something is wrong."""

from __future__ import annotations

import base64
import io
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest
from fastapi import FastAPI
from migrated import migrate
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

import training.simulation.puppet
from dashboard.exports.reports.files import write_session_report
from db.actors import Role
from db.store import Store
from db.urls import DATABASE_NAME
from fer_phq import analyze_image, load_model
from fer_phq.core.emotions import EMOTIONS
from service.access.accounts import add_account, create_token, revoke_token
from service.access.control import COOKIE, AccessControl
from service.access.guard import LIVE_PATH, PREDICT_PATH, Guard
from service.api.v1 import alone
from service.api.v1.alone import create_app
from service.api.v1.application import create_api, mounted_routes
from service.api.v1.pictures import bodies, live, predictor
from service.settings import AppSettings

HOST = "http://127.0.0.1:8600"
LIVE = f"ws{HOST[4:]}{LIVE_PATH}"
PASSWORD = "correct horse battery"
PORTRAIT = Path(training.simulation.puppet.__file__).with_name("portrait.jpg").read_bytes()
NO_FACE = io.BytesIO()
Image.new("RGB", (64, 64), "grey").save(NO_FACE, "PNG")
MEMBERS = {"type", "title", "status", "detail", "code", "params"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> AppSettings:
    installation = AppSettings(data_dir=tmp_path_factory.mktemp("api") / "data")
    installation.prepare()
    migrate(installation.database_url)
    return installation


@pytest.fixture(scope="module")
def client(settings: AppSettings) -> TestClient:
    """A program on this machine, where nobody has to log in."""
    return asker(settings)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppSettings, Store]]:
    """An installation with accounts."""
    installation = AppSettings(data_dir=tmp_path_factory.mktemp("guarded") / "data")
    installation.prepare()
    migrate(installation.database_url)
    with Store(installation.database_url) as store:
        add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
        for role in (Role.CLINICIAN, Role.RESEARCHER, Role.VIEWER):
            add_account(store, role.value, role, PASSWORD)
        yield installation, store


@pytest.fixture(scope="module")
def program(guarded: tuple[AppSettings, Store]) -> TestClient:
    """A program on this machine, where there are accounts."""
    return asker(guarded[0])


def asker(settings: AppSettings, host: str = HOST, peer: str = "127.0.0.1") -> TestClient:
    app = create_app(settings, write_report=write_session_report)
    return TestClient(app, base_url=host, client=(peer, 50000), raise_server_exceptions=False)


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    if answer.request.method == "HEAD":
        assert answer.status_code == status
        return {}
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem.keys() == MEMBERS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["detail"].endswith(".")
    assert "Traceback" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    return problem


# ------------------------------------------------------------------------------------------------------ predictions


def test_a_picture_has_the_faces_and_numbers_that_the_library_gives(client: TestClient) -> None:
    rgb = np.array(Image.open(io.BytesIO(PORTRAIT)).convert("RGB"))
    expected = analyze_image(rgb, load_model())
    answer = client.post("/v1/predict", files={"file": ("portrait.jpg", PORTRAIT)})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert body["model_id"] == load_model().model_id
    assert len(body["faces"]) == len(expected) == 1
    face = body["faces"][0]
    assert face["box"] == [float(value) for value in expected[0].box]
    assert (face["score"], face["quality"]) == (expected[0].detection_score, expected[0].quality)
    assert face["emotions"] == dict(zip(EMOTIONS, map(float, expected[0].emotions), strict=True))
    assert body["results"][0] == {
        "index": 0,
        "model_id": body["model_id"],
        "width": rgb.shape[1],
        "height": rgb.shape[0],
        "faces": body["faces"],
        "notes": [],
    }


def test_a_bad_picture_in_a_batch_does_not_lose_the_others(client: TestClient, settings: AppSettings) -> None:
    before = sorted(settings.data_dir.rglob("*"))
    pictures = [base64.b64encode(content).decode() for content in (NO_FACE.getvalue(), b"none", PORTRAIT)]
    answer = client.post("/v1/predict", json={"images": [*pictures, "not base64!"]}, headers={"Accept-Language": "de"})
    assert answer.status_code == 200
    body = answer.json()
    assert "faces" not in body
    first, second, third, fourth = body["results"]
    assert (first["faces"], len(third["faces"])) == ([], 1)
    assert second["problem"].keys() == MEMBERS
    assert second["problem"]["code"] == "pictures.not_a_picture"
    assert fourth["problem"]["code"] == "api.no_base64"
    form = [("file", ("a.png", NO_FACE.getvalue())), ("file", ("b.jpg", PORTRAIT))]
    by_form = client.post("/v1/predict", files=form).json()["results"]
    assert by_form[1]["faces"] == third["faces"]
    assert sorted(settings.data_dir.rglob("*")) == before, "nothing is stored"


REQUESTS: list[tuple[dict[str, Any], int, str]] = [
    ({"files": {"file": ("a.jpg", b"none")}}, 422, "pictures.not_a_picture"),
    ({"files": {"file": ("a.jpg", b"")}}, 422, "pictures.empty"),
    ({"files": {"image": ("a.jpg", PORTRAIT)}}, 422, "api.other_field"),
    ({"files": {"file": ("a.jpg", PORTRAIT)}, "data": {"x": "1"}}, 422, "api.other_field"),
    ({"files": [("file", ("a", b"x"))] * 33}, 422, "api.too_many_pictures"),
    ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "api.no_form"),
    ({"content": b"--y", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, "api.no_form"),
    ({"json": {"images": []}}, 422, "api.no_pictures"),
    ({"json": {"images": ["data:image/png;base64,AAAA"]}}, 422, "api.no_base64"),
    ({"json": {"images": "AAAA"}}, 422, "api.no_images"),
    ({"json": {"images": ["AAAA"], "model": "x"}}, 422, "api.no_images"),
    ({"json": [PORTRAIT.hex()[:8]]}, 422, "api.no_images"),
    ({"content": b"[" * 10_000, "headers": {"Content-Type": "application/json"}}, 422, "api.no_images"),
    ({"content": PORTRAIT, "headers": {"Content-Type": "image/jpeg"}}, 415, "api.media_type"),
    ({"data": {"file": "x"}}, 415, "api.media_type"),
    ({}, 415, "api.media_type"),
    ({"content": b"x", "headers": {"Content-Type": "application/json", "Content-Length": "9" * 30}}, 413, ""),
]


@pytest.mark.parametrize(("request_", "status", "code"), REQUESTS)
def test_what_cannot_be_predicted_is_a_problem(
    client: TestClient, request_: dict[str, Any], status: int, code: str
) -> None:
    assert_problem(client.post("/v1/predict", **request_), status, code or "api.body_too_large")


def test_a_body_without_a_length_is_bounded_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY", 1_000_000)

    def blocks() -> Iterator[bytes]:
        yield from [b" " * 100_000] * 12

    answer = client.post("/v1/predict", content=blocks(), headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "api.body_too_large")


def test_predictions_leave_the_threads_to_others(settings: AppSettings) -> None:
    class Quick(predictor.Predictor):
        def predict(self, contents: Sequence[bytes]) -> Any:
            return "model", list(contents)

    async def predict() -> Any:
        everyone = anyio.to_thread.current_default_thread_limiter()
        everyone.total_tokens = 1
        async with everyone:
            with anyio.fail_after(20):
                return await Quick(settings, store).predict_aside([b"x"])

    with Store(settings.database_url) as store:
        assert anyio.run(predict) == ("model", [b"x"])


def test_when_as_many_wait_as_can_another_is_told_when_to_come_again(
    settings: AppSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "MOST_REQUESTS", 1)
    with Store(settings.database_url) as store:
        api = create_api(settings, store)
        computing = predictor.Predictor(settings, store)
    with computing.slot(), pytest.raises(predictor.RequestError) as refusal, computing.slot():
        pass
    assert (refusal.value.status, refusal.value.retry_after) == (503, predictor.RETRY_SECONDS)
    with computing.slot():
        pass  # the place is free again
    api.add_api_route("/v1/busy", lambda: (_ for _ in ()).throw(refusal.value))
    answer = TestClient(api).get("/v1/busy")
    assert_problem(answer, 503, "api.busy")
    assert answer.headers["retry-after"] == str(predictor.RETRY_SECONDS)


def test_a_model_that_is_gone_is_a_problem_without_its_path(
    settings: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = settings.model_copy(update={"model": str(tmp_path / "gone")})
    answer = asker(missing).post("/v1/predict", files={"file": ("a.jpg", PORTRAIT)})
    assert_problem(answer, 503, "api.model_unusable")
    assert str(tmp_path) not in answer.text


# ------------------------------------------------------------------------------------------------------------- live


def test_pictures_are_answered_as_they_come_and_nothing_is_stored(client: TestClient, settings: AppSettings) -> None:
    expected = client.post("/v1/predict", files={"file": ("portrait.jpg", PORTRAIT)}).json()["results"][0]
    before = sorted(settings.data_dir.rglob("*"))
    with client.websocket_connect(LIVE, headers={"Accept-Language": "de"}) as connection:
        connection.send_bytes(PORTRAIT)
        assert connection.receive_json() == {**expected, "dropped": 0}
        connection.send_bytes(b"none")
        bad = connection.receive_json()
        assert (bad["index"], bad["problem"]["code"], "faces" in bad) == (1, "pictures.not_a_picture", False)
        connection.send_text("hello")
        assert connection.receive_json()["problem"]["code"] == "api.live_text"
        connection.send_bytes(b"x" * (live.MAX_BYTES + 1))
        assert connection.receive_json()["problem"]["code"] == "api.live_too_large"
        for _ in range(30):
            connection.send_bytes(PORTRAIT)
        answers = [connection.receive_json()]
        while answers[-1]["index"] < 33:
            answers.append(connection.receive_json())
        assert sum(answer["dropped"] + 1 for answer in answers) == 30
        assert len(answers) < 30, "the newest first; those that it replaced are dropped"
        assert all(answer["faces"] == expected["faces"] for answer in answers)
    assert sorted(settings.data_dir.rglob("*")) == before


def test_a_live_connection_ends_with_a_reason(
    settings: AppSettings, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(live, "MOST_BAD", 2)

    def ending(connection: WebSocketTestSession) -> tuple[str, int, str]:
        code = connection.receive_json()["problem"]["code"]
        with pytest.raises(WebSocketDisconnect) as end:
            connection.receive_text()
        return code, end.value.code, end.value.reason

    with client.websocket_connect(LIVE) as first:
        with client.websocket_connect(LIVE) as second:
            assert ending(second) == ("api.live_full", 1013, "api.live_full")
        for _ in range(2):
            first.send_text("no picture")
            assert first.receive_json()["problem"]["code"] == "api.live_text"
        assert ending(first) == ("api.live_unreadable", 1008, "api.live_unreadable")
    monkeypatch.setattr(live, "IDLE_S", 0.01)
    with client.websocket_connect(LIVE) as idle:
        assert ending(idle) == ("api.live_idle", 1000, "api.live_idle")
    monkeypatch.setattr(live, "TOTAL_S", 0.005)
    with client.websocket_connect(LIVE) as long:
        assert ending(long) == ("api.live_over", 1000, "api.live_over")
    monkeypatch.setattr(live, "IDLE_S", 60)
    monkeypatch.setattr(live, "TOTAL_S", 60)
    gone = asker(settings.model_copy(update={"model": "gone"}))
    with gone.websocket_connect(LIVE) as broken:
        broken.send_bytes(PORTRAIT)
        assert ending(broken) == ("api.model_unusable", 1011, "api.model_unusable")


# ------------------------------------------------------------------------------------------------ errors, operation


def test_wrong_paths_and_methods_are_problems_in_the_language_asked_for(
    settings: AppSettings, client: TestClient
) -> None:
    assert_problem(client.get("/v1/nothing"), 404, "api.no_such_path")
    answer = client.get("/v1/predict")
    assert assert_problem(answer, 405, "api.no_such_method")["params"] == {"method": "GET", "methods": "POST"}
    assert answer.headers["allow"] == "POST"
    app = create_app(settings, translate=lambda message, code: f"{code} {message.code}.", languages=("en", "de"))
    german = TestClient(app, base_url=HOST).get("/v1/nothing", headers={"Accept-Language": "de"})
    assert (german.json()["detail"], german.headers["content-language"]) == ("de api.no_such_path.", "de")


def test_a_surprise_is_a_number(settings: AppSettings, caplog: pytest.LogCaptureFixture) -> None:
    with Store(settings.database_url) as store:
        api = create_api(settings, store)
    api.add_api_route("/v1/surprise", lambda: {}["Jane Doe"])
    answer = TestClient(api, raise_server_exceptions=False).get("/v1/surprise")
    problem = assert_problem(answer, 500, "api.server_error")
    assert problem["params"]["number"] in caplog.text
    assert "Jane" not in answer.text


def test_the_operation_is_open_and_says_little_to_strangers(tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path / "data")
    settings.prepare()
    migrate(settings.database_url)
    client = asker(settings)
    assert client.get("/healthz").json() == {"status": "ok"}
    whole = {"status": "ready", "database": True, "tables": True, "folder": True}
    assert client.get("/readyz").json() == whole
    assert asker_again(client, "192.0.2.1").get("/readyz").json() == {"status": "ready"}
    settings.media_dir.rmdir()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, whole | {"status": "not ready", "folder": False})
    settings.media_dir.mkdir()
    with closing(sqlite3.connect(settings.data_dir / DATABASE_NAME)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'older'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, whole | {"status": "not ready", "tables": False})
    stranger = asker_again(client, "192.0.2.1").get("/readyz")
    assert (stranger.status_code, stranger.json()) == (503, {"status": "not ready"})


def asker_again(client: TestClient, peer: str) -> TestClient:
    """The same application, asked from another address."""
    return TestClient(client.app, base_url=HOST, client=(peer, 50000))


def test_the_document_is_openapi_3_1_with_examples_and_says_what_is_answered(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/predict", "/v1/subjects/{subject_id}/erasure", "/healthz", "/readyz"} <= set(document["paths"])
    schemas = document["components"]["schemas"]
    for name in ("Problem", "PictureResult", "Prediction", "Health", "Readiness"):
        assert schemas[name]["examples"], name
    post = document["paths"]["/v1/predict"]["post"]
    assert set(post["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    documented = {status for status in post["responses"] if status != "200"}
    assert {str(status) for _, status, _ in REQUESTS} | {"401", "403", "503"} <= documented
    assert all(set(post["responses"][status]["content"]) == {"application/problem+json"} for status in documented)
    assert document["components"]["securitySchemes"]["login"]["name"] == COOKIE


# ------------------------------------------------------------------------------------------------------------ rights

OPEN = {"/healthz", "/readyz", "/metrics"}


def routes_of(api: FastAPI) -> list[tuple[str, str, str]]:
    """Every operation of the document, with the scope that a token needs."""
    paths = api.openapi()["paths"]
    operations = [(method.upper(), path) for path, entry in paths.items() for method in entry]
    operations.append(("GET", "/v1/openapi.json"))
    return [(method, path, scope_of(method, path)) for method, path in operations]


def scope_of(method: str, path: str) -> str:
    if path.startswith("/v1/uploads") or (method, path) == ("POST", "/v1/sessions"):
        return "upload"
    return "read" if method == "GET" or path == PREDICT_PATH else "write"


def test_every_route_is_closed_to_whoever_may_not_ask(guarded: tuple[AppSettings, Store], program: TestClient) -> None:
    settings, store = guarded
    api = create_api(settings, store, write_report=write_session_report)
    client = program
    revoked, record = create_token(store, "clinician", "revoked", ("read",), 1)
    revoke_token(store, record.id)
    expired, record = create_token(store, "clinician", "expired", ("read",), 1)
    with closing(sqlite3.connect(settings.data_dir / DATABASE_NAME)) as database, database:
        assert (
            database.execute("UPDATE api_tokens SET expires_at = created_at WHERE id = ?", (record.id,)).rowcount == 1
        )
    tokens = {scope: create_token(store, "clinician", scope, (scope,), 1)[0] for scope in ("read", "upload", "write")}
    for method, path, scope in routes_of(api):
        if path in OPEN:
            assert client.request(method, path).status_code == 200
            continue
        for header in (
            "",
            f"Bearer {revoked}",
            f"Bearer {expired}",
            "Bearer ferphq_guess",
            "Basic YTpi",
            f"Bearer {tokens['read']}x",
        ):
            answer = client.request(method, path, headers={"Authorization": header} if header else {})
            assert_problem(answer, 401, "access.login_needed")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert_problem(client.request(method, path, headers={"Cookie": f"{COOKIE}=guess"}), 401, "access.login_needed")
        for name, token in tokens.items():
            answer = client.request(method, path, headers={"Authorization": f"Bearer {token}"})
            if name == scope:
                assert answer.status_code != 401
                assert "access.scope_needed" not in answer.text
            else:
                assert_problem(answer, 403, "access.scope_needed")
        other_site = client.request(method, path, headers={"Origin": "https://evil.example"})
        assert_problem(other_site, 403, "api.other_origin")
        assert_problem(client.request(method, path, headers={"Host": "evil.example"}), 403, "api.unknown_host")


def test_every_websocket_is_closed_to_whoever_may_not_ask(
    guarded: tuple[AppSettings, Store], program: TestClient
) -> None:
    settings, store = guarded
    paths = websockets_of(create_api(settings, store).routes)
    assert LIVE_PATH in paths
    tokens = {scope: create_token(store, "viewer", scope, (scope,), 1)[0] for scope in ("read", "upload", "write")}
    secret = AccessControl(settings, store).log_in("viewer", PASSWORD, "127.0.0.1")
    allowed = ({"Authorization": f"Bearer {tokens['read']}"}, {"Cookie": f"{COOKIE}={secret}"})
    refused = (
        {},
        {"Authorization": "Bearer ferphq_guess"},
        {"Cookie": f"{COOKIE}=guess"},
        {"Authorization": f"Bearer {tokens['upload']}"},
        {"Authorization": f"Bearer {tokens['write']}"},
        {**allowed[0], "Origin": "https://evil.example"},
        {**allowed[1], "Origin": "https://evil.example"},
        {**allowed[1], "Host": "evil.example"},
    )
    for path in paths:
        for headers in refused:
            with (
                pytest.raises(WebSocketDisconnect) as end,
                program.websocket_connect(f"ws{HOST[4:]}{path}", headers=headers),
            ):
                pass
            assert end.value.code == 1008, headers
        for headers in (*allowed, {**allowed[1], "Origin": HOST}):
            with program.websocket_connect(f"ws{HOST[4:]}{path}", headers=headers) as connection:
                connection.send_text("no picture")
                assert connection.receive_json()["problem"]["code"] == "api.live_text"


def websockets_of(routes: Sequence[Any]) -> list[str]:
    """The path of each websocket; routers that are included hold their own routes."""
    paths = [route.path for route in routes if isinstance(route, WebSocketRoute)]
    for route in routes:
        paths += websockets_of(getattr(getattr(route, "original_router", None), "routes", ()))
    return paths


@pytest.mark.parametrize("name", ["Admin", "clinician", "researcher", "viewer"])
def test_each_role_may_have_its_own_pictures_read(
    guarded: tuple[AppSettings, Store], program: TestClient, name: str
) -> None:
    settings, store = guarded
    client = program
    files = {"file": ("a.jpg", b"none")}  # the way to the model is the same
    token, _ = create_token(store, name, "script", ("read",), 1)
    answer = client.post("/v1/predict", files=files, headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 422, "pictures.not_a_picture")
    secret = AccessControl(settings, store).log_in(name, PASSWORD, "127.0.0.1")
    answer = client.post("/v1/predict", files=files, headers={"Cookie": f"{COOKIE}={secret}"})
    assert_problem(answer, 422, "pictures.not_a_picture")


def test_a_token_for_the_api_opens_no_page(guarded: tuple[AppSettings, Store], program: TestClient) -> None:
    token, _ = create_token(guarded[1], "Admin", "script", ("read", "write"), 1)
    answer = program.get("/session", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_served_alone_it_answers_no_network_without_accounts_and_encryption(
    settings: AppSettings, guarded: tuple[AppSettings, Store]
) -> None:
    """`uvicorn service.api:app --host 192.0.2.9` listens before anybody can refuse it."""
    everywhere = {"address": "0.0.0.0"}
    opened = asker(settings.model_copy(update=everywhere), "http://192.0.2.9:8600", "192.0.2.1")
    assert_problem(opened.get("/v1/openapi.json"), 403, "access.address_without_accounts")
    with_accounts = guarded[0].model_copy(update=everywhere)
    token = create_token(guarded[1], "Admin", "script", ("read",), 1)[0]
    headers = {"Authorization": f"Bearer {token}"}
    plain = asker(with_accounts, "http://192.0.2.9:8600", "192.0.2.1")
    assert_problem(plain.get("/v1/openapi.json", headers=headers), 403, "access.address_without_tls")
    elsewhere = "ws://192.0.2.9:8600/v1/live"
    for client, login in ((opened, {}), (plain, headers)):
        with pytest.raises(WebSocketDisconnect) as end, client.websocket_connect(elsewhere, headers=login):
            pass
        assert end.value.reason.startswith("The dashboard does not listen on")
    encrypted = asker(with_accounts, "https://192.0.2.9:8600", "192.0.2.1")
    assert encrypted.get("/v1/openapi.json", headers=headers).status_code == 200


def test_mounted_beside_pages_it_answers_its_own_paths_alone(settings: AppSettings) -> None:
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("a page")

    with Store(settings.database_url) as store:
        routes = [*mounted_routes(create_api(settings, store)), Route("/{rest:path}", page)]
        client = TestClient(Guard(Starlette(routes=routes), settings), base_url=HOST)
        for path in ("/", "/session", "/v1", "/v2/predict"):
            assert client.get(path).text == "a page"
        for path in ("/healthz", "/readyz", "/v1/openapi.json"):
            assert client.get(path).headers["content-type"] == "application/json"
        assert_problem(client.get("/v1/nothing"), 404, "api.no_such_path")
        assert_problem(client.delete("/v1/predict"), 405, "api.no_such_method")
        answer = client.post("/v1/predict", files={"file": ("a.jpg", b"none")})
        assert_problem(answer, 422, "pictures.not_a_picture")
        with client.websocket_connect(LIVE) as connection:
            connection.send_text("no picture")
            assert connection.receive_json()["problem"]["code"] == "api.live_text"


def test_serving_follows_the_rules_of_listening(settings: AppSettings) -> None:
    with pytest.raises(alone.SettingsError, match="without a login"):
        alone.serve(settings.model_copy(update={"address": "0.0.0.0"}))


def test_the_module_has_an_application_and_importing_it_costs_nothing(
    settings: AppSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import sys, service.api; sys.exit(bool({'torch', 'fastapi', 'sqlalchemy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    import service.api

    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    assert TestClient(service.api.app, base_url=HOST).get("/healthz").json() == {"status": "ok"}
    with pytest.raises(AttributeError):
        _ = service.api.other
