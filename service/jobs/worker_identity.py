"""A worker's name: unique among running workers, and the same again after a restart.

The job engine recovers at start what a worker of the same name left behind, so two running workers must never share
one, and a restarted one should get its own back. A slot is a file that its holder keeps locked; the kernel lets go of
the lock when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path

from fer_phq.core.errors import SettingsError
from service.jobs import messages
from service.settings import AppSettings

MOST_SLOTS = 256


class Slot:
    """A held name; `release` gives it back."""

    def __init__(self, name: str, descriptor: int) -> None:
        """Take a name and the open file whose lock holds it."""
        self.name = name
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another worker have the name."""
        os.close(self._descriptor)


def take_slot(settings: AppSettings) -> Slot:
    """Take the name that FERPHQ_WORKER_ID holds, or `<host>-worker-<n>` with the lowest free n.

    Raises:
        SettingsError: The name is taken by a running worker, or none is free.
    """
    folder = settings.data_dir / "workers"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.worker_id is not None:
        slot = _try(folder, settings.worker_id)
        if slot is None:
            raise SettingsError(messages.WORKER_NAME_IN_USE(worker_id=settings.worker_id))
        return slot
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40] or "host"
    for number in range(1, MOST_SLOTS + 1):
        slot = _try(folder, f"{host}-worker-{number}")
        if slot is not None:
            return slot
    raise SettingsError(messages.NO_FREE_NAME(workers=MOST_SLOTS))


def _try(folder: Path, name: str) -> Slot | None:
    """Take the slot of that name; None when another process holds it."""
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return Slot(name, descriptor)
