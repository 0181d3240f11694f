"""Logging in with a provider of identities that runs here, and every way to abuse it."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from migrated import migrate
from openid_provider import CLIENT, CLIENT_SECRET, DELETED, OpenIdProvider, fields, running_provider, visit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

from dashboard.login import provider as routes_module
from dashboard.login.routes import login_routes
from db.actors import Role
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.access import control as control_module
from service.access.accounts import add_account_of_provider, change_to_provider
from service.access.control import COOKIE, FAILURES_OF_ADDRESS, FAILURES_OF_NAME, AccessControl, request_actor
from service.access.guard import ANSWER_PATH, PROVIDER_PATH, Guard
from service.access.openid import fetching
from service.access.openid import provider as provider_module
from service.access.openid.fetching import FetchError, fetch_json
from service.access.openid.flow import COOKIE as ATTEMPT_COOKIE
from service.access.openid.flow import Flow
from service.access.openid.identity import Identity, IdentityError
from service.access.openid.provider import Provider
from service.access.openid.registration import Registration, read_registration
from service.settings import AppSettings, load_settings

HOST = "http://127.0.0.1:8501"
EMAIL = "dr.m@clinic.example"
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""What a browser sends that another site leads here."""


@pytest.fixture(scope="module")
def server() -> Iterator[OpenIdProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server: OpenIdProvider) -> OpenIdProvider:
    server.reset()
    server.redirects = {f"{HOST}{ANSWER_PATH}"}
    return server


@pytest.fixture
def client_settings(tmp_path: Path, provider: OpenIdProvider) -> AppSettings:
    """Settings of an installation that the provider knows."""
    secret = tmp_path / "client-secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    return AppSettings(
        data_dir=tmp_path / "data",
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=secret,
    )


@pytest.fixture
def settings(client_settings: AppSettings) -> AppSettings:
    client_settings.prepare()
    migrate(client_settings.database_url)
    return client_settings


