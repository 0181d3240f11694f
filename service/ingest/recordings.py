"""Recordings that become sessions: checked by content, stored once, with rows and job in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.records import Consent, DuplicateSessionError, JobPriority, JobState, NewTranscript
from db.store import Store
from fer_phq.core.analysis import RecordingInfo
from fer_phq.core.errors import FerPhqError, RecordingError, StoreError
from fer_phq.video import messages as video
from fer_phq.video import probe
from service.ingest import messages, transcripts
from service.ingest.differences import (
    check_retention,
    find_difference,
    is_being_analysed,
    lacks_transcript,
    list_jobs_of,
)
from service.ingest.media import MediaStore, file_sha256
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

log = logging.getLogger(__name__)
NAME_LENGTH = 200
"""Most characters of a recording's name that are stored."""
MACHINE_FAULTS = frozenset(
    fault.code
    for fault in (
        video.FILE_MISSING,
        video.NO_PERMISSION,
        video.CANNOT_OPEN,
        video.CANNOT_READ,
        video.HOLES,
        video.NO_PROGRESS,
        video.OVER_TIME,
        video.OVER_MEMORY,
        video.KILLED,
        video.CRASHED,
        video.MALFORMED_FRAME,
        video.MALFORMED_SOUND,
    )
)
"""Codes of what may be the machine's fault and gone at the next try; any other is the recording's, or its sender's."""


@dataclass(frozen=True)
class StoredRecording:
    """The session that holds a recording.

    Attributes:
        session_id: The session.
        job_id: Its analysis; None when no analysis was asked for.
        duplicate: Whether the subject had this recording already.
    """

    session_id: str
    job_id: str | None
    duplicate: bool


def add_recording(
    settings: AppSettings,
    store: Store,
    path: Path,
    *,
    subject_id: str,
    recorded_at: datetime,
    consent_by: str | None = None,
    consent_text: str | None = None,
    original_name: str | None = None,
    display_name: str | None = None,
    retain_until: datetime | None = None,
    analysis: Mapping[str, Any] | None = None,
    enqueue: bool = True,
    transcript: NewTranscript | None = None,
) -> StoredRecording:
    """Copy a file into the installation as a session of a subject, for which somebody waits.

    Args:
        settings: The installation.
        store: Where the session goes.
        path: The recording.
        subject_id: The subject, who must exist.
        recorded_at: When it was recorded, with a time zone.
        consent_by: Who recorded the consent; None records no consent.
        consent_text: Version of the text that was agreed to.
        original_name: The name that is stored; the file's when omitted.
        display_name: What errors call the recording; its path when omitted.
        retain_until: When the recording is removed; None keeps it until it is erased by hand.
        analysis: The job's own settings, as an `UploadGrant` has them.
        enqueue: Whether a worker analyses it; otherwise the caller does.
        transcript: Its transcript. A recording that is a session already keeps the one that it has.

    Returns:
        The session.

    Raises:
        RecordingError: The file is not a video, changes while it is copied, or lacks the sound that is to be heard.
        SettingsError: The analysis settings cannot be used.
        StorageError: It is too large, or there is no room for it.
        StoreError: The database cannot be reached.
        NotFoundError: There is no such subject.
    """
    grant = UploadGrant(subject_id, recorded_at, consent_by, consent_text, retain_until, analysis)
    return copy_recording(
        settings,
        store,
        path,
        grant,
        original_name=original_name,
        display_name=display_name,
        enqueue=enqueue,
        transcript=transcript,
    )


