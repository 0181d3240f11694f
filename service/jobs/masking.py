"""A masked recording that a page asks for: made by a process of its own, `fer-phq sessions mask`, one at a time.

Its file waits in `<data>/masking` for a day, or until another is begun. Long recordings are left to the command line.
"""

from __future__ import annotations

import json
from pathlib import Path

from db.records import SessionRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message, from_json
from fer_phq.masking.options import MaskOptions
from service.jobs import messages
from service.lifecycle.masking import check_handing_on
from service.lifecycle.task_files import MASKED_SUFFIX, MASKING, REPORT_SUFFIX, masked_path
from service.models.task import Task, TaskRunner, TaskState
from service.settings import MIB, AppSettings

LONGEST_S = 1800.0
"""Seconds of a recording that a page has masked at most."""

MOST_BYTES = 300 * MIB
"""Largest file that a page hands out, as it holds the file in memory."""


def start(settings: AppSettings, store: Store, session: SessionRecord, options: MaskOptions) -> None:
    """Start to mask a session's recording. It is an entry of the audit, with who asked for it.

    Args:
        settings: The installation.
        store: The store, acting for who asks.
        session: The session.
        options: What is left of the recording.

    Raises:
        ConsentError: The session has no consent.
        ForbiddenError: The actor reads only.
        FerPhqError: The recording is too long for this, what is stored is encrypted, or another is being masked.
    """
    check_handing_on(store, session.id)
    if session.duration_s > LONGEST_S:
        raise FerPhqError(messages.MASK_TOO_LONG(minutes=round(LONGEST_S / 60), session_id=session.id))
    if store.encryption.key() is not None:
        raise FerPhqError(messages.MASK_ENCRYPTED(session_id=session.id))
    store.sessions.note_export(session_id=session.id, detail="masked, begun")
    out = masked_path(settings, session.id)
    arguments = ["sessions", "mask", session.id, "--out", str(out), "--force"]
    arguments += ["--picture", str(options.picture), "--voice", str(options.voice)]
    arguments += ["--report", str(_report_path(out))]
    _runner(settings).start(session.id, arguments)
    for path in out.parent.glob(f"*{MASKED_SUFFIX}"):
        path.unlink(missing_ok=True)
        _report_path(path).unlink(missing_ok=True)


def status(settings: AppSettings) -> Task | None:
    """Return the masking that runs or ran last, whose name is the session's id; None when there was none."""
    return _runner(settings).status()


def share(task: Task) -> float:
    """Return the share of the work that a running task has done, 0 to 1.

    Args:
        task: The task.
    """
    shares = [line[:-1] for line in task.lines if line.endswith("%") and line[:-1].isdecimal()]
    return min(1.0, int(shares[-1]) / 100) if shares else 0.0


def result(settings: AppSettings, session_id: str) -> Path | None:
    """Return a session's masked recording; None while there is none.

    Args:
        settings: The installation.
        session_id: The session's UUID.
    """
    task = status(settings)
    is_done = task is not None and task.state is TaskState.DONE and task.name == session_id
    path = masked_path(settings, session_id)
    return path if is_done and path.is_file() else None


def report(path: Path) -> list[Message]:
    """Return what the command said of a masked recording: how sure the faces are, and what it does not do.

    Args:
        path: The masked recording.
    """
    try:
        return [from_json(row) for row in json.loads(_report_path(path).read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def cancel(settings: AppSettings) -> None:
    """Stop the masking that runs; nothing of it is left.

    Args:
        settings: The installation.

    Raises:
        FerPhqError: It does not stop.
    """
    _runner(settings).cancel()


def _report_path(path: Path) -> Path:
    return path.with_suffix(REPORT_SUFFIX)


def _runner(settings: AppSettings) -> TaskRunner:
    return TaskRunner(settings, MASKING)
