"""Logins and tokens: what opens, what does not, what ends, and what the guard asks of somebody who is not logged in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import Parameters, PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.login.routes import inner_path, login_routes
from db.actors import Role
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.access import control as control_module
from service.access.accounts import add_account, create_token, revoke_token
from service.access.control import (
    COOKIE,
    FAILURES_OF_ADDRESS,
    FAILURES_OF_NAME,
    AccessControl,
    LoginError,
    request_actor,
)
from service.access.guard import Guard
from service.access.passwords import check_password, hash_password, matches
from service.settings import AppSettings

PASSWORD = "correct horse battery"
HOST = "http://127.0.0.1:8501"


@pytest.fixture
def control(settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch) -> AccessControl:
    monkeypatch.setattr(control_module, "REMEMBER_S", 0.0)
    return AccessControl(settings, store)


@pytest.fixture
def accounts(store: Store) -> None:
    add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
    add_account(store, "Dr M", Role.CLINICIAN, PASSWORD)


async def tell(request: Request) -> Response:
    """Answer with who acts, as the store would be told."""
    actor = request_actor.get()
    return PlainTextResponse("nobody" if actor is None else f"{actor.name}|{actor.role}|{actor.account_id}")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("open")
    await websocket.close()


def browser(settings: AppSettings, control: AccessControl) -> TestClient:
    routes: list[BaseRoute] = [
        *login_routes(settings, control, ("en", "de")),
        WebSocketRoute("/_stcore/stream", stream),
        Route("/{rest:path}", tell, methods=["GET", "POST"]),
    ]
    served = Starlette(routes=routes, middleware=[Middleware(Guard, settings=settings, control=control)])
    return TestClient(served, base_url=HOST, client=("127.0.0.1", 50000), follow_redirects=False)


def log_in(client: TestClient, name: str = "Dr M", password: str = PASSWORD, target: str = "/") -> int:
    form = {"name": name, "password": password, "next": target}
    return client.post("/login", data=form, headers={"Origin": HOST}).status_code


PAGES = ("/", "/session?session=1")
PATHS = (*PAGES, "/app/static/x.css", "/_stcore/host-config", "/media/1", "/api/media/1", "/api/jobs/1")
STREAM = "ws://127.0.0.1:8501/_stcore/stream"


def test_without_accounts_nobody_has_to_log_in(settings: AppSettings, control: AccessControl) -> None:
    client = browser(settings, control)
    for path in PATHS:
        assert client.get(path).text == "|None|None"
    with client.websocket_connect(STREAM) as websocket:
        assert websocket.receive_text() == "open"


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("cookie", [None, "", "guess", "over", "disabled", "logged-out"])
def test_with_accounts_nothing_is_read_without_a_login(
    settings: AppSettings, control: AccessControl, store: Store, cookie: str | None
) -> None:
    client = browser(settings, control)
    secret = cookie
    if cookie in ("over", "disabled", "logged-out"):
        assert log_in(client) == 303
        secret = client.cookies[COOKIE]
        client.cookies.clear()
    if cookie == "over":
        control = AccessControl(settings.model_copy(update={"login_idle_minutes": 0.0}), store)
        client = browser(settings, control)
    if cookie == "disabled":
        store.accounts.set_disabled(name="Dr M", disabled=True)
    if cookie == "logged-out":
        control.log_out(secret or "")
    headers = {} if secret is None else {"Cookie": f"{COOKIE}={secret}"}
    for path in PATHS:
        answer = client.get(path, headers=headers)
        assert answer.status_code == (303 if path in PAGES else 401)
        assert "Dr M" not in answer.text
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/login?next=%2F")
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(STREAM, headers=headers):
        pass
    assert (refused.value.code, refused.value.reason) == (1008, "Log in first.")


@pytest.mark.usefixtures("accounts")
def test_a_login_leads_where_one_wanted_to_go_and_logging_out_ends_it(
    settings: AppSettings, control: AccessControl, store: Store
) -> None:
    client = browser(settings, control)
    assert log_in(client, target="/session?session=1") == 303
    account = store.accounts.get(name="dr m")
    assert client.get("/session").text == f"Dr M|clinician|{account.id}"
    with client.websocket_connect(STREAM) as websocket:
        assert websocket.receive_text() == "open"
    assert client.get("/logout").headers["location"] == "/login"
    assert client.get("/session").status_code == 303
    lines = store.audit.list_newest(limit=2)
    assert [(line.action, line.by, line.origin) for line in lines] == [
        ("logout", "Dr M", "127.0.0.1"),
        ("login", "Dr M", "127.0.0.1"),
    ]


@pytest.mark.usefixtures("accounts")
def test_the_cookie_is_of_no_use_to_scripts_and_other_sites(settings: AppSettings, control: AccessControl) -> None:
    client = browser(settings, control)
    form = {"name": "Dr M", "password": PASSWORD}
    cookie = client.post("/login", data=form).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    other = client.post("/login", data=form, headers={"Origin": "https://evil.example"})
    assert (other.status_code, "set-cookie" in other.headers) == (403, False)
    proxied = AppSettings(data_dir=settings.data_dir, trusted_proxy=("127.0.0.1",))
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    encrypted = browser(proxied, AccessControl(proxied, control._store)).post("/login", data=form, headers=headers)
    assert "Secure" in encrypted.headers["set-cookie"]


@pytest.mark.usefixtures("accounts")
def test_wrong_names_and_wrong_passwords_get_the_same_answer(settings: AppSettings, control: AccessControl) -> None:
    client = browser(settings, control)
    pages = [
        client.post("/login", data={"name": name, "password": password}, headers={"Accept-Language": "de"})
        for name, password in (("Nobody", PASSWORD), ("Dr M", "wrong horse battery"), ("Dr M", ""))
    ]
    assert {page.status_code for page in pages} == {401}
    assert len({page.text.replace("Nobody", "Dr M") for page in pages}) == 1
    assert 'lang="de"' in pages[0].text
    assert "<script" not in client.post("/login", data={"name": "<script>", "password": "x"}).text


@pytest.mark.usefixtures("accounts")
def test_guessing_ends_after_a_few_tries(control: AccessControl, store: Store) -> None:
    for _ in range(FAILURES_OF_NAME):
        with pytest.raises(LoginError, match="wrong"):
            control.log_in("DR M", "wrong horse battery", "192.0.2.1")
    with pytest.raises(LoginError, match="too many"):
        control.log_in("Dr M", PASSWORD, "192.0.2.2")
    assert control.log_in("Admin", PASSWORD, "192.0.2.2")
    refused = [line for line in store.audit.list_newest() if line.action == "refuse"]
    assert len(refused) == FAILURES_OF_NAME
    assert {line.origin for line in refused} == {"192.0.2.1"}
    assert all("Dr M" not in f"{line.object_id} {line.detail} {line.by}" for line in refused)


@pytest.mark.usefixtures("accounts")
def test_a_token_opens_the_api_within_its_scopes_and_no_page(
    settings: AppSettings, control: AccessControl, store: Store
) -> None:
    client = browser(settings, control)
    token, record = create_token(store, "Dr M", "script", ("read",), 1)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/jobs/1", headers=headers).text.startswith("Dr M|clinician|")
    assert client.post("/api/upload", headers=headers).status_code == 403
    assert client.get("/session", headers=headers).status_code == 403
    assert client.get("/api/jobs/1", headers={"Authorization": f"Bearer {token}x"}).status_code == 401
    revoke_token(store, record.id[:8])
    assert client.get("/api/jobs/1", headers=headers).status_code == 401
    for scopes, days in ((("everything",), 1), (("read",), 0), (("read",), 10_000)):
        with pytest.raises(FerPhqError):
            create_token(store, "Dr M", "x", scopes, days)


@pytest.mark.usefixtures("accounts")
def test_programs_that_are_refused_are_in_the_audit_and_do_not_fill_it(
    settings: AppSettings, control: AccessControl, store: Store
) -> None:
    client = browser(settings, control)
    token, _ = create_token(store, "Dr M", "script", ("read",), 1)
    assert client.post("/api/upload", headers={"Authorization": f"Bearer {token}"}).status_code == 403
    for _ in range(FAILURES_OF_ADDRESS + 10):
        assert client.get("/api/jobs/1").status_code == 401
    assert client.get("/session").status_code == 303, "who opens a page is led to the login"
    details = [entry.detail for entry in store.audit.list_newest(limit=200) if entry.action == "refuse"]
    assert details.count("access.login_needed") == FAILURES_OF_ADDRESS
    account = store.accounts.get(name="Dr M")
    assert [detail for detail in details if "scope" in detail] == [f"access.scope_needed, account {account.id}"]
    assert log_in(client) == 303, "nobody is kept from logging in by them"


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/session?session=1", "/session?session=1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_a_login_leads_nowhere_else(target: str, leads_to: str) -> None:
    assert inner_path(target) == leads_to


@pytest.mark.parametrize("password", ["short", "a" * 20, "abababababababab", "dr m dr m dr m 1", "x" * 300])
def test_passwords_that_are_easily_guessed_are_refused(password: str) -> None:
    with pytest.raises(FerPhqError):
        check_password(password, "Dr M")


def test_passwords_are_kept_as_argon2id(cost_of_passwords: Parameters) -> None:
    assert (
        PasswordHasher.from_parameters(cost_of_passwords).hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    )
    password_hash = hash_password(PASSWORD)
    assert password_hash.startswith("$argon2id$")
    assert (matches(PASSWORD, password_hash), matches("other", password_hash), matches(PASSWORD, None)) == (
        True,
        False,
        False,
    )
    assert not matches(PASSWORD, "not a hash")


def test_the_first_account_is_an_administrators(store: Store) -> None:
    with pytest.raises(FerPhqError, match="must be an administrator"):
        add_account(store, "Dr M", Role.CLINICIAN, PASSWORD)


@pytest.mark.usefixtures("accounts")
def test_a_login_that_is_used_is_kept_alive(control: AccessControl, store: Store) -> None:
    secret = control.log_in("Dr M", PASSWORD, "192.0.2.1")
    account = control.account(secret)
    assert account is not None
    assert account.name == "Dr M"
    assert control.account(secret + "x") is None
    assert store.logins.find(digest="unknown", idle=timedelta(hours=1)) is None
