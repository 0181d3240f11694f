"""Uploads that come in over several requests: what has come of each lies in the incoming folder until all is there.

An upload is a state (what it is for) and pieces, each with what a request brought. A piece is finished before it
counts, and encrypted where the installation is, so that nothing of a recording is written in plain and a kill loses at
most what one request brought. All its files begin with the subject's id, by which an erasure finds them, and are
removed by the sweep when the upload has expired.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.encryption.files import content_size, open_content
from fer_phq.core.encryption.values import decrypt_value, encrypt_value
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.messages import Message, from_json, to_json
from service.ingest import messages
from service.ingest.media import COPY_BYTES, IncomingFile, MediaStore, StorageError, owner_prefix, storage_errors
from service.ingest.recordings import store_upload
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import WAITING
from service.ingest.upload_limits import TooManyUploadsError
from service.settings import AppSettings

MOST_UNFINISHED = 1000
"""Most uploads whose state is stored."""
MOST_PIECES = 20_000
"""Most requests over which an upload comes in."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATE = ".upload.part"
_LOCK = ".lock.part"


class UploadInUseError(FerPhqError):
    """Another request sends to the upload at the same time."""


class WrongOffsetError(FerPhqError):
    """What is sent does not begin where the upload ends so far."""


@dataclass(frozen=True)
class PartialUpload:
    """An upload.

    Attributes:
        id: Its UUID.
        size: Bytes of the whole recording.
        name: The sender's name of the file.
        grant: What it is for.
        account_id: The account that began it; empty without accounts.
        created_at: When it was begun.
        session_id: The session that it became; None before.
        job_id: The session's job; None before.
        is_duplicate: Whether the subject had the recording already.
        problem: Why it cannot become a session; None where nothing is wrong.
    """

    id: str
    size: int
    name: str
    grant: UploadGrant
    account_id: str
    created_at: datetime
    session_id: str | None = None
    job_id: str | None = None
    is_duplicate: bool = False
    problem: Message | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has become a session, or cannot become one."""
        return self.session_id is not None or self.problem is not None


class PartialUploads:
    """The uploads of one installation."""

    def __init__(self, settings: AppSettings, store: Store) -> None:
        """Take the installation.

        Args:
            settings: The installation.
            store: Its store, which acts for whoever is behind the request.
        """
        self._settings = settings
        self._store = store
        self._files = MediaStore(settings)
        self._folder = settings.incoming_dir

    def begin(self, grant: UploadGrant, size: int, name: str, account_id: str) -> PartialUpload:
        """Begin an upload of which nothing has come yet.

        Args:
            grant: What it is for.
            size: Bytes of the whole recording.
            name: The sender's name of the file.
            account_id: The account that begins it; empty without accounts.

        Raises:
            TooLargeError: It is larger than this installation takes.
            StorageError: There is no room for it.
            TooManyUploadsError: As many are begun as may be.
        """
        self._files.check_room(size)
        if len(list(self._folder.glob(f"*{_STATE}"))) >= MOST_UNFINISHED:
            raise TooManyUploadsError(messages.TOO_MANY_UNFINISHED(n=MOST_UNFINISHED))
        upload = PartialUpload(str(uuid.uuid4()), size, name, grant, account_id, datetime.now(UTC))
        self._save(upload)
        return upload

    def load(self, upload_id: str, account_id: str) -> PartialUpload:
        """Load an upload.

        Args:
            upload_id: Its UUID.
            account_id: The account that asks; another's upload is not there for it.

        Raises:
            NotFoundError: There is no such upload (any more), or its subject is not for whoever asks.
        """
        paths = list(self._folder.glob(f"*.{upload_id}{_STATE}")) if _ID.fullmatch(upload_id) else []
        missing = NotFoundError(messages.NO_UPLOAD(upload_id=upload_id[:60]))
        if not paths:
            raise missing
        try:
            upload = _parse(json.loads(decrypt_value(paths[0].read_bytes(), WAITING)))
        except FileNotFoundError:
            raise missing from None
        if upload.account_id != account_id or self.expires_at(upload) <= datetime.now(UTC):
            raise missing
        try:
            self._store.subjects.get(subject_id=upload.grant.subject_id)
        except NotFoundError:
            raise missing from None
        return upload

    def expires_at(self, upload: PartialUpload) -> datetime:
        """Return when an upload and all its files go, whatever has come of it."""
        return upload.created_at + timedelta(seconds=self._settings.stale_upload_s)

    def offset(self, upload: PartialUpload) -> int:
        """Return how many bytes of an upload have come."""
        if upload.is_over:
            return upload.size
        return sum(content_size(path) for path in self._pieces(upload))

    @contextmanager
    def locked(self, upload: PartialUpload) -> Iterator[None]:
        """Hold an upload for as long as the block lasts, against every process of the installation.

        Args:
            upload: The upload.

        Raises:
            UploadInUseError: Another request holds it.
            StorageError: The incoming folder cannot be written.
        """
        with storage_errors(messages.LOCKED()):
            descriptor = os.open(self._path(upload, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UploadInUseError(messages.UPLOAD_IN_USE()) from None
            yield
        finally:
            os.close(descriptor)

    def begin_piece(self, upload: PartialUpload, offset: int) -> IncomingFile:
        """Create the file for what a request brings. The caller holds the upload.

        Args:
            upload: The upload.
            offset: Where the request says that it goes on.

        Raises:
            WrongOffsetError: It does not go on there.
            StorageError: There is no room, or it came in too many pieces.
        """
        present = self.offset(upload)
        if offset != present:
            raise WrongOffsetError(messages.WRONG_OFFSET(offset=present))
        if len(self._pieces(upload)) >= MOST_PIECES:
            raise StorageError(messages.TOO_MANY_PIECES(n=MOST_PIECES))
        self._files.check_room(upload.size - present)
        return self._files.incoming(upload.grant.subject_id, key=self._store.encryption.key())

    def add_piece(self, upload: PartialUpload, piece: IncomingFile) -> None:
        """Finish what a request brought, so that it counts. The caller holds the upload.

        Args:
            upload: The upload.
            piece: The file, inside its `with` block.

        Raises:
            StorageError: The disk takes no more.
        """
        if piece.size:
            piece.finish()
            number = len(self._pieces(upload))
            with storage_errors(messages.STORED()):
                os.replace(piece.path, self._path(upload, f".{number:06d}.part"))

    def complete(self, upload: PartialUpload) -> PartialUpload:
        """Make an upload of which all has come a session with a job, once: again, it is the same session.

        The caller holds the upload.

        Args:
            upload: The upload.

        Returns:
            The upload with its session.

        Raises:
            RecordingError: It is no recording that can be read; its files are removed.
            FerPhqError: It cannot be stored now, and may be tried again.
        """
        upload = self.load(upload.id, upload.account_id)
        if upload.problem is not None:
            raise RecordingError(upload.problem)
        if upload.session_id is not None:
            return upload
        try:
            with self._joined(upload) as part:
                recording = store_upload(self._settings, self._store, part, upload.grant, upload.name)
        except RecordingError as error:
            self._end(replace(upload, problem=error.message))
            raise
        upload = replace(
            upload,
            session_id=recording.session_id,
            job_id=recording.job_id,
            is_duplicate=recording.duplicate,
        )
        self._end(upload)
        return upload

    def remove(self, upload: PartialUpload) -> None:
        """Remove an upload and what has come of it. The caller holds it. A session that it became stays."""
        for path in (*self._pieces(upload), self._path(upload, _STATE), self._path(upload, _LOCK)):
            with storage_errors(messages.REMOVED()):
                path.unlink(missing_ok=True)

    def _end(self, upload: PartialUpload) -> None:
        """Note how an upload ended, and remove its pieces."""
        self._save(upload)
        for path in self._pieces(upload):
            path.unlink(missing_ok=True)

    @contextmanager
    def _joined(self, upload: PartialUpload) -> Iterator[Path]:
        """Give the whole upload as one file, which is removed afterwards; the pieces stay for another try."""
        pieces = self._pieces(upload)
        if len(pieces) == 1:
            link = self._path(upload, ".whole.part")
            with storage_errors(messages.COPIED()):
                link.unlink(missing_ok=True)
                os.link(pieces[0], link)
            try:
                yield link
            finally:
                link.unlink(missing_ok=True)
            return
        if upload.size + self._settings.min_free_bytes > self._files.free_bytes():
            raise StorageError(messages.NO_ROOM())
        with self._files.incoming(upload.grant.subject_id, key=self._store.encryption.key()) as whole:
            with storage_errors(messages.COPIED()):
                for path in pieces:
                    with open_content(path) as file:
                        while block := file.read(COPY_BYTES):
                            whole.write(block)
            whole.finish()
            yield whole.path

    def _pieces(self, upload: PartialUpload) -> Sequence[Path]:
        pattern = f"{owner_prefix(upload.grant.subject_id)}{upload.id}.{'[0-9]' * 6}.part"
        return sorted(self._folder.glob(pattern))

    def _path(self, upload: PartialUpload, ending: str) -> Path:
        return self._folder / f"{owner_prefix(upload.grant.subject_id)}{upload.id}{ending}"

    def _save(self, upload: PartialUpload) -> None:
        """Write the state, encrypted where the installation is: it holds names."""
        key = self._store.encryption.key()
        content = json.dumps(_body(upload)).encode()
        draft = self._path(upload, ".draft.part")
        with storage_errors(messages.WRITTEN()):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content if key is None else encrypt_value(key, content, WAITING))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path(upload, _STATE))


def _body(upload: PartialUpload) -> dict[str, Any]:
    """Return an upload as JSON. The name comes first, as in a waiting transcript, which is encrypted alike."""
    grant = upload.grant
    return {
        "name": upload.name,
        "id": upload.id,
        "size": upload.size,
        "account": upload.account_id,
        "created_at": upload.created_at.isoformat(),
        "subject": grant.subject_id,
        "recorded_at": grant.recorded_at.isoformat(),
        "consent_by": grant.consent_by,
        "consent_text": grant.consent_text,
        "retain_until": grant.retain_until.isoformat() if grant.retain_until else None,
        "session": upload.session_id,
        "job": upload.job_id,
        "duplicate": upload.is_duplicate,
        "problem": None if upload.problem is None else to_json(upload.problem),
    }


def _parse(body: dict[str, Any]) -> PartialUpload:
    """Read an upload from the JSON of its state."""
    grant = UploadGrant(
        subject_id=body["subject"],
        recorded_at=datetime.fromisoformat(body["recorded_at"]),
        consent_by=body["consent_by"],
        consent_text=body["consent_text"],
        retain_until=datetime.fromisoformat(body["retain_until"]) if body["retain_until"] else None,
    )
    return PartialUpload(
        id=body["id"],
        size=body["size"],
        name=body["name"],
        grant=grant,
        account_id=body["account"],
        created_at=datetime.fromisoformat(body["created_at"]),
        session_id=body["session"],
        job_id=body["job"],
        is_duplicate=body["duplicate"],
        problem=None if body["problem"] is None else from_json(body["problem"]),
    )
