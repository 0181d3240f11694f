"""Files of the trainings and scorings that ran as processes of their own (`<data>/training`, `<data>/scoring`)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection
from pathlib import Path

from service.settings import AppSettings

FOLDERS = ("training", "scoring")
STATE = "state.json"


def remove_task_files(settings: AppSettings, ids: Collection[str]) -> bool:
    """Remove what a task that has ended left behind and that names a subject or session.

    A running task has a temporary copy of the features of everybody who has a questionnaire, which goes with its end.

    Args:
        settings: The installation.
        ids: UUIDs of the subject and its sessions.

    Returns:
        Whether nothing is left: False while a task runs whose files name them.

    Raises:
        OSError: A file cannot be removed.
    """
    folders = [settings.data_dir / name for name in FOLDERS]
    outcomes = [_clear(folder, ids) for folder in folders if folder.is_dir()]
    return all(outcomes)


def _clear(folder: Path, ids: Collection[str]) -> bool:
    naming = [path for path in sorted(folder.rglob("*")) if path.is_file() and _names_any(path, ids)]
    if not naming:
        return True
    if _is_running(folder):
        return False
    for path in naming:
        if path.name != STATE:
            path.unlink(missing_ok=True)
    return True


def _names_any(path: Path, ids: Collection[str]) -> bool:
    if any(name in path.name for name in ids):
        return True
    try:
        body = path.read_bytes()
    except OSError:  # its task has just removed it
        return False
    return any(name.encode() in body for name in ids)


def _is_running(folder: Path) -> bool:
    """Tell whether a task holds the folder's lock; see `service.models.task`."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
