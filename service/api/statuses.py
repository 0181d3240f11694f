"""The HTTP status of each kind of error."""

from __future__ import annotations

from db.engine import StoreAwayError
from db.records import ForbiddenError, InputError, NotFoundError
from fer_phq.core.errors import FerPhqError, RecordingError, SettingsError, StoreError
from service.ingest.media import StorageError, TooLargeError
from service.ingest.partial_uploads import UploadInUseError, WrongOffsetError
from service.ingest.recordings import MACHINE_FAULTS
from service.ingest.server_folder import FolderError
from service.ingest.tokens import TokenError
from service.ingest.upload_limits import SlowUploadError, TooManyUploadsError
from service.lifecycle.consent import ConsentError, RetentionError
from service.lifecycle.export import ExportError

STATUS: tuple[tuple[type[FerPhqError], int], ...] = (
    (TokenError, 403),
    (ConsentError, 403),
    (RetentionError, 422),
    (TooManyUploadsError, 429),
    (UploadInUseError, 423),
    (WrongOffsetError, 409),
    (FolderError, 422),
    (SlowUploadError, 408),
    (TooLargeError, 413),
    (StorageError, 507),
    (RecordingError, 422),
    (SettingsError, 422),
    (NotFoundError, 404),
    (ForbiddenError, 403),
    (InputError, 422),
    (ExportError, 409),
    (StoreError, 409),
)
"""The first that fits counts."""
_UNUSABLE = ("db.sqlite_", "db.server_", "db.failed", "db.unusable")
"""How the codes of a database begin that cannot be used now; any other error of the store is the request's."""


def status_of(error: FerPhqError) -> int:
    """Return the HTTP status of an error; 500 for a kind that a request cannot help."""
    code = error.message.code
    if isinstance(error, StoreAwayError) or code in MACHINE_FAULTS or code.startswith(_UNUSABLE):
        return 503
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)
