"""Files of the tasks that ran as processes of their own: trainings, scorings, masked recordings."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from service.settings import AppSettings

MASKING = "masking"
"""The folder of masked recordings, each under its session's id."""
FOLDERS = ("training", "scoring", MASKING)
STATE = "state.json"
LOG = "log.txt"
MASKED_SUFFIX = ".mp4"
REPORT_SUFFIX = ".report"
"""Of the file beside a masked recording that says how sure the faces are."""
KEEP_MASKED_S = 24 * 3600.0
"""How long a masked recording that a page made waits to be taken away."""


def remove_task_files(settings: AppSettings, ids: Collection[str]) -> str | None:
    """Remove what a task that has ended left behind and that names a subject or session.

    Where its state does, the state and the log go too: they may hold the name of a recording's file.

    A running training has a temporary copy of the features of everybody who has a questionnaire, which goes with its
    end.

    Args:
        settings: The installation.
        ids: UUIDs of the subject and its sessions.

    Returns:
        The folder's name of a task that runs and whose files name them; None where nothing is left.

    Raises:
        OSError: A file cannot be removed.
    """
    folders = [settings.data_dir / name for name in FOLDERS]
    running = [folder.name for folder in folders if folder.is_dir() and not _clear(folder, ids)]
    return running[0] if running else None


def masked_path(settings: AppSettings, session_id: str) -> Path:
    """Return where the masked recording of a session lies that a page has made.

    Args:
        settings: The installation.
        session_id: The session's UUID.
    """
    return settings.data_dir / MASKING / f"{session_id}{MASKED_SUFFIX}"


def remove_masked(settings: AppSettings, *, keep_s: float = KEEP_MASKED_S) -> int:
    """Remove the masked recordings that have waited for too long, and return how many.

    Args:
        settings: The installation.
        keep_s: How long one may wait, in seconds.
    """
    oldest = time.time() - keep_s
    removed = 0
    for path in (settings.data_dir / MASKING).glob(f"*{MASKED_SUFFIX}"):
        with suppress(FileNotFoundError):  # another process removes it in the same moment
            if path.stat().st_mtime <= oldest:
                path.unlink()
                path.with_suffix(REPORT_SUFFIX).unlink(missing_ok=True)
                removed += 1
    return removed


def _clear(folder: Path, ids: Collection[str]) -> bool:
    """Remove the files that name somebody; return whether nothing is left."""
    naming = [path for path in sorted(folder.rglob("*")) if path.is_file() and _names_any(path, ids)]
    if not naming:
        return True
    if _is_running(folder):
        return False
    if folder / STATE in naming:
        naming.append(folder / LOG)
    for path in naming:
        path.unlink(missing_ok=True)
    return True


def _names_any(path: Path, ids: Collection[str]) -> bool:
    if any(name in path.name for name in ids):
        return True
    if path.suffix == MASKED_SUFFIX:  # its name says whose it is, and it may be large
        return False
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
