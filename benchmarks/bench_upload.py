"""Memory and speed of uploading and playing one large recording through the real routes and a real server.

    python benchmarks/bench_upload.py [--mib 300]

Starts the routes under uvicorn in a process of its own, uploads a recording of that size (a small real one with a
`free` box behind it, which every player skips), plays it whole and in ranges, and prints the server's peak resident
memory before and after, with the rates.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

MIB = 1024**2


def serve(data_dir: str, listener: socket.socket, answers: Connection) -> None:
    """Run the server and answer each message on the pipe with its peak resident memory in MiB."""
    import threading

    import uvicorn
    from starlette.applications import Starlette

    from db.store import Store
    from service.api.routes import routes
    from service.settings import AppSettings

    settings = AppSettings(data_dir=Path(data_dir), min_free_bytes=0)
    app = Starlette(routes=routes(settings, Store(settings.database_url, actor="dashboard")))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    while answers.recv():
        answers.send(peak_mib())


def peak_mib() -> float:
    """Return this process's peak resident memory in MiB, from /proc if possible: getrusage counts the parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else MIB)


def large_recording(path: Path, mib: int) -> Path:
    """Make a real recording of `mib` MiB: the rest is a `free` box, written sparsely."""
    from recordings import make_recording

    make_recording(path, seconds=2)
    with path.open("ab") as file:
        size = mib * MIB - path.stat().st_size
        file.write((1).to_bytes(4, "big") + b"free" + size.to_bytes(8, "big"))
        file.truncate(mib * MIB)
    return path


def blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, a MiB at a time."""
    with path.open("rb") as file:
        while block := file.read(MIB):
            yield block


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mib", type=int, default=300)
    mib = parser.parse_args().mib
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), mib)


def measure(folder: Path, mib: int) -> None:
    """Upload a recording of `mib` MiB, play it back, and print how long both took and how much memory."""
    from db.migrate import upgrade
    from db.store import Store
    from service.ingest import tokens
    from service.ingest.tokens import UploadGrant
    from service.settings import AppSettings

    settings = AppSettings(data_dir=folder / "data", min_free_bytes=0)
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url, actor="dashboard") as store:
        subject = store.subjects.create(label="bench")
    source = large_recording(folder / "large.mp4", mib)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(str(settings.data_dir), listener, theirs))
    process.start()

    def peak() -> float:
        ours.send(True)
        return float(ours.recv())

    def request(method: str, url: str, body: object = None, **headers: str) -> tuple[int, int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request(method, url, body=body, headers=headers)  # type: ignore[arg-type]
        answer = connection.getresponse()
        got = 0
        last = b""
        while block := answer.read(MIB):
            got = got + len(block)
            last = block
        connection.close()
        return answer.status, got, last

    before = peak()  # answers when the server is up
    request("GET", "/api/health")
    before = peak()
    token = tokens.upload_token(settings, UploadGrant(subject.id, datetime.now(UTC), consent_by="benchmark"))
    started = time.perf_counter()
    headers = {"X-Upload-Token": token, "Content-Length": str(source.stat().st_size)}
    status, _, answer = request("PUT", "/api/uploads?name=large.mp4", blocks(source), **headers)
    upload_s = time.perf_counter() - started
    assert status == 201, answer
    uploaded = peak()
    url = tokens.media_url(settings, json.loads(answer)["session_id"])
    started = time.perf_counter()
    status, got, _ = request("GET", url)
    play_s = time.perf_counter() - started
    assert (status, got) == (200, mib * MIB)
    for start in range(0, mib * MIB, 37 * MIB):
        status, got, _ = request("GET", url, Range=f"bytes={start}-{start + MIB - 1}")
        assert status == 206
    played = peak()
    print(f"recording         {mib} MiB, {os.cpu_count()} cores")
    print(f"upload            {upload_s:.2f} s ({mib / upload_s:.0f} MiB/s, with checking, hashing and committing)")
    print(f"playback          {play_s:.2f} s ({mib / play_s:.0f} MiB/s)")
    print(f"peak RSS, server  {before:.0f} MiB idle, {uploaded:.0f} after upload, {played:.0f} after playback")
    ours.send(False)
    process.join()


if __name__ == "__main__":
    main()