def copy_recording(
    settings: AppSettings,
    store: Store,
    path: Path,
    grant: UploadGrant,
    *,
    original_name: str | None = None,
    display_name: str | None = None,
    enqueue: bool = True,
    transcript: NewTranscript | None = None,
) -> StoredRecording:
    """Copy a file into the installation under a grant. The file itself stays where it is.

    Args:
        settings: The installation.
        store: Where the session goes.
        path: The recording.
        grant: What it is for; the transcript that it names does not count.
        original_name: The name that is stored; the file's when omitted.
        display_name: What errors call the recording; its path when omitted.
        enqueue: Whether a worker analyses it; otherwise the caller does.
        transcript: Its transcript. A recording that is a session already keeps the one that it has.

    Returns:
        The session.

    Raises:
        RecordingError: The file is not a video, changes while it is copied, lacks the sound that is to be heard, or
            must not be that session.
        SettingsError: The analysis settings cannot be used.
        StorageError: It is too large, or there is no room for it.
        StoreError: The database cannot be reached.
        NotFoundError: There is no such subject.
    """
    media = MediaStore(settings)
    media.check_file(path, display_name=display_name)
    info = probe(path, display_name=display_name)
    _check_analysis(settings, grant, info)
    with media.copy_in(path, grant.subject_id, key=store.encryption.key()) as copy:
        if file_sha256(copy.path) != info.sha256:
            raise RecordingError(messages.CHANGED_MEANWHILE(name=path.name))
        name = original_name or path.name
        queued_as = grant.priority if enqueue else None
        return _commit(settings, store, copy.path, info, grant, name, priority=queued_as, transcript=transcript)


def store_upload(
    settings: AppSettings, store: Store, part: Path, grant: UploadGrant, original_name: str
) -> StoredRecording:
    """Check a complete upload, move it into the installation and queue its analysis.

    Args:
        settings: The installation.
        store: Where the session goes.
        part: The upload in the incoming folder.
        grant: Under which it was uploaded.
        original_name: The sender's name of the file, which errors use.

    Returns:
        The session.

    Raises:
        RecordingError: It is not a video, its transcript is gone, it lacks the sound that is to be heard, or must not
            be the session that it is already.
        SettingsError: The grant's analysis settings cannot be used.
        StorageError: There is no room for it.
        StoreError: The database cannot be reached.
    """
    info = probe(part, display_name=clean_name(original_name))
    _check_analysis(settings, grant, info)
    transcript = _pending_transcript(settings, store, grant, info)
    recording = _commit(
        settings, store, part, info, grant, original_name, priority=grant.priority, transcript=transcript
    )
    if grant.transcript:
        transcripts.remove_pending(settings, grant.transcript)
    return recording


def _check_analysis(settings: AppSettings, grant: UploadGrant, info: RecordingInfo) -> None:
    """Check that the recording can be analysed as it is asked for, as far as its container tells."""
    problem = settings.analysis_settings(grant.analysis).sound.problem(info.sound_tracks)
    if problem is not None:
        raise RecordingError(problem)


def _pending_transcript(
    settings: AppSettings, store: Store, grant: UploadGrant, info: RecordingInfo
) -> NewTranscript | None:
    """Load the transcript that waits for an upload. None for a recording that was stored with it before."""
    if grant.transcript is None:
        return None
    try:
        return transcripts.load_pending(settings, grant.transcript)
    except RecordingError:
        if store.sessions.find_by_media(subject_id=grant.subject_id, sha256=info.sha256) is None:
            raise
        return None


def clean_name(name: str) -> str:
    """Return a sender's file name for display: no folders, no control characters, at most 200 characters.

    Args:
        name: As the sender wrote it.
    """
    base_name = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(character for character in base_name if character.isprintable()).strip()
    return printable[:NAME_LENGTH] or "recording"


def _commit(
    settings: AppSettings,
    store: Store,
    part: Path,
    info: RecordingInfo,
    grant: UploadGrant,
    original_name: str,
    *,
    priority: JobPriority | None,
    transcript: NewTranscript | None,
) -> StoredRecording:
    """Move the file in and commit its rows under one lock, so that no sweep comes between.

    Without a priority no job is queued.
    """
    media = MediaStore(settings)
    with media.locked():
        relative = media.move_in(part, info.sha256, key=store.encryption.key())
        try:
            name = clean_name(original_name)
            session_id, job_id = _add_rows(store, info, grant, name, relative, priority, transcript)
        except DuplicateSessionError as duplicate:
            try:
                return _join_existing(settings, store, duplicate.session_id, relative, grant, priority, transcript)
            except FerPhqError:
                _remove_unused(store, media, relative)
                raise
        except BaseException:
            _remove_unused(store, media, relative)
            raise
    log.info("session %s stored, job %s", session_id, job_id)
    return StoredRecording(session_id, job_id, duplicate=False)


