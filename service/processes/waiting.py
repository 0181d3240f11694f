"""Waiting for a database that does not answer: a server that restarts, a network that is cut, a lock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text

from db.engine import StoreAwayError, normalise_url, open_engine, sqlite_file, store_errors

LEAST_PAUSE_S = 0.5
MOST_PAUSE_S = 5.0
T = TypeVar("T")
log = logging.getLogger(__name__)


def call_until_answered(call: Callable[[], T], *, goes_on: Callable[[], bool]) -> T:
    """Call, and call again with growing pauses for as long as the database is away.

    Args:
        call: What is to be done with the store.
        goes_on: Asked before each pause; False ends the waiting.

    Returns:
        The call's result.

    Raises:
        StoreAwayError: The waiting ended before the database answered.
    """
    pause_s = LEAST_PAUSE_S
    while True:
        try:
            return call()
        except StoreAwayError as error:
            if not goes_on():
                raise
            log.warning("the database does not answer, waiting for it: %s", error)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, MOST_PAUSE_S)


def wait_for_database(url: str, *, wait_s: float) -> None:
    """Wait until a database server answers. A SQLite file needs no waiting.

    Args:
        url: The database's URL.
        wait_s: Longest time to wait, in seconds.

    Raises:
        StoreAwayError: It did not answer in that time.
        StoreError: The URL cannot be used.
    """
    parsed = normalise_url(url)
    if sqlite_file(parsed) is not None:
        return
    deadline = time.monotonic() + wait_s

    def ask() -> None:
        with store_errors(parsed):
            engine = open_engine(parsed)
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
            finally:
                engine.dispose()

    call_until_answered(ask, goes_on=lambda: time.monotonic() < deadline)
