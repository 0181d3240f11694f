"""The installation as it runs: dashboard and worker as processes of their own, and a page's coming to rest."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.settings import AppSettings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
ROOT = Path(__file__).parents[1]
PATIENCE_MS = 120_000
PAGES = ("", "new_session", "live", "session", "trends", "cohort", "models", "questionnaire", "settings")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(module: str, settings: AppSettings) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the installation, stopped by SIGTERM at the end; its output is in the data folder."""
    surroundings = {
        **os.environ,
        "FERPHQ_DATA_DIR": str(settings.data_dir),
        "FERPHQ_PORT": str(settings.port),
        **({"FERPHQ_IMPORT_DIR": str(settings.import_dir)} if settings.import_dir else {}),
        "OMP_NUM_THREADS": "1",
    }
    with (settings.data_dir / f"{module}.log").open("wb") as log:
        running = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=surroundings, stdout=log, stderr=log)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@contextmanager
def dashboard(settings: AppSettings) -> Iterator[str]:
    """The dashboard's address, once it answers."""
    with process("dashboard.launch", settings) as running:
        address = f"http://127.0.0.1:{settings.port}"
        for _ in range(600):
            assert running.poll() is None, (settings.data_dir / "dashboard.launch.log").read_text()
            try:
                urllib.request.urlopen(f"{address}/api/health", timeout=2).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield address


@contextmanager
def browser_tab(*more: str) -> Iterator[Any]:
    """A browser tab; an error that JavaScript did not catch fails the test."""
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGS.split(), *more])
        tab = browser.new_page(viewport={"width": 1360, "height": 1500})
        tab.set_default_timeout(PATIENCE_MS)
        problems: list[str] = []
        tab.on("pageerror", lambda error: problems.append(str(error)))
        yield tab
        browser.close()
        assert problems == []


def opened(page: Any, address: str) -> None:
    """Open an address and wait until the page is drawn to its end, without an error."""
    page.goto(address)
    page.wait_for_selector(".fp-foot")
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")
    calm(page)


def at_rest(page: Any) -> None:
    """Wait until no run of the page's script draws it any more."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def calm(page: Any) -> None:
    """No exception and no error box on the page."""
    for kind in ("stException", "stAlert"):
        assert [box.inner_text() for box in page.query_selector_all(f"[data-testid={kind}]")] == []


def eventually(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something holds; the page's own waiting does not look into the player's shadow root."""
    for _ in range(PATIENCE_MS // 250):
        if holds():
            return
        page.wait_for_timeout(250)
    raise AssertionError("What was waited for did not come about.")


def click_timeline(page: Any, share: float) -> bool:
    """Click the emotion timeline at a share of its width, once its words appear there; whether it was clicked."""
    return click_chart(page, page.locator("[class*=st-key-card_timeline] .nsewdrag").first, share, lambda height: 60)


def click_chart(page: Any, area: Any, share: float, down: Callable[[float], float]) -> bool:
    """Click an area of the timeline at a share of its width, `down` of its height in pixels.

    It waits until the words under the pointer appear there, and returns whether it clicked.
    """
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    x, y = box["x"] + box["width"] * share, box["y"] + down(box["height"])
    page.mouse.move(x - 20, y)
    page.mouse.move(x, y, steps=3)
    page.wait_for_timeout(500)
    if not page.locator("[class*=st-key-card_timeline] .hovertext").count():
        return False
    page.mouse.click(x, y)
    return True


def violations(page: Any) -> list[str]:
    """What axe-core finds that is serious, with the places where it finds it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} at {', '.join(str(node['target']) for node in one['nodes'][:4])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
