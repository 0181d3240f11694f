"""Attempts at what a confined process shall not do: the protections of a platform are told by trying them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable


def attempts(recording: str, outside: str) -> dict[str, bool]:
    """Try what the process shall not do, and return what was refused.

    Args:
        recording: The file that stays readable; its user may write to it.
        outside: Another file that its user may read.

    Returns:
        `network`, `processes`, `writing` and `reading`: True where the attempt was refused.
    """
    trials: dict[str, Callable[[], None]] = {
        "network": lambda: socket.socket().close(),
        "processes": _fork,
        "writing": lambda: os.close(os.open(recording, os.O_WRONLY)),
        "reading": lambda: os.close(os.open(outside, os.O_RDONLY)),
    }
    return {name: _is_refused(trial) for name, trial in trials.items()}


def _is_refused(trial: Callable[[], None]) -> bool:
    try:
        trial()
    except PermissionError:
        return True
    return False


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
