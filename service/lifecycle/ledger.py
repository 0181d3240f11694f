"""The ledger of erasures: what has been begun and is not finished yet, as one small file for each.

The file is written before anything is removed, so that an erasure that is killed is carried on by whoever looks next.
It holds ids, hashes and the names of stored files, never a label or a text.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from db.records import ErasurePlan
from fer_phq.core.messages import Message, from_json, to_json
from service.settings import MIB, AppSettings

FOLDER = "erasures"
RESERVE = "reserve"
RESERVE_BYTES = 16 * MIB
"""Room that a worker holds, so that an erasure can begin on a full disk."""


class ErasureStep(StrEnum):
    """A part of an erasure, in the order in which they are done."""

    ROWS = "rows"
    MEDIA = "media"
    ENGINE = "engine"
    FILES = "files"
    REWRITE = "rewrite"
    LOG = "log"


@dataclass(frozen=True)
class Erasure:
    """An erasure that has begun.

    Attributes:
        kind: `subject`, `session`, `recording` where the session's results stay, `merge` where another subject has all,
            `remains` where words were removed or replaced and only what the database keeps of them is left.
        object_id: The UUID of what is erased.
        begun_at: Since when, with a time zone.
        steps: What is still to be done, in order.
        sessions: UUIDs of its sessions.
        media: Stored files that nobody else's session uses, relative to the media folder.
        jobs: UUIDs of its jobs.
        reason: What it waits for; None while nothing keeps it.
    """

    kind: str
    object_id: str
    begun_at: datetime
    steps: tuple[ErasureStep, ...]
    sessions: tuple[str, ...]
    media: tuple[str, ...]
    jobs: tuple[str, ...]
    reason: Message | None = None

    def without(self, step: ErasureStep) -> Erasure:
        """Return the erasure with this step done."""
        return replace(self, steps=tuple(later for later in self.steps if later is not step), reason=None)


def begin(plan: ErasurePlan) -> Erasure:
    """Return an erasure of which nothing is done yet."""
    steps = tuple(ErasureStep)
    return Erasure(
        plan.kind, plan.object_id, datetime.now(UTC), steps, plan.session_ids, plan.media_paths, plan.job_ids
    )


def write(settings: AppSettings, erasure: Erasure) -> None:
    """Write an erasure down, in place of what was written of it before.

    Args:
        settings: The installation.
        erasure: The erasure.

    Raises:
        OSError: The disk takes no more, or the data folder cannot be written.
    """
    folder = settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = _path(settings, erasure.object_id)
    draft = target.with_suffix(".new")
    body = asdict(erasure) | {
        "begun_at": erasure.begun_at.isoformat(),
        "reason": None if erasure.reason is None else to_json(erasure.reason),
    }
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def find(settings: AppSettings, object_id: str) -> Erasure | None:
    """Return the unfinished erasure of a subject or session; None where there is none.

    Args:
        settings: The installation.
        object_id: The UUID of the subject or session.
    """
    return next((erasure for erasure in list_pending(settings) if erasure.object_id == object_id), None)


def list_pending(settings: AppSettings) -> list[Erasure]:
    """List the erasures that are not finished, the oldest first."""
    erasures = [_read(path) for path in sorted((settings.data_dir / FOLDER).glob("*.json"))]
    return sorted((erasure for erasure in erasures if erasure is not None), key=lambda erasure: erasure.begun_at)


def remove(settings: AppSettings, erasure: Erasure) -> None:
    """Forget an erasure, which is finished.

    Args:
        settings: The installation.
        erasure: The erasure.
    """
    _path(settings, erasure.object_id).unlink(missing_ok=True)


@contextmanager
def locked(settings: AppSettings) -> Iterator[bool]:
    """Hold the ledger, so that two processes do not carry out one erasure. Gives whether it is held."""
    folder = settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def hold_reserve(settings: AppSettings) -> bool:
    """Take the room that an erasure needs to begin on a full disk. Returns whether it is held."""
    path = settings.data_dir / FOLDER / RESERVE
    try:
        if path.exists() and path.stat().st_size == RESERVE_BYTES:
            return True
        if shutil.disk_usage(settings.data_dir).free < 4 * RESERVE_BYTES:
            return False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)
        return True
    except OSError:
        release_reserve(settings)
        return False


def make_room(settings: AppSettings) -> None:
    """Give the reserved room back where the disk is so full that a database could not even be opened."""
    with suppress(OSError):
        if shutil.disk_usage(settings.data_dir).free < RESERVE_BYTES:
            release_reserve(settings)


def release_reserve(settings: AppSettings) -> None:
    """Give the reserved room back to the disk."""
    with suppress(OSError):
        (settings.data_dir / FOLDER / RESERVE).unlink(missing_ok=True)


def _path(settings: AppSettings, object_id: str) -> Path:
    return settings.data_dir / FOLDER / f"{object_id}.json"


def _read(path: Path) -> Erasure | None:
    """Read an erasure; None where another process has just finished it, or the file is not one of ours."""
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Erasure(
            kind=body["kind"],
            object_id=body["object_id"],
            begun_at=datetime.fromisoformat(body["begun_at"]),
            steps=tuple(ErasureStep(step) for step in body["steps"]),
            sessions=tuple(body["sessions"]),
            media=tuple(body["media"]),
            jobs=tuple(body["jobs"]),
            reason=None if body["reason"] is None else from_json(body["reason"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
