"""Memory of a server while large recordings come in by tus."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psutil

from benchmarks.scale.content import NEWEST
from benchmarks.scale.figures import markdown, spread
from benchmarks.scale.throughput import connections_to, running
from db.store import Store
from service.settings import AppSettings

BLOCK = 1 << 18
START_S = 120.0


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sender:
    """Sends uploads to a server, all but their last byte: so they are received, and never looked into."""

    def __init__(self, port: int, subject_id: str) -> None:
        """Take the server's port and whose recordings they are."""
        self._port = port
        facts = {"subject_id": subject_id, "consent_by": "Dr Bench", "recorded_at": NEWEST.isoformat()}
        self._metadata = ", ".join(
            f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items()
        )

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        """Send a request and return its answer, read."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        with closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Tus-Resumable": "1.0.0", **names})
            answer = connection.getresponse()
            answer.read()
            return answer

    def send(self, size: int) -> str:
        """Send an upload but for its last byte, and return where it is."""
        answer = self.request("POST", "/v1/uploads", Upload_Length=str(size), Upload_Metadata=self._metadata)
        assert answer.status == 201, answer.reason
        place = str(answer.headers["Location"])
        headers = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
        answer = self.request("PATCH", place, _bytes(size - 1), Content_Length=str(size - 1), **headers)
        assert answer.status == 204, answer.status
        return place

    def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.request("GET", "/healthz")
                return
            except OSError:
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.1)


def _bytes(size: int) -> Iterator[bytes]:
    for start in range(0, size, BLOCK):
        yield bytes(min(BLOCK, size - start))


class Peak:
    """The most resident memory of a process and its children while the block lasts, in MB."""

    def __init__(self, process: psutil.Process) -> None:
        """Take the process."""
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mb = 0.0

    def __enter__(self) -> Peak:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Look for the last time."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self.mb = max(self.mb, resident_mb(self._process))


def resident_mb(process: psutil.Process) -> float:
    """Return the resident memory of a process and its children in MB."""
    return sum(part.memory_info().rss for part in [process, *process.children(recursive=True)]) / 1e6


def measure(settings: AppSettings, store: Store, crowds: tuple[int, ...], size: int, rounds: int) -> dict[str, Any]:
    """Send so many uploads at once to `fer-phq serve`.

    Args:
        settings: The installation; its `api_port` is free.
        store: Its store.
        crowds: How many at once, one crowd after another.
        size: Bytes of each.
        rounds: How often each crowd comes.
    """
    sender = Sender(settings.api_port, store.subjects.create(label="Uploads").id)
    peaks: dict[int, list[float]] = {crowd: [] for crowd in crowds}
    growths: dict[int, list[float]] = {crowd: [] for crowd in crowds}
    rates: dict[int, list[float]] = {crowd: [] for crowd in crowds}
    with running(settings, "serve") as server, ThreadPoolExecutor(max(crowds)) as pool:
        sender.wait()
        idle_mb = resident_mb(server)
        sender.request("DELETE", sender.send(size // 10))
        for _ in range(rounds):
            for crowd in crowds:
                before_mb = resident_mb(server)
                begin = time.perf_counter()
                with Peak(server) as peak:
                    places = list(pool.map(sender.send, [size] * crowd))
                rates[crowd].append(crowd * size / 1e6 / (time.perf_counter() - begin))
                peaks[crowd].append(peak.mb)
                growths[crowd].append((peak.mb - before_mb) / crowd)
                for place in places:
                    sender.request("DELETE", place)
        connections = connections_to(server, settings.database_url)
    return {
        "size_mb": size / 1e6,
        "connections": connections,
        "idle_mb": idle_mb,
        "crowds": {
            str(crowd): {
                "peak_mb": spread(peaks[crowd]),
                "growth_mb": spread(growths[crowd]),
                "mb_a_second": spread(rates[crowd]),
            }
            for crowd in crowds
        },
    }


def table(result: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    rows = [
        [crowd, figures["peak_mb"].text(1, 0), figures["growth_mb"].text(1, 1), figures["mb_a_second"].text(1, 0)]
        for crowd, figures in result["crowds"].items()
    ]
    heads = [
        f"uploads of {result['size_mb']:.0f} MB at once",
        "server, MB",
        "growth an upload, MB",
        "MB/s, all together",
    ]
    idle = f"The server takes {result['idle_mb']:.0f} MB before the first upload"
    words = f"{idle}, and has {result['connections']} connections"
    return f"{markdown(heads, rows)}\n\n{words} to the database after the last."
