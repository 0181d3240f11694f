"""The guard before the application, asked without a server: hosts, origins, frames, proxies, headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from service.access.browser import COOKIE
from service.access.guard import HEADERS, Guard
from service.access.source import read_source, sees_operations
from service.settings import AppSettings

SECRET = "Jane Doe"
STREAM = "ws://127.0.0.1:8501/_stcore/stream"
METHODS = ["GET", "POST", "PUT", "DELETE"]


async def tell(request: Request) -> Response:
    """Answer with the name of a person, and with what the application believes of the request."""
    body = {
        "secret": SECRET,
        "client": request.client.host if request.client else "",
        "scheme": request.url.scheme,
        "forwarded": sorted(name for name in request.headers if "forwarded" in name),
        "operations": sees_operations(request.scope["state"]["source"]),
    }
    return JSONResponse(body, headers={"Access-Control-Allow-Origin": "*"})


async def fail(request: Request) -> Response:
    raise RuntimeError(SECRET)


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(SECRET)
    await websocket.close()


ROUTES = [
    Route("/api/fail", fail),
    Route("/{rest:path}", tell, methods=METHODS),
    WebSocketRoute("/_stcore/stream", stream),
]


def asker(
    tmp_path: Path, host: str = "127.0.0.1:8501", peer: str = "127.0.0.1", scheme: str = "http", **changes: Any
) -> TestClient:
    guard = Middleware(Guard, settings=AppSettings(data_dir=tmp_path, **changes))
    served = Starlette(routes=ROUTES, middleware=[guard])
    return TestClient(served, base_url=f"{scheme}://{host}", client=(peer, 50000), raise_server_exceptions=False)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8501", "127.0.0.2:1", "localhost", "LOCALHOST:99", "[::1]:8501", "[::ffff:127.0.0.1]"],
)
def test_loopback_answers_under_loopback_names(tmp_path: Path, host: str) -> None:
    answer = asker(tmp_path).get("/", headers={"Host": host})
    assert (answer.status_code, answer.json()["secret"]) == (200, SECRET)


HOSTILE_HOSTS = [
    *("evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost"),
    *("192.168.1.20", "0.0.0.0:8501", "[::]", "", "user@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1/x"),
    *("127.0.0.1:port", "127.0.0.1#x", "127.0.0.1, evil.example", "localhost.", "2130706433", "[::1", "%6c"),
]


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/media/1", "/_stcore/health"])
def test_loopback_answers_under_no_other_name(tmp_path: Path, host: str, path: str) -> None:
    answer = asker(tmp_path).get(path, headers={"Host": host})
    assert answer.status_code == 403
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text


def test_a_rebound_page_does_not_help_itself_with_a_forwarded_host(tmp_path: Path) -> None:
    for changes in ({}, {"trusted_proxy": "127.0.0.1"}):
        for name in ("X-Forwarded-Host", "X-Forwarded-Server", "Forwarded"):
            headers = {"Host": "evil.example:8501", name: "localhost"}
            assert asker(tmp_path, **changes).get("/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("changes", "host", "status"),
    [
        ({"address": "0.0.0.0"}, "192.168.1.20:8501", 200),
        ({"address": "0.0.0.0"}, "localhost", 200),
        ({"address": "0.0.0.0"}, "evil.example", 403),
        ({"address": "clinic"}, "clinic:8501", 200),
        ({"address": "0.0.0.0", "allowed_hosts": ["phq.example.org"]}, "phq.example.org", 200),
        ({"address": "0.0.0.0", "allowed_hosts": ["phq.example.org"]}, "PHQ.example.org:443", 200),
        ({"address": "0.0.0.0", "allowed_hosts": ["phq.example.org"]}, "192.168.1.20", 403),
        ({"address": "0.0.0.0", "allowed_hosts": ["phq.example.org"]}, "x.phq.example.org", 403),
        ({"allowed_hosts": ["phq.example.org"]}, "phq.example.org", 200),
        ({"allowed_hosts": ["phq.example.org"]}, "localhost:8501", 200),
        ({"allowed_hosts": ["phq.example.org"]}, "evil.example", 403),
    ],
)
def test_another_address_answers_under_its_allowed_names(
    tmp_path: Path, changes: dict[str, Any], host: str, status: int
) -> None:
    assert asker(tmp_path, **changes).get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/", "/api/uploads"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8501", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Origin": "https://phq.example.org"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost:8501"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://[127.0.0.1:8501"}, 403),
        ({"Origin": "file://127.0.0.1:8501"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "websocket", "Sec-Fetch-Dest": "empty"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_other_sites_are_refused_by_every_method(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    client = asker(tmp_path, allowed_origins=["https://phq.example.org"])
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == status
    assert (SECRET in answer.text) == (status == 200)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_on_another_site_opens_a_page_and_nothing_else(tmp_path: Path, site: str) -> None:
    client = asker(tmp_path)
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for path in ("/", "/session?session=1", "/trends"):
        assert client.get(path, headers=link).status_code == 200
        assert client.post(path, headers=link).status_code == 403
    for path in ("/api/media/1?token=x", "/api/health", "/media/a.png", "/_stcore/host-config", "/app/static/logo.svg"):
        assert client.get(path, headers=link).status_code == 403


def test_a_websocket_of_another_site_never_opens(tmp_path: Path) -> None:
    client = asker(tmp_path)
    with client.websocket_connect(STREAM, headers={"Origin": "http://127.0.0.1:8501"}) as own:
        assert own.receive_text() == SECRET
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "null"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        with (
            pytest.raises(WebSocketDisconnect) as refusal,
            client.websocket_connect(STREAM, headers=headers),
        ):
            pass
        assert refusal.value.code == 1008


def test_a_plain_copy_of_an_encrypted_page_is_another_origin(tmp_path: Path) -> None:
    changes = {"address": "0.0.0.0", "allowed_hosts": ["phq.example.org"]}
    client = asker(tmp_path, host="phq.example.org", scheme="https", **changes)
    assert client.post("/", headers={"Origin": "https://phq.example.org"}).status_code == 200
    assert client.post("/", headers={"Origin": "http://phq.example.org"}).status_code == 403
    assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"
    for scheme, host in (("http", "phq.example.org"), ("https", "localhost"), ("https", "127.0.0.1")):
        here = {"scheme": scheme, "allowed_hosts": ["phq.example.org"]}
        assert "strict-transport-security" not in asker(tmp_path, host, **here).get("/").headers


@pytest.mark.parametrize("path", ["/", "/api/x", "/_stcore/metrics", "/api/fail", "/static/a.js"])
@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_every_answer_carries_what_keeps_other_sites_out(tmp_path: Path, path: str, headers: dict[str, str]) -> None:
    answer = asker(tmp_path).get(path, headers=headers)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' blob:;" in policy
    assert "access-control-allow-origin" not in answer.headers


def test_nobody_reads_the_metrics(tmp_path: Path) -> None:
    for path in ("/_stcore/metrics", "/_stcore/metrics/", "/_stcore/agent/interact", "/_stcore/script-health-check"):
        answer = asker(tmp_path).get(path)
        assert (answer.status_code, SECRET in answer.text) == (404, False)


def test_a_surprise_behind_the_guard_is_a_number(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answer = asker(tmp_path).get("/api/fail")
    assert (answer.status_code, answer.json()["code"]) == (500, "api.server_error")
    assert answer.json()["params"]["number"] in caplog.text
    assert SECRET not in answer.text


FORGED = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost"}


@pytest.mark.parametrize("peer", ["203.0.113.9", "127.0.0.1"])
def test_forwarding_headers_are_believed_of_nobody_else(tmp_path: Path, peer: str) -> None:
    changes = {"address": "0.0.0.0", "trusted_proxy": "10.0.0.0/24"}
    body = asker(tmp_path, peer=peer, **changes).get("/", headers=FORGED).json()
    assert (body["client"], body["scheme"], body["forwarded"], body["operations"]) == (peer, "http", [], False)


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("", "10.0.0.5"),
        ("10.0.0.7", "10.0.0.5"),
        ("127.0.0.1, unknown", "unknown"),
    ],
)
def test_a_trusted_proxy_says_for_whom_it_asks(tmp_path: Path, forwarded_for: str, client: str) -> None:
    changes = {"address": "0.0.0.0", "allowed_hosts": ["phq.example.org"], "trusted_proxy": "10.0.0.0/24"}
    headers = {"X-Forwarded-For": forwarded_for, "X-Forwarded-Proto": "https"}
    body = asker(tmp_path, "phq.example.org", peer="10.0.0.5", **changes).get("/", headers=headers).json()
    assert (body["client"], body["scheme"], body["operations"]) == (client, "https", False)


@pytest.mark.parametrize(
    ("peer", "headers", "sees"),
    [
        ("127.0.0.1", [], True),
        ("::1", [], True),
        ("::ffff:127.0.0.1", [], True),
        ("203.0.113.9", [], False),
        ("", [], False),
        ("testclient", [], False),
        ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False),
        ("127.0.0.1", [(b"forwarded", b"for=127.0.0.1")], False),
        ("127.0.0.1", [(b"via", b"1.1 proxy")], False),
    ],
)
def test_only_a_program_on_this_machine_sees_operations(
    tmp_path: Path, peer: str, headers: list[tuple[bytes, bytes]], sees: bool
) -> None:
    scope = {"type": "http", "client": (peer, 1), "headers": [(b"host", b"localhost"), *headers], "method": "GET"}
    assert sees_operations(read_source(AppSettings(data_dir=tmp_path), scope)) is sees
    behind = AppSettings(data_dir=tmp_path, trusted_proxy="127.0.0.1")  # the proxy stands on this machine, too
    assert not sees_operations(read_source(behind, {**scope, "client": ("127.0.0.1", 1)}))


def test_a_refusal_below_the_api_is_json_and_elsewhere_text(tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path)
    answers = Guard(PlainTextResponse(SECRET), settings, lambda message, code: f"{code}: {message.code}", ("en", "de"))
    client = TestClient(answers, base_url="http://evil.example")
    below = client.get("/api/health", headers={"Accept-Language": "de"})
    assert below.json() == {
        "error": "de: api.unknown_host",
        "code": "api.unknown_host",
        "params": {"host": "evil.example"},
    }
    page = client.get("/", headers={"Accept-Language": "de"})
    assert (page.text, page.headers["content-language"]) == ("de: api.unknown_host", "de")


def test_a_browser_gets_one_cookie_with_its_first_page(tmp_path: Path) -> None:
    page = {"Accept": "text/html,*/*", "Sec-Fetch-Dest": "document"}
    client = asker(tmp_path)
    first = client.get("/session", headers=page)
    assert first.headers["set-cookie"].startswith(f"{COOKIE}=")
    assert "HttpOnly; SameSite=Lax" in first.headers["set-cookie"]
    assert "Secure" not in first.headers["set-cookie"]
    assert "set-cookie" not in client.get("/session", headers=page).headers
    for path, headers in (("/api/health", page), ("/static/a.js", page), ("/logo.svg", {"Accept": "image/*"})):
        assert "set-cookie" not in asker(tmp_path).get(path, headers=headers).headers
    secure = asker(tmp_path, scheme="https").get("/", headers=page)
    assert secure.headers["set-cookie"].endswith("; Secure")
