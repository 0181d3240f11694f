"""Erasure: a subject's or a session's rows, then the recordings that nobody else needs."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from db.records import ErasureReport
from db.store import Store
from service.ingest.media import MediaStore
from service.settings import AppSettings

log = logging.getLogger("fer_phq.service")


@dataclass(frozen=True)
class Erased:
    """What went: sessions, analyses, questionnaires, and recording files."""

    sessions: int
    analyses: int
    questionnaires: int
    files: int


def erase_subject(settings: AppSettings, store: Store, subject_id: str) -> Erased:
    """Erase a person: every session, analysis, questionnaire and recording. NotFoundError for an unknown subject.

    A job that runs meanwhile finds its row gone and stops within a chunk of frames; nothing of it is kept. A crash
    after the rows are gone leaves at most files, which the worker's next sweep removes.
    """
    erased = _finish(settings, store, store.erasure.erase_subject(subject_id=subject_id))
    log.info("subject %s erased, %d sessions, %d files", subject_id, erased.sessions, erased.files)
    return erased


def erase_session(settings: AppSettings, store: Store, session_id: str) -> Erased:
    """Erase one session with its analyses and its recording. NotFoundError for an unknown session."""
    erased = _finish(settings, store, store.erasure.erase_session(session_id=session_id))
    log.info("session %s erased, %d files", session_id, erased.files)
    return erased


def remove_recording(settings: AppSettings, store: Store, session_id: str) -> bool:
    """Remove a session's recording and keep its results; whether a file went (others may use the same recording)."""
    relative = store.sessions.get(session_id=session_id).media_path
    if relative is None:
        return False
    store.sessions.set_media_path(session_id=session_id, media_path=None)
    return _delete(settings, store, [relative]) == 1


def remove_expired(settings: AppSettings, store: Store) -> int:
    """Remove every recording whose retention has ended, keeping its results; how many sessions lost theirs."""
    expired = store.sessions.list_past_retention()
    for session in expired:
        remove_recording(settings, store, session.id)
        log.info("session %s: its retention has ended, the recording is removed", session.id)
    return len(expired)


def _finish(settings: AppSettings, store: Store, report: ErasureReport) -> Erased:
    files = _delete(settings, store, list(report.media_paths))
    return Erased(report.sessions, report.analyses, report.questionnaires, files)


def _delete(settings: AppSettings, store: Store, relatives: list[str]) -> int:
    return MediaStore(settings).delete(relatives, lambda relative: store.sessions.media_in_use(media_path=relative))
