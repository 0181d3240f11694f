"""Pictures of every page, light and dark, full and empty, from the real dashboard in headless Chromium.

    python docs/screenshots.py                       # makes a demonstration first (`fer-phq demo`), into docs/pictures
    python docs/screenshots.py --data-dir DIR        # pictures of an existing installation
    python docs/screenshots.py --out DIR --modes light --pages live
    python docs/screenshots.py --pages session --no-empty --result     # and what the empty Home shows of a result

Needs Chromium on the path and the `dev` extra (Playwright).
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from PIL import Image as Picture
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from fake_camera import ALLOWED, camera_of  # noqa: E402

PAGES = {
    "home": "",
    "new-session": "new_session",
    "live": "live",
    "session": "session",
    "trends": "trends",
    "cohort": "cohort",
    "models": "models",
    "questionnaire": "questionnaire",
    "settings": "settings",
}
ARGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
WIDTH = 1360
HEIGHT = 900
TALLEST = 2600
QUALITY = 85
TIMEOUT_MS = 180_000
RESULT = (104, 70, 1256, 1346)
"""What of the Session page the empty Home shows: from the person's name to the timeline."""
RESULT_WIDTH = 768


def main() -> None:
    """Parse the options, start what is needed, write the pictures."""
    parser = argparse.ArgumentParser(description="Write pictures of the dashboard's pages.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--data-dir", type=Path, help="an installation to show instead of a fresh demonstration")
    parser.add_argument("--modes", nargs="+", choices=["light", "dark"], default=["light", "dark"])
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    parser.add_argument("--no-empty", action="store_true", help="leave the pictures of an empty installation out")
    parser.add_argument("--result", action="store_true", help="write what the empty Home shows of the Session page")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fer-phq-") as scratch:
        full = options.data_dir or Path(scratch) / "full"
        if options.data_dir is None:
            command = [sys.executable, "-m", "service.cli", "demo"]
            subprocess.run(command, cwd=ROOT, env=make_environment(full, 0), check=True)
        camera = (camera_of(Path(scratch)), *ALLOWED)
        write_pictures(full, options.out, options.modes, options.pages, camera, "")
        if options.result:
            for mode in options.modes:
                write_result(options.out / f"session-{mode}.webp", mode)
        if not options.no_empty:
            write_pictures(Path(scratch) / "empty", options.out, options.modes, options.pages, camera, "-empty")


def write_pictures(
    data_dir: Path,
    out: Path,
    modes: Sequence[Literal["light", "dark"]],
    pages: Sequence[str],
    camera: Sequence[str],
    suffix: str,
) -> None:
    """Write the pictures of one installation: `<page>-<mode><suffix>.webp`.

    Args:
        data_dir: The installation.
        out: Where the pictures go.
        modes: Light, dark or both.
        pages: Names of the pages.
        camera: Options of a browser that has a camera.
        suffix: Ends the pictures' names.
    """
    with dashboard(data_dir) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*ARGS.split(), *camera])
        for mode in modes:
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=mode)
            tab.set_default_timeout(TIMEOUT_MS)
            for name in pages:
                target = out / f"{name}-{mode}{suffix}.webp"
                take_picture(tab, f"{address}/{PAGES[name]}", target)
                print(target)
            tab.close()
        browser.close()


def write_result(page: Path, mode: str) -> None:
    """Cut what the empty Home shows out of a picture of the Session page.

    Args:
        page: The picture.
        mode: "light" or "dark".
    """
    with Picture.open(page) as whole:
        part = whole.crop(RESULT)
        size = (RESULT_WIDTH, round(RESULT_WIDTH * part.height / part.width))
        part.resize(size, Picture.Resampling.LANCZOS).save(
            ROOT / "dashboard" / "static" / f"result-{mode}.webp", quality=80, method=6
        )


def take_picture(tab: Any, address: str, target: Path) -> None:
    """Take a picture of one page from top to bottom, when it has come to rest."""
    tab.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    tab.goto(address)
    tab.wait_for_selector(".fp-foot")
    tab.wait_for_selector("[data-testid=stSkeleton]", state="detached")
    tab.wait_for_function("[...document.querySelectorAll('.stPlotlyChart')].every(e => e.querySelector('.main-svg'))")
    if tab.url.endswith("/live") and not target.stem.endswith("-empty"):
        tab.get_by_role("button", name="Turn on the camera").click()
        tab.wait_for_selector(".live[data-shown=yes][data-delay]")
    for video in tab.locator("video[src]").all():
        while video.evaluate("v => v.readyState") < 2:
            tab.wait_for_timeout(250)
    height = tab.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    tab.set_viewport_size({"width": WIDTH, "height": min(int(height) + 16, TALLEST)})
    tab.wait_for_timeout(1500)
    with Picture.open(io.BytesIO(tab.screenshot())) as shot:
        shot.convert("RGB").save(target, quality=QUALITY, method=6)


@contextmanager
def dashboard(data_dir: Path) -> Iterator[str]:
    """Run a dashboard over an installation's data folder, as a context manager that yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "dashboard.launch"]
    running = subprocess.Popen(command, cwd=ROOT, env=make_environment(data_dir, port), stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/health", running)
        yield address
    finally:
        running.terminate()
        running.wait(30)


def wait_for(address: str, running: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers. Raises SystemExit when it ends instead."""
    while running.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.3)
    raise SystemExit(f"The dashboard ended with exit code {running.returncode} before it answered.")


def make_environment(data_dir: Path, port: int) -> dict[str, str]:
    """Return the environment of an installation in `data_dir`."""
    return {**os.environ, "FERPHQ_DATA_DIR": str(data_dir), "FERPHQ_PORT": str(port)}


if __name__ == "__main__":
    main()