def _add_rows(
    store: Store,
    info: RecordingInfo,
    grant: UploadGrant,
    name: str,
    relative: str,
    priority: JobPriority | None,
    transcript: NewTranscript | None,
) -> tuple[str, str | None]:
    """Commit the session, with its queued job and transcript in the same transaction. Returns the two ids."""
    is_demo = store.subjects.get(subject_id=grant.subject_id).is_demo
    if priority is None:
        session = store.sessions.create(
            subject_id=grant.subject_id,
            recorded_at=grant.recorded_at,
            recording=info,
            original_name=name,
            media_path=relative,
            consent=_consent(grant),
            retain_until=grant.retain_until,
            is_demo=is_demo,
        )
        _add_transcript(store, session.id, transcript)
        return session.id, None
    session, job = store.sessions.create_with_job(
        subject_id=grant.subject_id,
        recorded_at=grant.recorded_at,
        recording=info,
        original_name=name,
        media_path=relative,
        consent=_consent(grant),
        retain_until=grant.retain_until,
        is_demo=is_demo,
        job_settings=_job_settings(grant),
        job_priority=priority,
        transcript=transcript,
    )
    return session.id, job.id


def _add_transcript(store: Store, session_id: str, transcript: NewTranscript | None) -> None:
    """Store the transcript with a session that has none."""
    if transcript is not None and not store.transcripts.exists(session_id=session_id):
        store.transcripts.save(
            session_id=session_id,
            original_name=transcript.original_name,
            document=transcript.document,
            speaker=transcript.speaker,
        )


def _remove_unused(store: Store, media: MediaStore, relative: str) -> None:
    """Remove a file whose rows were refused, with the lock held. Without a database the sweep removes it later."""
    try:
        if not store.sessions.media_in_use(media_path=relative):
            media.path_of(relative).unlink(missing_ok=True)
    except StoreError as error:
        log.warning("a file without rows is left to the sweep: %s", error)


def _join_existing(
    settings: AppSettings,
    store: Store,
    session_id: str,
    relative: str,
    grant: UploadGrant,
    priority: JobPriority | None,
    transcript: NewTranscript | None,
) -> StoredRecording:
    """Return the session that has this recording already. Gives it the file, consent and transcript that it lacks.

    Its analysis is queued where it has none, and anew where what its sender asks for has to be true of it. One that
    waits among a batch is moved up where somebody waits for it now.
    """
    session = store.sessions.get(session_id=session_id)
    jobs = list_jobs_of(settings, store, session_id, grant.analysis)
    lacks_words = False
    if grant.must_apply:
        difference = find_difference(settings, store, session, grant, transcript)
        if difference is not None:
            raise RecordingError(difference)
        check_retention(session)
        lacks_words = lacks_transcript(store, session_id, transcript)
        if lacks_words and is_being_analysed(store, session_id):
            raise StoreError(messages.ANALYSED_WITHOUT_TRANSCRIPT(session_id=session_id))
    _add_transcript(store, session_id, transcript)
    if session.media_path is None:
        store.sessions.set_media_path(session_id=session_id, media_path=relative)
    consent = _consent(grant)
    if session.consent is None and consent is not None:
        store.sessions.record_consent(session_id=session_id, consent=consent)
    job = jobs[0] if jobs else store.jobs.latest(session_id=session_id)
    waits_longer = job is not None and priority is not None and job.state is JobState.QUEUED and job.priority > priority
    if priority is not None and (job is None or lacks_words or waits_longer):
        job = store.jobs.create(session_id=session_id, settings=_job_settings(grant), priority=priority)
    return StoredRecording(session_id, job.id if job else None, duplicate=True)


def _consent(grant: UploadGrant) -> Consent | None:
    if grant.consent_by is None:
        return None
    return Consent(at=datetime.now(UTC), by=grant.consent_by, text_version=grant.consent_text or "")


def _job_settings(grant: UploadGrant) -> dict[str, Any] | None:
    return dict(grant.analysis) if grant.analysis else None
