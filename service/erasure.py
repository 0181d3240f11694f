"""Erasure of a subject or a session: its rows, then the recordings that no other session has."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from db.records import ErasureReport
from db.store import Store
from service.ingest.media import MediaStore
from service.settings import AppSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ErasureCounts:
    """How much was erased.

    Attributes:
        sessions: Number of sessions.
        analyses: Number of analyses.
        questionnaires: Number of questionnaires.
        files: Number of recording files.
    """

    sessions: int
    analyses: int
    questionnaires: int
    files: int


def erase_subject(settings: AppSettings, store: Store, subject_id: str) -> ErasureCounts:
    """Erase a person: every session, analysis, questionnaire and recording.

    A running job finds its row gone, stops within a chunk of frames and stores nothing. A crash after the rows are
    gone leaves at most files, which the worker's next sweep removes.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.

    Raises:
        NotFoundError: There is no such subject.
        StorageError: A recording cannot be removed.
    """
    erased = _finish(settings, store, store.erasure.erase_subject(subject_id=subject_id))
    log.info("subject %s erased, %d sessions, %d files", subject_id, erased.sessions, erased.files)
    return erased


def erase_session(settings: AppSettings, store: Store, session_id: str) -> ErasureCounts:
    """Erase one session with its analyses and its recording.

    Args:
        settings: The installation.
        store: Where the session is.
        session_id: The session.

    Raises:
        NotFoundError: There is no such session.
        StorageError: The recording cannot be removed.
    """
    erased = _finish(settings, store, store.erasure.erase_session(session_id=session_id))
    log.info("session %s erased, %d files", session_id, erased.files)
    return erased


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
    return _delete(settings, store, [relative]) == 1


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


def _finish(settings: AppSettings, store: Store, report: ErasureReport) -> ErasureCounts:
    files = _delete(settings, store, list(report.media_paths))
    return ErasureCounts(report.sessions, report.analyses, report.questionnaires, files)


def _delete(settings: AppSettings, store: Store, relatives: list[str]) -> int:
    return MediaStore(settings).delete(relatives, lambda relative: store.sessions.media_in_use(media_path=relative))
