"""A real browser: every page works under the content policy, and a page of another site reads nothing of them."""

from __future__ import annotations

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from served import CHROMIUM, PAGES, browser_tab, dashboard, eventually, opened

from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
ATTACK = """async (address) => {
  const results = {};
  for (const mode of ["cors", "no-cors"])
    for (const path of ["/", "/api/health", "/_stcore/health", "/_stcore/host-config"])
      results[mode + path] = await fetch(address + path, { mode })
        .then(async (answer) => `${answer.type} ${(await answer.text()).length}`, () => "refused");
  results.stream = await new Promise((resolve) => {
    const socket = new WebSocket(address.replace("http", "ws") + "/_stcore/stream", ["streamlit"]);
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  });
  for (const tag of ["img", "script"])
    results[tag] = await new Promise((resolve) => {
      const part = document.createElement(tag);
      part.onload = () => resolve("loaded");
      part.onerror = () => resolve("refused");
      part.src = address + (tag === "img" ? "/app/static/favicon.png" : "/_stcore/host-config");
      document.body.append(part);
    });
  return results;
}"""


@pytest.fixture
def other_site() -> Iterator[int]:
    """The port of a page of another site."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><title>other</title><body></body>")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_page_loads_under_the_content_policy(filled: AppSettings, installation: AppSettings, page: Any) -> None:
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    with dashboard(installation) as address:
        for name in PAGES:
            opened(page, f"{address}/{name}")
            if name in ("session", "trends"):
                page.wait_for_selector(".js-plotly-plot .main-svg")
            if name == "session":
                play(page)
        broken = [line for line in said if "Content Security Policy" in line or "Permissions-Policy" in line]
        assert broken == []
        page.evaluate("() => { document.body.innerHTML += `<img src='data:,' onerror='window.intruded = true'>`; }")
        eventually(page, lambda: any("inline event handler" in line for line in said))
        assert page.evaluate("() => window.intruded") is None


def play(page: Any) -> None:
    """Play the recording on the page until it moves."""
    video = page.locator("video")
    eventually(page, lambda: video.evaluate("v => v.readyState >= 1"))
    video.evaluate("v => { v.muted = true; return v.play(); }")
    eventually(page, lambda: video.evaluate("v => v.currentTime > 0.2"))


def test_another_site_reads_nothing(installation: AppSettings, other_site: int) -> None:
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1,MAP rebound.example 127.0.0.1"
    with dashboard(installation) as address, browser_tab(rules) as page:
        for evil in (f"http://evil.example:{other_site}", f"http://127.0.0.1:{other_site}"):
            page.goto(evil)
            results = page.evaluate(ATTACK, address)
            readable = {name: result for name, result in results.items() if result not in ("refused", "opaque 0")}
            assert readable == {}, evil
            page.evaluate("(url) => { document.body.innerHTML = `<iframe src='${url}'></iframe>`; }", address)
            eventually(page, lambda: len(page.frames) == 2 and page.frames[1].url != "about:blank")
            page.frames[1].wait_for_load_state()
            assert "Streamlit" not in page.frames[1].content()
        page.goto(f"http://rebound.example:{installation.port}/")
        assert "is not asked as" in page.inner_text("body")
        page.goto(f"http://evil.example:{other_site}")
        page.evaluate("(url) => { document.body.innerHTML = `<a href='${url}'>open</a>`; }", address)
        page.click("a")
        page.wait_for_selector(".fp-foot")
        assert page.evaluate("() => document.referrer") in ("", f"http://evil.example:{other_site}/")


def test_a_recording_plays_on_when_its_link_has_expired(
    filled: AppSettings, installation: AppSettings, page: Any
) -> None:
    asked: list[str] = []

    def answer(route: Any) -> None:
        """Refuse the page's first link, as after its time."""
        asked.append(route.request.url)
        route.fulfill(status=403, body="") if route.request.url == asked[0] else route.continue_()

    page.route("**/api/media/**", answer)
    with dashboard(installation) as address:
        opened(page, f"{address}/session")
        play(page)
        link = page.locator("video").evaluate("v => v.src")
        assert link != asked[0]
        with pytest.raises(urllib.error.HTTPError, match="403"):  # another browser, which has the link alone
            urllib.request.urlopen(link, timeout=30)
        page.locator("video").evaluate("v => { v.currentTime = 1; v.src = '/api/media/none?token=expired'; }")
        eventually(page, lambda: page.locator("video").evaluate("v => v.src.includes('none') === false"))
        play(page)
        assert page.locator("[data-testid=stBidiComponentRegular] p:not([hidden])").count() == 0
