"""nginx as `deploy/nginx.conf` has it, before a real dashboard: it encrypts, lets through, and lies to nobody."""

from __future__ import annotations

import base64
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import make_certificate
from migrated import migrate
from served import dashboard, free_port

from db.records import Role
from db.store import Store
from service.access.passwords import hash_password
from service.settings import AppSettings

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
HOST = "phq.example.org"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> AppSettings:
    made = AppSettings(data_dir=tmp_path_factory.mktemp("behind") / "data", port=free_port(), min_free_bytes=0)
    made.prepare()
    migrate(made.database_url)
    return made


@pytest.fixture(scope="module")
def proxy(settings: AppSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the proxy, before a dashboard with an account."""
    with Store(settings.database_url, actor="test") as store:
        store.accounts.create(name="Dr M", role=Role.ADMINISTRATOR, password=hash_password("correct horse battery"))
    folder = tmp_path_factory.mktemp("nginx")
    port, plain = free_port(), free_port()
    make_certificate(folder, HOST)
    text = CONFIGURATION.read_text()
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace(
        "listen 80", f"listen 127.0.0.1:{plain}"
    )
    text = text.replace("/etc/ssl/phq", str(folder)).replace("127.0.0.1:8501", f"127.0.0.1:{settings.port}")
    main = folder / "nginx.conf"
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; events {{}} http {{ {paths}\n{text}\n}}"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FERPHQ_TRUSTED_PROXY", "127.0.0.1")
        patch.setenv("FERPHQ_ALLOWED_HOSTS", f'["{HOST}"]')
        with dashboard(settings), subprocess.Popen(["nginx", "-c", str(main), "-p", str(folder)]) as running:
            try:
                _wait(port)
                yield port
            finally:
                running.terminate()
                running.wait(20)


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("nginx does not listen")


def ask(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: str | bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=ssl._create_unverified_context())
    try:
        connection.request(method, path, body, {"Host": HOST, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_page_asks_for_a_login_and_comes_only_encrypted(proxy: int) -> None:
    status, headers, _ = ask(proxy, "GET", "/trends", {"Accept": "text/html"})
    assert (status, headers["location"]) == (303, "/login?next=%2Ftrends")
    status, headers, body = ask(proxy, "GET", "/login", {"Accept": "text/html"})
    assert status == 200
    assert "max-age" in headers["strict-transport-security"]
    assert headers["permissions-policy"].startswith("camera=(self), microphone=(self)")
    assert b"password" in body.lower()


def test_another_name_is_refused(proxy: int) -> None:
    assert ask(proxy, "GET", "/login", {"Host": "evil.example"})[0] in (403, 404, 421)


def test_who_asks_is_what_the_proxy_says_and_not_what_the_visitor_wrote(proxy: int, settings: AppSettings) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "localhost", "Forwarded": "for=203.0.113.8"}
    page = ask(proxy, "GET", "/login", {"Accept": "text/html"})[2].decode()
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    body = "&".join([*(f"{name}={value}" for name, value in fields.items()), "name=Dr+M", "password=wrong"])
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{HOST}"}
    assert ask(proxy, "POST", "/login", {**forged, **form}, body)[0] in (200, 401, 403)
    with Store(settings.database_url, actor="test") as store:
        newest = store.audit.list_newest()[0]
    assert newest.origin in ("", "127.0.0.1"), newest
    # Nobody but a program on the machine itself sees how it is, and this one came by the proxy.
    assert b"database" not in ask(proxy, "GET", "/readyz", forged)[2]


def test_the_pages_socket_is_let_through_to_whom_it_belongs(proxy: int) -> None:
    key = base64.b64encode(bytes(16)).decode()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    for path in ("/_stcore/stream", "/v1/live"):
        status, _, _ = ask(proxy, "GET", path, {**upgrade, "Origin": "https://evil.example"})
        assert status == 403
        status, _, _ = ask(proxy, "GET", path, {**upgrade, "Origin": f"https://{HOST}"})
        assert status == 403, "nobody is logged in"
