"""The dashboard as it is served, attacked from outside: other names, other sites, what is not public."""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from served import dashboard, free_port

from db.migrate import upgrade
from service.access.guard import HEADERS
from service.settings import AppSettings, load_settings


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> AppSettings:
    """Settings of an empty installation, for all tests of this file."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("doors") / "data", port=free_port())
    settings.prepare()
    upgrade(settings.database_url)
    return settings


@pytest.fixture(scope="module")
def port(installation: AppSettings) -> Iterator[int]:
    """The port on which the dashboard is served."""
    with dashboard(installation):
        yield installation.port


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send one request to the server; header names are written with `_` for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {"Host": f"127.0.0.1:{port}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


PATHS = [
    *("/", "/session", "/settings", "/static/js/none.js", "/app/static/logo.svg", "/favicon.png"),
    *("/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/stream", "/media/none.png"),
    *("/component/none/index.html", "/_stcore/bidi-components/none/a.js", "/_stcore/agent/openapi.json"),
    *("/api/health", "/api/jobs/1", "/api/media/1", "/api/uploads", "/nowhere"),
]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_under_another_name_or_to_another_site(port: int, path: str) -> None:
    hostile: list[dict[str, str]] = [
        {"Host": "evil.example"},
        {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        {"Host": f"evil.example:{port}", "X_Forwarded_Host": f"127.0.0.1:{port}"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
    ]
    for headers in hostile:
        status, carried, body = ask(port, path, **headers)
        assert (status, len(body) < 300) == (403, True), headers
        assert carried["x-frame-options"] == "DENY"
    status, carried, _ = ask(port, path)
    assert status != 403 or path.startswith("/api/")
    assert {name: carried.get(name.lower()) for name in HEADERS} == HEADERS
    assert "frame-ancestors 'none'" in carried["content-security-policy"]
    assert carried.get("access-control-allow-origin") != "*"


def open_stream(port: int, **headers: str) -> int:
    """Ask for the websocket of the pages. Returns the status: 101 when it opens."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade_headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    status, _, _ = ask(port, "/_stcore/stream", **upgrade_headers, Sec_WebSocket_Key=key, **headers)
    return status


def test_the_stream_of_the_pages_opens_for_themselves_only(port: int) -> None:
    assert open_stream(port, Origin=f"http://127.0.0.1:{port}") == 101
    assert open_stream(port, Host=f"localhost:{port}", Origin=f"http://localhost:{port}") == 101
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": f"http://127.0.0.1:{port + 1}"},
        {"Origin": f"http://localhost:{port}"},
        {"Origin": "null"},
        {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
    ):
        assert open_stream(port, **headers) == 403, headers


def test_metrics_are_closed_and_health_says_little_to_strangers(port: int) -> None:
    for path in ("/_stcore/metrics", "/_stcore/metrics?families=x", "/_stcore/metrics/", "/%5Fstcore/metrics"):
        assert ask(port, path)[0] == 404
    for path in ("//_stcore/metrics", "/./_stcore/metrics", "/session/_stcore/metrics", "/_stcore/x/../metrics"):
        assert b"# TYPE" not in ask(port, path)[2]
    assert ask(port, "/_stcore/agent/interact", "POST")[0] == 404
    status, _, body = ask(port, "/api/health")
    assert (status, set(json.loads(body))) == (200, {"status", "database", "workers", "free_bytes"})
    for name, value in (("X_Forwarded_For", "203.0.113.9"), ("Forwarded", "for=127.0.0.1"), ("X_Real_IP", "::1")):
        status, _, body = ask(port, "/api/health", **{name: value})
        assert (status, set(json.loads(body))) == (200, {"status"})


def test_two_host_headers_are_refused(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("GET", "/", skip_host=True)
    for host in (f"127.0.0.1:{port}", "evil.example"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status in (400, 403)
    connection.close()


def test_the_browsers_own_page_is_answered(port: int) -> None:
    navigation: dict[str, Any] = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    for site in ("none", "same-origin", "cross-site", "same-site"):
        status, _, body = ask(port, "/session", Sec_Fetch_Site=site, **navigation)
        assert (status, b"<title>" in body) == (200, True), site