@pytest.fixture
def store(settings: AppSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(control_module, "REMEMBER_S", 0.0)
    registration = read_registration(settings)
    with Store(settings.database_url) as opened:
        add_account_of_provider(opened, "Admin", Role.ADMINISTRATOR, "admin@clinic.example", registration)
        add_account_of_provider(opened, "Dr M", Role.CLINICIAN, " Dr.M@clinic.EXAMPLE ", registration)
        yield opened


async def tell(request: Request) -> Response:
    actor = request_actor.get()
    return PlainTextResponse("nobody" if actor is None else f"{actor.name}|{actor.role}")


def browser(settings: AppSettings, store: Store, **changes: Any) -> TestClient:
    settings = settings.model_copy(update=changes)
    control = AccessControl(settings, store)
    routes: list[BaseRoute] = [*login_routes(settings, control, ("en", "de")), Route("/{rest:path}", tell)]
    served = Starlette(routes=routes, middleware=[Middleware(Guard, settings=settings, control=control)])
    return TestClient(served, base_url=HOST, client=("127.0.0.1", 50000), follow_redirects=False)


def begin(client: TestClient, target: str = "/session?session=1") -> str:
    """Press the button; the provider's answer, not yet brought back."""
    started = client.get(PROVIDER_PATH, params={"next": target})
    assert started.status_code == 303, started.text
    return visit(started.headers["location"])


def log_in(client: TestClient, target: str = "/session?session=1") -> Response:
    return client.get(begin(client, target), headers=LINK)


def identify(settings: AppSettings) -> Identity:
    """Go the whole way to the provider and back, without an account."""
    registration = read_registration(settings)
    assert registration is not None
    flow = Flow(Provider(registration), b"a key of this installation")
    address, remembered = flow.begin(redirect_uri=f"{HOST}{ANSWER_PATH}", target="/")
    answer = fields(visit(address))
    return flow.finish(flow.take_back(remembered, answer), answer)


def refusals(store: Store) -> list[str]:
    return [line.detail for line in store.audit.list_newest(limit=200) if line.action == "refuse"]


def test_a_person_logs_in_with_the_provider_and_the_login_ends_as_any_other(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    client = browser(settings, store)
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/session?session=1")
    assert client.get("/session").text == "Dr M|clinician"
    assert ATTEMPT_COOKIE not in client.cookies
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{COOKIE}="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    (question,) = provider.questions
    assert (question["scope"], question["max_age"]) == ("openid email", "1800")
    lines = [(line.action, line.by, line.origin, line.detail) for line in store.audit.list_newest(limit=2)]
    assert lines == [("login", "Dr M", "127.0.0.1", "openid"), ("bind", "Dr M", "", "")]
    assert client.get("/logout").headers["location"] == "/login"
    assert client.get("/session").status_code == 303


def test_an_answer_serves_once_and_in_the_browser_that_began(settings: AppSettings, store: Store) -> None:
    client = browser(settings, store)
    answer = begin(client)
    stranger = browser(settings, store)
    assert stranger.get(answer, headers=LINK).status_code == 401  # a login with somebody else's account (login CSRF)
    begin(stranger)
    assert stranger.get(answer, headers=LINK).status_code == 401
    assert COOKIE not in stranger.cookies
    remembered = client.cookies[ATTEMPT_COOKIE]
    assert client.get(answer, headers=LINK).status_code == 303
    for cookie in ({}, {"Cookie": f"{ATTEMPT_COOKIE}={remembered}"}):
        replayed = browser(settings, store).get(answer, headers=LINK | cookie)
        assert (replayed.status_code, "set-cookie" in replayed.headers and COOKIE in replayed.cookies) == (401, False)


@pytest.mark.parametrize("state", ["", "x", None])
def test_a_wrong_state_is_refused_and_ends_no_login_that_has_begun(
    settings: AppSettings, store: Store, state: str | None
) -> None:
    client = browser(settings, store)
    answer = begin(client)
    forged = {"code": fields(answer)["code"], **({} if state is None else {"state": state})}
    refused = client.get(ANSWER_PATH, params=forged, headers=LINK)
    assert refused.status_code == 401
    assert "This login was not begun here" in refused.text
    assert refusals(store) == ["openid, state"]
    assert client.get(answer, headers=LINK).status_code == 303


def test_a_forged_or_old_cookie_opens_nothing(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(settings, store)
    answer = begin(client)
    content = client.cookies[ATTEMPT_COOKIE]
    for value in (f"{content}x", content.partition(".")[0], "x"):
        cookie = {"Cookie": f"{ATTEMPT_COOKIE}={value}"}
        assert browser(settings, store).get(answer, headers=LINK | cookie).status_code == 401
    monkeypatch.setattr("service.access.openid.flow.LASTS_S", -1)
    assert client.get(answer, headers=LINK).status_code == 401


def test_another_site_cannot_lock_anybody_out_with_forged_answers(settings: AppSettings, store: Store) -> None:
    client = browser(settings, store)
    for _ in range(FAILURES_OF_ADDRESS + 3):
        assert client.get(ANSWER_PATH, params={"code": "x", "state": "y"}, headers=LINK).status_code == 401
    assert len(refusals(store)) == FAILURES_OF_ADDRESS
    assert log_in(client).status_code == 303


NOW = int(time.time())
UNBELIEVABLE = [
    ({"nonce": "another"}, "nonce"),
    ({"nonce": DELETED}, "token"),
    ({"aud": "another-client"}, "audience"),
    ({"aud": ["another-client"]}, "audience"),
    ({"aud": [CLIENT, "another-client"]}, "audience"),
    ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "audience"),
    ({"azp": "another-client"}, "audience"),
    ({"iss": "http://127.0.0.1:1/realm"}, "issuer"),
    ({"iss": DELETED}, "token"),
    ({"exp": NOW - 3600}, "expired"),
    ({"exp": DELETED}, "token"),
    ({"exp": "never"}, "token"),
    ({"iat": NOW + 3600}, "token"),
    ({"iat": DELETED}, "token"),
    ({"sub": DELETED}, "token"),
    ({"sub": ""}, "subject"),
    ({"sub": 7}, "token"),
    ({"sub": "x" * 256}, "subject"),
    ({"auth_time": NOW - 7200}, "authentication time"),
    ({"auth_time": "today"}, "authentication time"),
]


CLAIM_NAMES = [f"{next(iter(claims))}-{number}" for number, (claims, _) in enumerate(UNBELIEVABLE)]


@pytest.mark.parametrize(("claims", "reason"), UNBELIEVABLE, ids=CLAIM_NAMES)
def test_a_token_that_says_something_else_is_refused(
    client_settings: AppSettings, provider: OpenIdProvider, claims: dict[str, Any], reason: str
) -> None:
    assert identify(client_settings) == Identity(provider.issuer, "person-1", EMAIL)
    provider.claims = claims
    with pytest.raises(IdentityError) as refusal:
        identify(client_settings)
    assert refusal.value.reason == reason


def test_a_refusal_is_a_sentence_and_an_entry_of_the_audit(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    provider.claims = {"nonce": "another"}
    client = browser(settings, store)
    answer = log_in(client)
    assert (answer.status_code, COOKIE in client.cookies) == (401, False)
    assert answer.text.count('role="alert"') == 1
    assert refusals(store) == ["openid, nonce"]
    assert client.get("/session").status_code == 303


def unsigned(provider: OpenIdProvider) -> None:
    provider.algorithm, provider.signs_with = "none", None


def signed_with_the_public_key(provider: OpenIdProvider) -> None:
    """HMAC by the public key, which everybody has."""
    numbers = provider.key.public_key().public_numbers()
    provider.algorithm, provider.signs_with = "HS256", numbers.n.to_bytes(256, "big")


def signed_by_another(provider: OpenIdProvider) -> None:
    provider.signs_with = provider.stranger


def with_an_unknown_key(provider: OpenIdProvider) -> None:
    provider.signs_with, provider.key_name = provider.stranger, "second"


def with_another_algorithm(provider: OpenIdProvider) -> None:
    provider.algorithm = "PS256"  # its key is for RS256


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (unsigned, "algorithm"),
        (signed_with_the_public_key, "algorithm"),
        (signed_by_another, "signature"),
        (with_an_unknown_key, "key"),
        (with_another_algorithm, "token"),
    ],
)
def test_a_token_that_the_provider_has_not_signed_is_refused(
    client_settings: AppSettings, provider: OpenIdProvider, forge: Any, reason: str
) -> None:
    forge(provider)
    with pytest.raises(IdentityError) as refusal:
        identify(client_settings)
    assert refusal.value.reason == reason


def test_a_token_with_other_contents_under_its_signature_is_refused(
    client_settings: AppSettings, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = provider.sign

    def swap(question: dict[str, str]) -> str:
        head, body, signature = sign(question).split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"email": "admin@clinic.example"}
        return ".".join((head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature))

    monkeypatch.setattr(provider, "sign", swap)
    with pytest.raises(IdentityError) as refusal:
        identify(client_settings)
    assert refusal.value.reason == "signature"


def test_a_new_key_of_the_provider_is_read(
    settings: AppSettings, store: Store, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_module, "RETRY_S", 0.0)
    client = browser(settings, store)
    assert log_in(client).status_code == 303
    monkeypatch.setattr(provider, "key", provider.stranger)
    provider.signs_with = provider.stranger
    assert log_in(client).status_code == 401  # under the name of the old key, which is remembered
    provider.key_name = "second"
    assert log_in(client).status_code == 303


UNVERIFIED: list[dict[str, Any]] = [
    {"email_verified": False},
    {"email_verified": DELETED},
    {"email_verified": "false"},
    {"email": DELETED},
    {"email": [EMAIL]},
    {"email": "somebody@clinic.example"},
    {"email": "dr.m@clinic.exampl\u00e9"},
    {"email": "dr.\u2133@clinic.example"},
]


def test_an_unverified_or_unknown_address_opens_no_account(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    for number, claims in enumerate(UNVERIFIED):
        provider.claims = {"sub": f"stranger-{number}"} | claims
        client = browser(settings, store)
        answer = log_in(client)
        assert (answer.status_code, COOKIE in client.cookies) == (401, False), claims
        assert "There is no open account for you here" in answer.text
    assert refusals(store) == ["openid, no account"] * len(UNVERIFIED)
    assert len(store.accounts.list_all()) == 2  # nobody registers


def test_a_reused_address_does_not_open_somebody_elses_account(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    client = browser(settings, store)
    assert log_in(client).status_code == 303
    provider.claims = {"sub": "person-2"}
    assert log_in(browser(settings, store)).status_code == 401
    provider.claims = {"email": "married@clinic.example", "email_verified": False}
    assert log_in(browser(settings, store)).status_code == 303  # the same person under another address
    provider.claims = {"sub": "person-2"}
    change_to_provider(store, "dr m", EMAIL, read_registration(settings))
    assert client.get("/session").status_code == 303
    assert log_in(browser(settings, store)).status_code == 303


def test_a_disabled_account_stays_closed_before_and_after_its_first_login(settings: AppSettings, store: Store) -> None:
    store.accounts.set_disabled(name="Dr M", disabled=True)
    assert log_in(browser(settings, store)).status_code == 401
    store.accounts.set_disabled(name="Dr M", disabled=False)
    client = browser(settings, store)
    assert log_in(client).status_code == 303
    store.accounts.set_disabled(name="Dr M", disabled=True)
    assert client.get("/session").status_code == 303
    assert log_in(client).status_code == 401


@pytest.mark.parametrize(
    ("wanted", "claims", "opens"),
    [
        ({"oidc_require_acr": ("gold", "platinum")}, {"acr": "platinum"}, True),
        ({"oidc_require_acr": ("gold",)}, {"acr": "1"}, False),
        ({"oidc_require_acr": ("gold",)}, {"acr": ["gold"]}, False),
        ({"oidc_require_acr": ("gold",)}, {}, False),
        ({"oidc_require_amr": ("mfa", "hwk")}, {"amr": ["pwd", "mfa"]}, True),
        ({"oidc_require_amr": ("mfa",)}, {"amr": ["pwd"]}, False),
        ({"oidc_require_amr": ("mfa",)}, {"amr": "mfa"}, False),
        ({"oidc_require_amr": ("mfa",)}, {}, False),
        ({"oidc_require_acr": ("gold",), "oidc_require_amr": ("mfa",)}, {"acr": "gold"}, False),
    ],
    ids=str,
)
def test_a_missing_second_factor_is_refused(
    client_settings: AppSettings, provider: OpenIdProvider, wanted: dict[str, Any], claims: dict[str, Any], opens: bool
) -> None:
    provider.claims = claims
    client_settings = client_settings.model_copy(update=wanted)
    if opens:
        assert identify(client_settings).subject == "person-1"
    else:
        with pytest.raises(IdentityError, match="did not say that you used a second factor"):
            identify(client_settings)
    assert provider.questions[0].get("acr_values", "") == " ".join(wanted.get("oidc_require_acr", ()))


def test_the_provider_must_say_when_it_asked_where_that_is_wanted(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    provider.claims = {"auth_time": DELETED}
    assert log_in(browser(settings, store)).status_code == 303
    answer = log_in(browser(settings, store, oidc_max_age_minutes=0.0))
    assert answer.status_code == 401
    assert "did not ask for your password lately" in answer.text
    assert provider.questions[-1]["max_age"] == "0"


def test_a_provider_that_is_down_is_a_sentence_and_asked_again_later(
    settings: AppSettings, store: Store, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.broken = True
    client = browser(settings, store)
    answer = client.get(PROVIDER_PATH, headers={"Accept-Language": "de"})
    assert answer.status_code == 401
    assert "antwortet nicht, wie er sollte" in answer.text
    provider.broken = False
    assert client.get(PROVIDER_PATH).status_code == 401  # not asked at every click
    monkeypatch.setattr(provider_module, "RETRY_S", 0.0)
    assert log_in(client).status_code == 303


def test_people_who_log_in_at_the_same_moment_wait_for_one_answer(
    client_settings: AppSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = read_registration(client_settings)
    assert registration is not None
    addresses: list[str] = []

    def fetch_later(address: str) -> dict[str, Any]:
        addresses.append(address)
        time.sleep(0.1)
        return fetch_json(address)

    monkeypatch.setattr(provider_module, "fetch_json", fetch_later)
    asked = Provider(registration)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: asked.endpoints(), range(2))
    assert first == second
    assert len(addresses) == 1


def test_a_provider_that_nobody_runs_is_a_sentence(settings: AppSettings, store: Store) -> None:
    answer = browser(settings, store, oidc_issuer="http://127.0.0.1:9/realm").get(PROVIDER_PATH)
    assert answer.status_code == 401
    assert "does not answer" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://198.51.100.7/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"filler": "x" * (fetching.MAX_BYTES + 1)},
    ],
    ids=lambda document: next(iter(document)) + str(document)[-20:-2],
)
def test_what_a_provider_says_of_itself_is_checked(
    client_settings: AppSettings, provider: OpenIdProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    with pytest.raises(IdentityError, match="does not answer as it should"):
        identify(client_settings)


def test_a_redirect_of_the_provider_is_not_followed(provider: OpenIdProvider) -> None:
    assert fetch_json(f"{provider.issuer}/keys")["keys"]
    with pytest.raises(FetchError, match="status 307"):
        fetch_json(f"{provider.issuer}/elsewhere")


def test_a_provider_that_never_ends_is_not_waited_for(
    settings: AppSettings, store: Store, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TOTAL_S", 0.0)
    with pytest.raises(FetchError, match="too slow"):
        fetch_json(f"{provider.issuer}/keys")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a connection and says nothing
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(fetching, "SILENCE_S", 0.05)
        with pytest.raises(FetchError, match="timed out"):
            fetch_json(address)
        monkeypatch.setattr(fetching, "SILENCE_S", 5.0)
        monkeypatch.setattr(routes_module, "PATIENCE_S", 0.05)  # as for one that says something now and then
        answer = browser(settings, store, oidc_issuer=address).get(PROVIDER_PATH)
    assert (answer.status_code, "does not answer" in answer.text) == (401, True)


def test_a_code_that_the_provider_does_not_know_and_an_error_are_refused(settings: AppSettings, store: Store) -> None:
    client = browser(settings, store)
    for change, reason in (({"code": "x"}, "code"), ({"error": "access_denied"}, "access_denied")):
        answer = fields(begin(client)) | change
        assert client.get(ANSWER_PATH, params=answer, headers=LINK).status_code == 401
        assert refusals(store)[0] == f"openid, {reason}"
    answer = fields(begin(client)) | {"error": "<script>alert(1)</script>", "error_description": "<script>"}
    assert "<script" not in client.get(ANSWER_PATH, params=answer, headers=LINK).text
    answer = fields(begin(client)) | {"iss": "https://evil.example"}
    assert client.get(ANSWER_PATH, params=answer, headers=LINK).status_code == 401


def test_refusals_end_after_a_few(settings: AppSettings, store: Store, provider: OpenIdProvider) -> None:
    provider.claims = {"sub": "person-2", "email": "somebody@clinic.example"}
    client = browser(settings, store)
    for _ in range(FAILURES_OF_NAME):
        assert "no open account" in log_in(client).text
    assert "too many failed logins" in log_in(client).text
    provider.claims = {}
    assert log_in(client).status_code == 303


def test_the_way_through_the_provider_leads_nowhere_else(settings: AppSettings, store: Store) -> None:
    client = browser(settings, store)
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "//[", "/" + "x" * 2000):
        assert log_in(client, target).headers["location"] == "/"


def test_the_provider_leads_back_to_this_installation_only(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    client = browser(settings, store)
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}):
        answer = client.get(PROVIDER_PATH, headers=headers)
        assert "evil.example" not in answer.headers.get("location", "")
    behind = browser(settings, store, trusted_proxy=("127.0.0.1",), allowed_hosts=["phq.example.org"])
    headers = {"X-Forwarded-Host": "phq.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    answer = behind.get(PROVIDER_PATH, headers=headers)
    assert fields(answer.headers["location"])["redirect_uri"] == f"https://phq.example.org{ANSWER_PATH}"
    assert "Secure" in answer.headers["set-cookie"]


def test_without_a_provider_nothing_is_offered_or_fetched(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("the network was opened")

    monkeypatch.setattr(provider_module, "fetch_json", refuse)
    client = browser(settings, store, oidc_issuer=None, oidc_client_id=None)
    assert PROVIDER_PATH not in client.get("/login").text
    for path in (PROVIDER_PATH, ANSWER_PATH):
        assert client.get(path).headers["location"] == "/login"
    with_provider = browser(settings, store)
    assert (
        f'href="{PROVIDER_PATH}?next=%2Ftrends%3Fa%3D1%26b"' in with_provider.get("/login?next=/trends%3Fa=1%26b").text
    )


def test_an_account_of_the_provider_has_no_password_and_one_with_a_password_no_provider(
    settings: AppSettings, store: Store
) -> None:
    client = browser(settings, store)
    form = {"name": "Dr M", "password": ""}
    assert client.post("/login", data=form, headers={"Origin": HOST}).status_code == 401
    assert log_in(client).status_code == 303
    store.accounts.set_password(name="Dr M", password="$argon2id$")
    assert client.get("/session").status_code == 303
    assert log_in(client).status_code == 401


def test_entries_that_the_provider_cannot_say_are_refused(settings: AppSettings, store: Store) -> None:
    for entry in ("", "  ", "dr.m", "a@b@c", "@clinic", "x" * 400 + "@y", "a\nb@c", "a b@c"):
        with pytest.raises(FerPhqError, match="is no entry for an account"):
            add_account_of_provider(store, "X", Role.VIEWER, entry, read_registration(settings))


def test_one_entry_is_one_account(settings: AppSettings, store: Store) -> None:
    registration = read_registration(settings)
    with pytest.raises(FerPhqError, match="logs in to another account already"):
        add_account_of_provider(store, "Dr N", Role.VIEWER, "DR.M@clinic.example", registration)
    with pytest.raises(FerPhqError, match="logs in to another account already"):
        change_to_provider(store, "Admin", EMAIL, registration)
    with pytest.raises(FerPhqError, match="No provider of identities is named"):
        add_account_of_provider(store, "Dr N", Role.VIEWER, "n@clinic.example", None)


def test_subjects_differ_in_capitals_and_addresses_do_not(
    settings: AppSettings, store: Store, provider: OpenIdProvider
) -> None:
    by_subject = settings.model_copy(update={"oidc_claim": "sub"})
    add_account_of_provider(store, "Dr N", Role.VIEWER, "Person-1", read_registration(by_subject))
    assert log_in(browser(by_subject, store)).status_code == 401
    provider.claims = {"sub": "Person-1"}
    assert log_in(browser(by_subject, store)).status_code == 303


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"oidc_client_id": None}, "belong together"),
        ({"oidc_issuer": None}, "belong together"),
        ({"oidc_issuer": "http://login.example.org"}, "begins with https"),
        ({"oidc_issuer": "login.example.org"}, "begins with https"),
        ({"oidc_issuer": "https://user@login.example.org"}, "begins with https"),
        ({"oidc_issuer": "https://login.example.org/?a"}, "begins with https"),
        ({"oidc_issuer": "https://[x"}, "begins with https"),
        ({"oidc_client_secret_file": Path("/nowhere")}, "holds no secret"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_one_sentence(
    client_settings: AppSettings, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(FerPhqError, match=sentence):
        read_registration(client_settings.model_copy(update=changes))


def test_the_secret_is_read_from_a_file_and_shown_nowhere(client_settings: AppSettings, tmp_path: Path) -> None:
    registration = read_registration(client_settings)
    assert isinstance(registration, Registration)
    assert registration.client_secret == CLIENT_SECRET
    assert CLIENT_SECRET not in repr(registration)
    (tmp_path / "client-secret").write_text("\n")
    with pytest.raises(FerPhqError, match="holds no secret"):
        read_registration(client_settings)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FERPHQ_OIDC_REQUIRE_AMR", "mfa, hwk")
    monkeypatch.setenv("FERPHQ_OIDC_REQUIRE_ACR", "gold")
    read = load_settings(data_dir=tmp_path)
    assert (read.oidc_require_amr, read.oidc_require_acr) == (("mfa", "hwk"), ("gold",))
    assert read_registration(read) is None
    monkeypatch.setenv("FERPHQ_OIDC_CLAIM", "nickname")
    with pytest.raises(FerPhqError, match="FERPHQ_OIDC_CLAIM"):
        load_settings(data_dir=tmp_path)


def test_the_provider_is_asked_under_the_address_that_it_names(settings: AppSettings, store: Store) -> None:
    location = browser(settings, store).get(PROVIDER_PATH).headers["location"]
    assert urlsplit(location).path == "/realm/authorize"
    assert "code_verifier" not in location
    assert CLIENT_SECRET.split()[0] + "+" not in location
