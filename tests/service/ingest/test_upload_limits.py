"""Uploads that hold on for long, come slowly, or come again and again by one link."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from recordings import Recordings
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.records import SubjectRecord
from db.store import Store
from service.access.guard import Guard
from service.api.routes import routes
from service.ingest import tokens, upload_limits
from service.ingest.tokens import UPLOAD_USES, TokenError, UploadGrant
from service.ingest.upload_limits import (
    GRACE_SECONDS,
    SlowUploadError,
    TooManyUploadsError,
    UploadSlots,
    count_use,
    forget_uses,
    read_paced,
)
from service.settings import AppSettings

WHEN = datetime(2026, 5, 6, tzinfo=UTC)
ATTACKERS = 300


def leftovers(settings: AppSettings) -> list[Path]:
    return [path for folder in (settings.media_dir, settings.incoming_dir) for path in folder.rglob("*.*")]


@pytest.fixture
def hurried(settings: AppSettings) -> AppSettings:
    """An installation that does not wait long."""
    return settings.model_copy(update={"upload_idle_s": 0.3, "uploads_per_link": 4, "uploads_at_once": 6})


@pytest.fixture
def port(hurried: AppSettings, store: Store) -> Iterator[int]:
    """A real server on a free port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=ATTACKERS)
    served = Guard(Starlette(routes=routes(hurried, store)), hurried)
    server = uvicorn.Server(uvicorn.Config(served, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.mark.slow
def test_three_hundred_slow_uploads_on_one_link_do_not_stay_open(
    port: int, hurried: AppSettings, subject: SubjectRecord
) -> None:
    token = tokens.upload_token(hurried, UploadGrant(subject.id, WHEN, consent_by="form"))
    head = (
        f"PUT /api/uploads?name=a.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Upload-Token: {token}\r\n"
        "Content-Length: 1000000\r\n\r\nx"
    )
    senders = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(ATTACKERS)]
    for sender in senders:
        sender.sendall(head.encode())
    statuses = []
    for sender in senders:
        answer = sender.recv(65536)
        statuses.append(int(answer.split(b" ", 2)[1]))
        while sender.recv(65536):  # until the server closes
            pass
        sender.close()
    assert set(statuses) <= {403, 408, 429}
    assert 1 <= statuses.count(408) <= UPLOAD_USES
    assert leftovers(hurried) == []
    assert len(list(hurried.links_dir.iterdir())) == 1


def test_slots_are_counted_by_link_and_in_all(tmp_path: Path) -> None:
    slots = UploadSlots(AppSettings(data_dir=tmp_path, uploads_at_once=3, uploads_per_link=2))
    with slots.taken("a"), slots.taken("a"):
        with pytest.raises(TooManyUploadsError, match="of this page"), slots.taken("a"):
            pass
        with slots.taken("b"), pytest.raises(TooManyUploadsError, match="this installation"), slots.taken("c"):
            pass
        with slots.taken("c"):
            pass
    with slots.taken("a"), slots.taken("b"):
        pass


async def dripping(clock: list[float], seconds: float, size: int, count: int = 100_000) -> AsyncIterator[bytes]:
    """A body of which `size` bytes come every so many seconds of a clock that the test moves."""
    for _ in range(count):
        clock[0] += seconds
        yield bytes(size)


async def drained(settings: AppSettings, chunks: AsyncIterator[bytes]) -> int:
    return sum([len(chunk) async for chunk in read_paced(settings, chunks)])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the limits, which the test moves."""
    now = [1000.0]
    monkeypatch.setattr(upload_limits.time, "monotonic", lambda: now[0])
    return now


def test_a_dripping_upload_is_broken_off(clock: list[float], tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path)
    with pytest.raises(SlowUploadError, match="slower than 8192 bytes a second"):
        asyncio.run(drained(settings, dripping(clock, seconds=5, size=1)))
    assert clock[0] - 1000 <= GRACE_SECONDS + 10


def test_an_upload_does_not_last_for_ever(clock: list[float], tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path)
    with pytest.raises(SlowUploadError, match=r"longer than 6\.0 hours"):
        asyncio.run(drained(settings, dripping(clock, seconds=50, size=8192 * 50)))
    assert clock[0] - 1000 <= settings.upload_total_s + 50


def test_an_upload_that_is_quick_enough_comes_whole(clock: list[float], tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path)
    assert asyncio.run(drained(settings, dripping(clock, seconds=10, size=81920, count=1000))) == 81_920_000
    assert asyncio.run(drained(settings, dripping(clock, seconds=1, size=1, count=50))) == 50


def test_one_link_uploads_a_bounded_number_of_times(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    token = tokens.upload_token(settings, UploadGrant(subject.id, WHEN, consent_by="form"))
    with TestClient(Guard(Starlette(routes=routes(settings, store)), settings)) as client:

        def put() -> Any:
            body = recordings(seconds=1).read_bytes()
            return client.put("/api/uploads?name=a.mp4", content=body, headers={"X-Upload-Token": token})

        assert put().status_code == 201
        (uses,) = settings.links_dir.iterdir()
        assert uses.stat().st_size == 1
        uses.write_bytes(b"." * (UPLOAD_USES - 1))  # as another process would have counted
        assert put().status_code == 200
        refused = put()
        assert (refused.status_code, refused.json()["code"]) == (403, "ingest.link_used_up")
        # The same link in another spelling is the same link.
        for spelling in (f"{token}=", f"{token}\n", f"{token[:-1]}{chr(ord(token[-1]) ^ 1)}"):
            other = client.put("/api/uploads", content=b"x", headers={"X-Upload-Token": spelling.strip()})
            assert other.status_code == 403


def use_link(arguments: tuple[AppSettings, str]) -> bool:
    settings, token_id = arguments
    try:
        count_use(settings, token_id, most=10)
    except TokenError:
        return False
    return True


def test_processes_count_together(tmp_path: Path) -> None:
    arguments = (AppSettings(data_dir=tmp_path / "data"), "0" * 32)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert sum(pool.map(use_link, [arguments] * 40)) == 10


def test_counts_are_forgotten_with_their_links(settings: AppSettings) -> None:
    for number in ("1", "2"):
        count_use(settings, number * 32, most=2)
    old = time.time() - tokens.UPLOAD_SECONDS - 1
    os.utime(settings.links_dir / ("1" * 32), (old, old))
    assert forget_uses(settings) == 1
    assert [path.name for path in settings.links_dir.iterdir()] == ["2" * 32]


@pytest.mark.parametrize("bad", ["", "../../secret", "x" * 32, "0" * 31, "0" * 33])
def test_a_link_without_an_id_of_ours_is_refused(settings: AppSettings, bad: str) -> None:
    with pytest.raises(TokenError):
        count_use(settings, bad, most=2)
