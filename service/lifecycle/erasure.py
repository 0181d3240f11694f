"""Erasure of a subject or a session: its rows, its files, the job engine's rows, and what databases keep of them.

An erasure is written into the ledger before anything is removed, and out of it when nothing is left. So one that is
killed, or that has to wait for somebody who reads the database, is carried on by a worker or by the next command.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from db import messages as db_messages
from db.clearing import Obstacle, database_bytes, empty_log, remove_engine_jobs, rewrite_database
from db.records import ErasurePlan, MergeReport, NotFoundError
from db.store import Store
from fer_phq.core.errors import FerPhqError, StoreError
from fer_phq.core.messages import Message
from service.ingest.media import MediaStore
from service.lifecycle import ledger, messages
from service.lifecycle.export import MOST_SESSIONS
from service.lifecycle.ledger import Erasure, ErasureStep
from service.lifecycle.person.heads import heads_that_learned
from service.lifecycle.task_files import MASKING, masked_path, remove_task_files
from service.settings import MIB, AppSettings

log = logging.getLogger(__name__)
WAIT_S = 10.0
"""How long an erasure waits for those who read the database or analyse the recording."""
PAUSE_S = 0.1
REMAINS = "remains"
"""Kind of an erasure of which only the writing anew of the database is left: of words that were removed or replaced."""
AT_ONCE_BYTES = 64 * MIB
"""Size of a database that is written anew at each removal of words; a larger one is, for all of them, once an hour."""
REMAINS_DUE = timedelta(hours=1)
DISK_FULL = (db_messages.SQLITE_FULL.code, db_messages.SERVER_DISK_FULL.code, db_messages.SQLITE_IO.code)


@dataclass(frozen=True)
class ErasureCounts:
    """How much was erased.

    Attributes:
        sessions: Number of sessions.
        analyses: Number of analyses.
        questionnaires: Number of questionnaires.
        files: Number of recording files.
        pending: What the erasure still waits for; None when nothing is left.
        heads: Names of the trained bundles whose heads learned from it, and do not unlearn.
    """

    sessions: int
    analyses: int
    questionnaires: int
    files: int
    pending: Message | None = None
    heads: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErasurePreview:
    """What an erasure will remove.

    Attributes:
        plan: How many rows of each kind.
        recording_bytes: Size of the recordings that will be removed.
        heads: Names of the trained bundles whose heads learned from the person, and do not unlearn.
    """

    plan: ErasurePlan
    recording_bytes: int
    heads: tuple[str, ...] = ()


def preview_subject(settings: AppSettings, store: Store, subject_id: str) -> ErasurePreview:
    """Tell what erasing a person would remove, and remove nothing.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.

    Raises:
        ForbiddenError: The actor may not change anything.
        NotFoundError: There is no such subject.
    """
    plan = store.erasure.plan_subject(subject_id=subject_id)
    size = MediaStore(settings).size_of(plan.media_paths)
    return ErasurePreview(plan, size, heads_that_learned(settings, subject_id, plan.session_ids))


def erase_subject(settings: AppSettings, store: Store, subject_id: str, *, wait_s: float = WAIT_S) -> ErasureCounts:
    """Erase a person: every row, recording and file, down to the bytes that databases would keep.

    A running job finds its row gone, stops within a chunk of frames and stores nothing. `pending` says what is still
    to be done when others kept the erasure from finishing in time; a worker, or the same call again, finishes it.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.
        wait_s: Seconds to wait for those who read the database or analyse a recording.

    Raises:
        ForbiddenError: The actor may not change anything.
        NotFoundError: There is no such subject, and no unfinished erasure of it.
        StorageError: A recording cannot be removed.
        StoreError: The database cannot be written.
    """
    store.erasure.check()
    pending = ledger.find(settings, subject_id)
    plan = store.erasure.plan_subject(subject_id=subject_id) if pending is None else None
    return _erase(settings, store, pending or ledger.begin(_checked(plan)), plan, wait_s)


def erase_session(settings: AppSettings, store: Store, session_id: str, *, wait_s: float = WAIT_S) -> ErasureCounts:
    """Erase one session with its analyses and its recording, as thoroughly as `erase_subject` does.

    Args:
        settings: The installation.
        store: Where the session is.
        session_id: The session.
        wait_s: Seconds to wait for those who read the database or analyse the recording.

    Raises:
        ForbiddenError: The actor may not change anything.
        NotFoundError: There is no such session, and no unfinished erasure of it.
        StorageError: The recording cannot be removed.
        StoreError: The database cannot be written.
    """
    store.erasure.check()
    pending = ledger.find(settings, session_id)
    plan = store.erasure.plan_session(session_id=session_id) if pending is None else None
    return _erase(settings, store, pending or ledger.begin(_checked(plan)), plan, wait_s)


def finish_erasures(settings: AppSettings, store: Store) -> int:
    """Carry on the erasures that are not finished, without waiting for anybody.

    Args:
        settings: The installation.
        store: Its store.

    Returns:
        How many of them are finished now.
    """
    finished = 0
    cleared_at: datetime | None = None
    for erasure in ledger.list_pending(settings):
        with ledger.locked(settings) as is_held:
            if not is_held or not _is_due(settings, erasure):
                continue
            if erasure.kind == REMAINS and cleared_at is not None and erasure.begun_at < cleared_at:
                ledger.remove(settings, erasure)  # the same writing anew was for all of them
                continue
            begin = datetime.now(UTC)
            if not _carry_on(settings, store, erasure).steps:
                finished += 1
                cleared_at = begin if erasure.kind == REMAINS else cleared_at
    return finished


def clear_remains(settings: AppSettings, store: Store, object_id: str) -> None:
    """Remove what the database keeps of words that were just removed or replaced.

    A small database is written anew at once, a large one within the hour by a worker; its log is emptied at once.

    Args:
        settings: The installation.
        store: Its store.
        object_id: UUID of what the words were of.
    """
    steps = (ErasureStep.REWRITE, ErasureStep.LOG)
    erasure = Erasure(REMAINS, object_id, datetime.now(UTC), steps, (), (), ())
    if not _is_due(settings, erasure):
        erasure = replace(erasure, reason=messages.WAITS_FOR_HOUR())
        with suppress(StoreError):
            empty_log(settings.database_url, lock_timeout_s=PAUSE_S)
    pending = ledger.find(settings, object_id)
    if pending is None or pending.kind == REMAINS:  # an erasure of the whole has these steps anyway
        with suppress(OSError):
            ledger.write(settings, erasure)
    finish_erasures(settings, store)


def _is_due(settings: AppSettings, erasure: Erasure) -> bool:
    """Return whether an erasure is carried on now: one of mere words waits where the database is large."""
    is_old = datetime.now(UTC) - erasure.begun_at > REMAINS_DUE
    return erasure.kind != REMAINS or is_old or database_bytes(settings.database_url) <= AT_ONCE_BYTES


def remove_recording(settings: AppSettings, store: Store, session_id: str) -> bool:
    """Remove a session's recording and keep its results.

    Args:
        settings: The installation.
        store: Where the session is.
        session_id: The session.

    Returns:
        Whether a file was removed; it stays where another session has the same recording.

    Raises:
        NotFoundError: There is no such session.
        StorageError: The recording cannot be removed.
    """
    relative = store.sessions.get(session_id=session_id).media_path
    if relative is None:
        return False
    store.sessions.set_media_path(session_id=session_id, media_path=None)
    masked_path(settings, session_id).unlink(missing_ok=True)
    is_removed = _delete(settings, store, [relative]) == 1
    if (
        empty_log(settings.database_url, lock_timeout_s=PAUSE_S) is not None
        and ledger.find(settings, session_id) is None
    ):
        steps = (ErasureStep.LOG,)
        with suppress(OSError):
            ledger.write(settings, Erasure("recording", session_id, datetime.now(UTC), steps, (session_id,), (), ()))
    return is_removed


def merge_subjects(settings: AppSettings, store: Store, source_id: str, target_id: str) -> MergeReport:
    """Give everything of one subject to another, remove the first, and what files and the database keep of it.

    Args:
        settings: The installation.
        store: Where the subjects are.
        source_id: The subject who goes.
        target_id: The subject who stays.

    Raises:
        NotFoundError: There is no such subject.
        StoreError: They cannot be merged; says why.
    """
    sessions = _session_ids(store, source_id)
    report = store.merging.merge(source_id=source_id, target_id=target_id)
    gone = tuple(sessions - _session_ids(store, target_id))  # of recordings that both had
    steps = (ErasureStep.FILES, ErasureStep.REWRITE, ErasureStep.LOG)
    with suppress(OSError):
        ledger.write(settings, Erasure("merge", source_id, datetime.now(UTC), steps, gone, (), ()))
    finish_erasures(settings, store)
    return report


def _session_ids(store: Store, subject_id: str) -> set[str]:
    rows = store.sessions.list_recent(subject_id=subject_id, limit=MOST_SESSIONS)
    return {row.session.id for row in rows}


def remove_expired(settings: AppSettings, store: Store) -> int:
    """Remove every recording whose retention has ended and keep its results.

    Args:
        settings: The installation.
        store: Where the sessions are.

    Returns:
        Number of sessions whose recording was removed.

    Raises:
        StorageError: A recording cannot be removed.
    """
    expired = store.sessions.list_past_retention()
    for session in expired:
        remove_recording(settings, store, session.id)
        log.info("session %s: its retention has ended, the recording is removed", session.id)
    return len(expired)


def _checked(plan: ErasurePlan | None) -> ErasurePlan:
    assert plan is not None
    return plan


def _erase(
    settings: AppSettings, store: Store, erasure: Erasure, plan: ErasurePlan | None, wait_s: float
) -> ErasureCounts:
    """Write the erasure down and carry it out, with a wait for those who stand in its way."""
    _write_down(settings, store, erasure)
    deadline = time.monotonic() + wait_s
    while True:
        with ledger.locked(settings) as is_held:
            if is_held:
                erasure = _carry_on(settings, store, erasure)
        if not erasure.steps or time.monotonic() > deadline or _is_hopeless(erasure):
            break
        time.sleep(PAUSE_S)
    if ErasureStep.ROWS in erasure.steps and erasure.reason is not None:
        raise StoreError(messages.PENDING(reason=erasure.reason))
    log.info("%s %s erased, steps left: %s", erasure.kind, erasure.object_id, ", ".join(erasure.steps) or "none")
    pending = messages.PENDING(reason=erasure.reason or messages.WAITS_FOR_READER()) if erasure.steps else None
    heads = heads_that_learned(settings, erasure.object_id, erasure.sessions)
    if plan is None:
        return ErasureCounts(0, 0, 0, 0, pending, heads)
    return ErasureCounts(plan.sessions, plan.analyses, plan.questionnaires, len(plan.media_paths), pending, heads)


def _is_hopeless(erasure: Erasure) -> bool:
    """Tell whether waiting some seconds changes nothing: the disk is full, or a step failed."""
    waits = (messages.WAITS_FOR_READER.code, messages.WAITS_FOR_WORKER.code, messages.WAITS_FOR_MASKING.code)
    return erasure.reason is not None and erasure.reason.code not in waits


def _write_down(settings: AppSettings, store: Store, erasure: Erasure) -> None:
    """Write the erasure into the ledger. Where the disk is full, room is made for it, at last by its own recordings."""
    try:
        ledger.write(settings, erasure)
        return
    except OSError:
        ledger.release_reserve(settings)
    try:
        ledger.write(settings, erasure)
    except OSError:
        _unlink_media(settings, store, erasure)
        with suppress(OSError):  # even without a ledger an erasure can be carried out, and be asked for again
            ledger.write(settings, erasure)


def _carry_on(settings: AppSettings, store: Store, erasure: Erasure) -> Erasure:
    """Do the steps that are left, up to one that has to wait. Returns what is left, which the ledger holds too."""
    while erasure.steps:
        step = erasure.steps[0]
        if step is ErasureStep.ROWS:
            erasure = _refreshed(store, erasure)
        try:
            reason = STEPS[step](settings, store, erasure)
        except (FerPhqError, OSError) as error:
            log.warning("the erasure of %s %s stops at %s: %s", erasure.kind, erasure.object_id, step, error)
            reason = messages.WAITS_FOR_ERROR(error=error.message if isinstance(error, FerPhqError) else str(error))
        erasure = erasure.without(step) if reason is None else replace(erasure, reason=reason)
        with suppress(OSError):  # what was written before names more steps, and doing a step again does no harm
            ledger.write(settings, erasure)
        if reason is not None:
            return erasure
    ledger.remove(settings, erasure)
    if erasure.kind in ("subject", "session"):
        with suppress(StoreError):
            store.erasure.note_end(kind=erasure.kind, object_id=erasure.object_id)
    ledger.hold_reserve(settings)
    return erasure


def _refreshed(store: Store, erasure: Erasure) -> Erasure:
    """Return the erasure with what has come since it began, such as a recording whose upload has just ended."""
    plan_rows = {
        "subject": lambda: store.erasure.plan_subject(subject_id=erasure.object_id),
        "session": lambda: store.erasure.plan_session(session_id=erasure.object_id),
    }
    try:
        plan = plan_rows[erasure.kind]()
    except FerPhqError:  # erased already, or the erasing itself says what is wrong
        return erasure
    return replace(
        erasure,
        sessions=tuple({*erasure.sessions, *plan.session_ids}),
        media=tuple({*erasure.media, *plan.media_paths}),
        jobs=tuple({*erasure.jobs, *plan.job_ids}),
    )


def _erase_rows(settings: AppSettings, store: Store, erasure: Erasure) -> Message | None:
    """Remove the rows at once; on a full disk the recordings first, then the rows analysis by analysis."""
    try:
        _erase_row(store, erasure)
        return None
    except NotFoundError:
        return None
    except StoreError as error:
        if error.message.code not in DISK_FULL:
            raise
        log.warning("the disk is full: the erasure of %s makes room for itself", erasure.object_id)
    ledger.release_reserve(settings)
    _unlink_media(settings, store, erasure)
    try:
        for session_id in erasure.sessions:
            store.erasure.erase_analyses(session_id=session_id)
        _erase_row(store, erasure)
    except NotFoundError:
        return None
    except StoreError as error:
        if error.message.code not in DISK_FULL:
            raise
        return messages.WAITS_FOR_DISK()
    return None


def _erase_row(store: Store, erasure: Erasure) -> None:
    if erasure.kind == "subject":
        store.erasure.erase_subject(subject_id=erasure.object_id)
    else:
        store.erasure.erase_session(session_id=erasure.object_id)


def _unlink_media(settings: AppSettings, store: Store, erasure: Erasure) -> None:
    """Remove the recordings while their own rows still name them."""
    sessions = erasure.sessions
    MediaStore(settings).delete(
        erasure.media, lambda relative: store.sessions.media_in_use(media_path=relative, besides=sessions)
    )


def _erase_media(settings: AppSettings, store: Store, erasure: Erasure) -> Message | None:
    _delete(settings, store, list(erasure.media))
    return None


def _erase_engine_jobs(settings: AppSettings, store: Store, erasure: Erasure) -> Message | None:
    has_worker = bool(store.workers.list_living(timeout_s=settings.worker_timeout_s))
    running = remove_engine_jobs(settings.dbos_database_url, erasure.jobs, running_too=not has_worker)
    return messages.WAITS_FOR_WORKER() if running else None


def _erase_files(settings: AppSettings, store: Store, erasure: Erasure) -> Message | None:
    MediaStore(settings).remove_incoming([erasure.object_id, *erasure.sessions])
    running = remove_task_files(settings, [erasure.object_id, *erasure.sessions])
    if running is None:
        return None
    return messages.WAITS_FOR_MASKING() if running == MASKING else messages.WAITS_FOR_TRAINING()


def _rewrite(settings: AppSettings, store: Store, erasure: Erasure) -> Message | None:
    return _first_obstacle(settings, erasure, rewrite_database)


def _empty_logs(settings: AppSettings, store: Store, erasure: Erasure) -> Message | None:
    return _first_obstacle(settings, erasure, empty_log)


def _first_obstacle(settings: AppSettings, erasure: Erasure, clear: Callable[[str], Obstacle | None]) -> Message | None:
    """Clear both databases, for words the one that holds any. Returns what kept one of them from it."""
    urls = (settings.database_url, settings.dbos_database_url)
    for url in dict.fromkeys(urls[:1] if erasure.kind == REMAINS else urls):
        obstacle = clear(url)
        if obstacle is not None:
            return messages.WAITS_FOR_ROOM() if obstacle is Obstacle.NO_ROOM else messages.WAITS_FOR_READER()
    return None


STEPS: dict[ErasureStep, Callable[[AppSettings, Store, Erasure], Message | None]] = {
    ErasureStep.ROWS: _erase_rows,
    ErasureStep.MEDIA: _erase_media,
    ErasureStep.ENGINE: _erase_engine_jobs,
    ErasureStep.FILES: _erase_files,
    ErasureStep.REWRITE: _rewrite,
    ErasureStep.LOG: _empty_logs,
}
"""What does a step. It returns what it has to wait for, and None when it is done."""


def _delete(settings: AppSettings, store: Store, relatives: list[str]) -> int:
    return MediaStore(settings).delete(relatives, lambda relative: store.sessions.media_in_use(media_path=relative))
