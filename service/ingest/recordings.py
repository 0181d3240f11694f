"""A recording becomes a session: checked by its content, stored once, its rows and its job committed together."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.records import Consent, DuplicateSessionError, NewTranscript
from db.store import Store
from fer_phq.core.analysis import RecordingInfo
from fer_phq.core.errors import RecordingError, StoreError
from fer_phq.video import probe
from service.ingest import transcripts
from service.ingest.media import COPY_BYTES, MediaStore
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

log = logging.getLogger("fer_phq.service")
NAME_LENGTH = 200


@dataclass(frozen=True)
class Ingested:
    """Where a recording went. job_id is None when no analysis was asked for; duplicate: the session was there."""

    session_id: str
    job_id: str | None
    duplicate: bool


def add_recording(
    settings: AppSettings,
    store: Store,
    source: Path,
    *,
    subject_id: str,
    recorded_at: datetime,
    consent_by: str | None = None,
    consent_text: str | None = None,
    original_name: str | None = None,
    retain_until: datetime | None = None,
    analysis: Mapping[str, Any] | None = None,
    enqueue: bool = True,
    transcript: NewTranscript | None = None,
    display_name: str | None = None,
) -> Ingested:
    """Copy a file into the installation as a session of a subject; the file itself stays where it is.

    With `enqueue` a worker analyses it, with the transcript where there is one; otherwise the caller does.
    A recording that is a session already keeps the transcript that it has. Errors call the file `display_name`, its
    path when omitted. RecordingError for what is not a video, StorageError without room, StoreError or NotFoundError
    from the store.
    """
    grant = UploadGrant(subject_id, recorded_at, consent_by, consent_text, retain_until, analysis)
    info = probe(source, display_name=display_name)
    media = MediaStore(settings)
    media.check_room(source.stat().st_size)
    with media.copy_in(source) as copy:
        if _sha256(copy.path) != info.sha256:
            raise RecordingError(f"{source.name} changed while it was copied; try again when it is complete.")
        name = original_name or source.name
        return _commit(settings, store, copy.path, info, grant, name, enqueue=enqueue, transcript=transcript)


def take_upload(settings: AppSettings, store: Store, part: Path, grant: UploadGrant, original_name: str) -> Ingested:
    """Check a complete upload in the incoming folder and move it into the installation, with its analysis queued."""
    info = probe(part, display_name=clean_name(original_name))  # the part's name means nothing to the sender
    settings.analysis_settings(grant.analysis)
    words = _waiting_transcript(settings, store, grant, info)
    taken = _commit(settings, store, part, info, grant, original_name, enqueue=True, transcript=words)
    if grant.transcript:
        transcripts.fetched(settings, grant.transcript)
    return taken


def _waiting_transcript(
    settings: AppSettings, store: Store, grant: UploadGrant, info: RecordingInfo
) -> NewTranscript | None:
    """The transcript that waits for this upload. A recording that is there already may have fetched it before."""
    if grant.transcript is None:
        return None
    try:
        return transcripts.waiting(settings, grant.transcript)
    except RecordingError:
        if store.sessions.find_by_media(subject_id=grant.subject_id, sha256=info.sha256) is None:
            raise
        return None


def clean_name(name: str) -> str:
    """A sender's file name for showing: no folders, no control characters, at most 200 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(character for character in last if character.isprintable()).strip()
    return shown[:NAME_LENGTH] or "recording"


def _commit(
    settings: AppSettings,
    store: Store,
    part: Path,
    info: RecordingInfo,
    grant: UploadGrant,
    original_name: str,
    *,
    enqueue: bool,
    transcript: NewTranscript | None,
) -> Ingested:
    """Place the file and commit its rows under one lock, so that no sweep comes between."""
    media = MediaStore(settings)
    with media.locked():
        relative = media.place(part, info.sha256)
        try:
            name = clean_name(original_name)
            session_id, job_id = _add_rows(store, info, grant, name, relative, enqueue, transcript)
        except DuplicateSessionError as duplicate:
            _add_transcript(store, duplicate.session_id, transcript)
            return _existing(store, duplicate.session_id, relative, grant, enqueue=enqueue)
        except BaseException:
            _take_back(store, media, relative)
            raise
    log.info("session %s stored, job %s", session_id, job_id)
    return Ingested(session_id, job_id, duplicate=False)


def _add_rows(
    store: Store,
    info: RecordingInfo,
    grant: UploadGrant,
    name: str,
    relative: str,
    enqueue: bool,
    transcript: NewTranscript | None,
) -> tuple[str, str | None]:
    """Commit the session, with its queued job and transcript in the same transaction when asked; their ids."""
    is_demo = store.subjects.get(subject_id=grant.subject_id).is_demo
    if not enqueue:
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
        job_settings=_own_settings(grant),
        transcript=transcript,
    )
    return session.id, job.id


def _add_transcript(store: Store, session_id: str, transcript: NewTranscript | None) -> None:
    """Keep the transcript with a session that has none."""
    if transcript is not None and not store.transcripts.exists(session_id=session_id):
        store.transcripts.save(
            session_id=session_id,
            original_name=transcript.original_name,
            document=transcript.document,
            speaker=transcript.speaker,
        )


def _take_back(store: Store, media: MediaStore, relative: str) -> None:
    """Remove a placed file whose rows were refused, with the lock held; the sweep does it when the store is away."""
    try:
        if not store.sessions.media_in_use(media_path=relative):
            media.path_of(relative).unlink(missing_ok=True)
    except StoreError as error:
        log.warning("a file without rows is left to the sweep: %s", error)


def _existing(store: Store, session_id: str, relative: str, grant: UploadGrant, *, enqueue: bool) -> Ingested:
    """The session that this subject's recording already has; a recording that was removed is back with this file."""
    if store.sessions.get(session_id=session_id).media_path is None:
        store.sessions.set_media_path(session_id=session_id, media_path=relative)
    job = store.jobs.latest(session_id=session_id)
    if job is None and enqueue:
        job = store.jobs.create(session_id=session_id, settings=_own_settings(grant))
    return Ingested(session_id, job.id if job else None, duplicate=True)


def _consent(grant: UploadGrant) -> Consent | None:
    if grant.consent_by is None:
        return None
    return Consent(at=datetime.now(UTC), by=grant.consent_by, text_version=grant.consent_text or "")


def _own_settings(grant: UploadGrant) -> dict[str, Any] | None:
    return dict(grant.analysis) if grant.analysis else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(COPY_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
