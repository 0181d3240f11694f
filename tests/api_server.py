"""The API as a program asks it: in this process, or on a socket of this machine, served by a thread of the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from served import free_port
from starlette.testclient import TestClient

from service.api.v1.alone import create_app
from service.settings import AppSettings

HOST = "http://127.0.0.1:8600"


def asker(settings: AppSettings, peer: str = "127.0.0.1") -> TestClient:
    """A program that asks an installation's API from an address."""
    return TestClient(create_app(settings), base_url=HOST, client=(peer, 50000), raise_server_exceptions=False)


def problem(answer: Any) -> tuple[int, str]:
    """The status and the code of an answer that is a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of an application, once it answers."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
