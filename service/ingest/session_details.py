"""SessionDetails of a session that are known before its recording comes in, and the two ways in that use them.

A recording is uploaded under a grant (`create_upload_grant`), or copied from the server's folder
(`import_from_folder`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.records import NewTranscript
from db.store import Store
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.ingest import messages, server_folder, transcripts
from service.ingest.recordings import StoredRecording, add_recording
from service.ingest.session_csv import SessionRow
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings


@dataclass(frozen=True)
class SessionDetails:
    """Whose recording it is and what was agreed.

    Attributes:
        subject: Label of a subject, who is made where there is none.
        recorded_at: When it was recorded; None stands for the file's own date.
        consent_by: Who recorded the consent.
        retain_until: When the recording is removed; None keeps it until it is erased by hand.
        transcript: The transcript that belongs to the recording.
    """

    subject: str
    recorded_at: datetime | None
    consent_by: str
    retain_until: datetime | None
    transcript: NewTranscript | None = None


@dataclass(frozen=True)
class FolderImport:
    """The result of importing one file of the server's folder.

    Attributes:
        path: The file, relative to the folder.
        recording: The session that holds it; None when it could not be imported.
        problem: Why it could not be imported.
    """

    path: str
    recording: StoredRecording | None
    problem: Message | None = None


def details_of_row(settings: AppSettings, row: SessionRow, now: datetime) -> SessionDetails:
    """Return the details in a table's row, with the installation's retention where the row has none.

    Args:
        settings: The installation.
        row: A row without problems.
        now: When the retention begins.
    """
    until = settings.retain_until(now) if row.keep_days is None else now + timedelta(days=row.keep_days)
    return SessionDetails(row.subject, row.recorded_at, row.consent_by, until, row.transcript)


def create_upload_grant(settings: AppSettings, store: Store, details: SessionDetails, now: datetime) -> UploadGrant:
    """Allow uploads of recordings with these details. Creates the subject where there is none.

    A transcript is stored to wait for its recording. Without a date the grant holds `now`; whoever learns the file's
    own date corrects it.

    Args:
        settings: The installation.
        store: Where the subject is.
        details: What is true of every recording that is uploaded under the grant.
        now: The latest date of a recording.

    Raises:
        SettingsError: The data folder cannot be written.
        StoreError: The database cannot be reached.
    """
    subject = store.subjects.get_or_create(label=details.subject)
    transcript = None
    if details.transcript is not None:
        transcript = transcripts.save_pending(settings, details.transcript, subject.id, key=store.encryption.key())
    return UploadGrant(
        subject_id=subject.id,
        recorded_at=min(details.recorded_at or now, now),
        consent_by=details.consent_by,
        consent_text=settings.consent_version,
        retain_until=details.retain_until,
        transcript=transcript,
    )


def import_from_folder(settings: AppSettings, store: Store, path: str, details: SessionDetails) -> FolderImport:
    """Copy one recording from the server's folder and queue its analysis. A file that fails raises nothing.

    Args:
        settings: The installation.
        store: Where the session goes.
        path: The file, relative to the server's folder.
        details: What is true of the recording.

    Returns:
        The session, or the problem.
    """
    try:
        file = server_folder.find_recording(settings, path)
        modified_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        subject = store.subjects.get_or_create(label=details.subject)
        recording = add_recording(
            settings,
            store,
            file,
            subject_id=subject.id,
            recorded_at=min(details.recorded_at or modified_at, datetime.now(UTC)),
            consent_by=details.consent_by,
            consent_text=settings.consent_version,
            display_name=path,
            retain_until=details.retain_until,
            transcript=details.transcript,
        )
    except FerPhqError as error:
        return FolderImport(path, None, error.message)
    except OSError as error:
        return FolderImport(path, None, messages.UNREADABLE_FILE(path=path, reason=error.strerror or str(error)))
    return FolderImport(path, recording)
