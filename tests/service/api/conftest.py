"""The API for programs as a server in this process, for what a client without a connection cannot see."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn

from service.api.v1.alone import create_app
from service.settings import AppSettings


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
