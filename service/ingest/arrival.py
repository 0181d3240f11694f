"""What is said of a recording before it comes in, and its way in: by an upload's grant, or from the server's folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.records import NewTranscript
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.ingest import server_folder, transcripts
from service.ingest.recordings import Ingested, add_recording
from service.ingest.session_csv import SessionRow
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings


@dataclass(frozen=True)
class Details:
    """Whose recording it is and what was agreed. recorded_at: None stands for the file's own date.

    subject: the label of a subject that is there or will be made. retain_until: None is until erased by hand.
    """

    subject: str
    recorded_at: datetime | None
    consent_by: str
    retain_until: datetime | None
    transcript: NewTranscript | None = None


@dataclass(frozen=True)
class Taken:
    """What became of one file of the server's folder: a session, or one sentence why not."""

    relative: str
    ingested: Ingested | None
    problem: str = ""


def details_of(settings: AppSettings, row: SessionRow, now: datetime) -> Details:
    """Return the details of a table's row, with the installation's retention where the row has none."""
    until = settings.retain_until(now) if row.keep_days is None else now + timedelta(days=row.keep_days)
    return Details(row.subject, row.recorded_at, row.consent_by, until, row.transcript)


def grant(settings: AppSettings, store: Store, details: Details, now: datetime) -> UploadGrant:
    """The leave to upload recordings of which these details are true; makes the subject where there is none.

    A transcript is laid down to wait for its recording. Without a date of its own the grant says now, which whoever
    learns the file's own date corrects.
    """
    subject = store.subjects.get_or_create(label=details.subject)
    waits = transcripts.wait(settings, details.transcript) if details.transcript is not None else None
    return UploadGrant(
        subject_id=subject.id,
        recorded_at=min(details.recorded_at or now, now),
        consent_by=details.consent_by,
        consent_text=settings.consent_version,
        retain_until=details.retain_until,
        transcript=waits,
    )


def take_from_folder(settings: AppSettings, store: Store, relative: str, details: Details) -> Taken:
    """Copy one recording of the server's folder in, its analysis queued; nothing is thrown for a file that fails."""
    try:
        path = server_folder.recording(settings, relative)
        own_date = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        subject = store.subjects.get_or_create(label=details.subject)
        ingested = add_recording(
            settings,
            store,
            path,
            subject_id=subject.id,
            recorded_at=min(details.recorded_at or own_date, datetime.now(UTC)),
            consent_by=details.consent_by,
            consent_text=settings.consent_version,
            retain_until=details.retain_until,
            transcript=details.transcript,
            display_name=relative,
        )
    except FerPhqError as error:
        return Taken(relative, None, str(error))
    except OSError as error:
        return Taken(relative, None, f"The file {relative} cannot be read: {error.strerror or error}.")
    return Taken(relative, ingested)
