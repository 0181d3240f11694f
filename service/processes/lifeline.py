"""A pipe by which a process notices that the one which started it is gone, however that ended.

The starter holds the writing end. The kernel closes it with the process, `kill -9` included, and the reader's end then
reads nothing more.
"""

from __future__ import annotations

import os
import signal
import threading
import time

VARIABLE = "FERPHQ_LIFELINE"
"""Environment variable that names the file descriptor of the pipe's reading end."""
GRACE_S = 15.0
"""How long a process may take to end by itself once its starter is gone."""


def follow_starter() -> None:
    """End this process by SIGTERM once its starter is gone; where nobody holds a lifeline, do nothing."""
    number = os.environ.pop(VARIABLE, "")
    if not number.isdecimal():
        return
    threading.Thread(target=_end_with, args=(int(number),), name="lifeline", daemon=True).start()


def _end_with(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1):
            pass
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)
