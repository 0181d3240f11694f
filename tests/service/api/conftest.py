"""The API for programs over an installation with tables: asked in this process, or on a socket of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from api_server import asker
from migrated import migrate
from starlette.testclient import TestClient

from db.store import Store
from service.access import control
from service.api.v1.alone import create_app
from service.settings import AppSettings


@pytest.fixture(autouse=True)
def _no_login_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a role may do counts at once."""
    monkeypatch.setattr(control, "REMEMBER_S", 0.0)


@pytest.fixture
def settings(settings: AppSettings) -> AppSettings:
    """The installation, with its tables: a client may ask it before a test opens the store."""
    migrate(settings.database_url)
    return settings


@pytest.fixture
def store(settings: AppSettings) -> Iterator[Store]:
    """The installation's store."""
    with Store(settings.database_url, actor="dashboard") as opened:
        yield opened


@pytest.fixture
def client(settings: AppSettings) -> TestClient:
    """A program on this machine."""
    return asker(settings)


@contextmanager
def serve_api(settings: AppSettings) -> Iterator[str]:
    """The address of an API that answers until the block ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(settings), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[AppSettings], str]]:
    """Serves an installation until the test ends; returns the address."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(serve_api(settings))
