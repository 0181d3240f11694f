"""Pictures a second and delay of the page Live: a browser whose camera shows a clip, the dashboard, one face.

    python benchmarks/bench_live.py                       20 seconds, a camera of 640x480 with 30 pictures a second
    python benchmarks/bench_live.py --seconds 60 --size 1280 720

What the page itself says is read each second. The delay runs from the camera's picture until its answer is drawn. The
processor's time is that of the dashboard with its decoder of pictures, and that of the browser, which draws without a
graphics card here; where the machine does other work, it says what a quiet one would do. Needs Chromium.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fake_camera import ALLOWED, camera_of  # noqa: E402
from served import browser_tab, eventually, free_port, opened, process  # noqa: E402

from db.migrate import upgrade  # noqa: E402
from service.settings import load_settings  # noqa: E402

WARMING_S = 5


def main() -> None:
    """Parse the options, measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fer-phq-") as scratch:
        measure(Path(scratch), options.seconds, tuple(options.size))


def measure(folder: Path, seconds: int, size: tuple[int, int]) -> None:
    """Run the page and print what it says, and what it costs.

    Args:
        folder: An empty folder.
        seconds: How long.
        size: Width and height of the camera's pictures.
    """
    settings = load_settings(data_dir=folder / "data", port=free_port())
    settings.prepare()
    upgrade(settings.database_url)
    answers = 0

    def count(_content: Any) -> None:
        nonlocal answers
        answers += 1

    with process("dashboard.launch", settings) as running, browser_tab(camera_of(folder, size=size), *ALLOWED) as page:
        page.on("websocket", lambda socket: socket.on("framereceived", count) if "/v1/live" in socket.url else None)
        eventually(page, lambda: is_open(page, f"http://127.0.0.1:{settings.port}/live"))
        page.get_by_role("button", name="Turn on the camera").click()
        live = page.locator(".live")
        eventually(page, lambda: live.get_attribute("data-rate") is not None and answers > 0)
        page.wait_for_timeout(WARMING_S * 1000)
        servers, browsers, before = tree_seconds(running.pid), tree_seconds(os.getpid()), answers
        delays = []
        for _ in range(seconds):
            page.wait_for_timeout(1000)
            delays.append(float(live.get_attribute("data-delay") or "nan"))
        count_of_answers = answers - before
        server = tree_seconds(running.pid) - servers
        browser = tree_seconds(os.getpid()) - browsers - server
    print(f"{count_of_answers / seconds:.1f} pictures a second, of {size[0]}x{size[1]} at 30 a second from the camera")
    print(f"delay {statistics.median(delays):.0f} ms, from {min(delays):.0f} to {max(delays):.0f} (medians of 3 s)")
    cost = 1000 * server / count_of_answers
    print(f"processor: server {cost:.0f} ms a picture, browser {browser / seconds:.2f} s a second")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def is_open(page: Any, address: str) -> bool:
    """Return whether the dashboard answers and its page is drawn.

    Args:
        page: The browser's tab.
        address: The page's address.
    """
    try:
        opened(page, address)
    except Exception:  # it does not listen yet
        return False
    return True


def tree_seconds(pid: int) -> float:
    """Return the processor's seconds of a process and of all that it started, while they run.

    Args:
        pid: The process.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(entry.name)] = int(fields[1])
        ticks[int(entry.name)] = int(fields[11]) + int(fields[12])
    return sum(time for one, time in ticks.items() if pid in ancestors(one, parents)) / os.sysconf("SC_CLK_TCK")


def ancestors(pid: int, parents: dict[int, int]) -> list[int]:
    """Return a process and those that started it.

    Args:
        pid: The process.
        parents: Of each process, which started it.
    """
    line = [pid]
    while (pid := parents.get(pid, 0)) > 0:
        line.append(pid)
    return line


if __name__ == "__main__":
    main()
