"""Uploads that come in over several requests: what has come of each lies in the incoming folder until all is there.

An upload is a state (what it is for) and pieces, each with what a request brought. A piece is finished before it
counts, and encrypted where the installation is, so that nothing of a recording is written in plain and a kill loses at
most what one request brought. All its files begin with the subject's id, by which an erasure finds them, and are
removed by the sweep when the upload has expired. A piece's name says at which byte it begins: so pieces can be joined
one after another, and what a kill leaves half joined still says what counts.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from db.records import JobPriority, NotFoundError
from db.store import Store
from fer_phq.core.encryption.files import content_size, is_encrypted, open_content
from fer_phq.core.encryption.values import decrypt_value, encrypt_value
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.messages import Message, from_json, to_json
from service.ingest import messages
from service.ingest.media import COPY_BYTES, IncomingFile, MediaStore, StorageError, owner_prefix, storage_errors
from service.ingest.recordings import MACHINE_FAULTS, store_upload
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import WAITING
from service.ingest.upload_limits import TooManyUploadsError
from service.settings import AppSettings

log = logging.getLogger(__name__)
MOST_UNFINISHED = 1000
"""Most uploads of one account that are not over."""
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
class _Piece:
    """A piece: the content of the file stands in the recording from byte `start` to before byte `end`."""

    start: int
    end: int
    path: Path


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
            TooManyUploadsError: The account has as many that are not over as it may have.
            NotFoundError: The subject was erased meanwhile.
        """
        self._files.check_room(size)
        states = list(self._folder.glob(f"*{_STATE}"))
        if len(states) >= MOST_UNFINISHED and self._count_unfinished(states, account_id) >= MOST_UNFINISHED:
            raise TooManyUploadsError(messages.TOO_MANY_UNFINISHED(n=MOST_UNFINISHED))
        upload = PartialUpload(str(uuid.uuid4()), size, name, grant, account_id, datetime.now(UTC))
        self._save(upload)
        self._check_subject(upload)
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
        upload = _read(paths[0]) if paths else None
        if upload is None or upload.account_id != account_id or self.expires_at(upload) <= datetime.now(UTC):
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
        """Return how many bytes of an upload have come and count.

        One that cannot become a session lacks its last byte for ever: a client of tus that asks how far it is would
        take a whole upload for a success, and so it sends that byte and is answered with the reason.
        """
        if upload.problem is not None:
            return upload.size - 1
        if upload.session_id is not None:
            return upload.size
        pieces = self._pieces(upload)
        return pieces[-1].end if pieces else 0

    @contextmanager
    def locked(self, upload_id: str, account_id: str) -> Iterator[PartialUpload]:
        """Hold an upload for as long as the block lasts, against every process of the installation.

        Args:
            upload_id: Its UUID.
            account_id: The account that asks.

        Yields:
            The upload as it is now that it is held: before, it may have ended or been erased.

        Raises:
            NotFoundError: There is no such upload (any more), or its subject is not for whoever asks.
            UploadInUseError: Another request holds it.
            StorageError: The incoming folder cannot be written.
        """
        lock = self._path(self.load(upload_id, account_id), _LOCK)
        with storage_errors(messages.LOCKED()):
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UploadInUseError(messages.UPLOAD_IN_USE()) from None
            try:
                upload = self.load(upload_id, account_id)
            except NotFoundError:
                lock.unlink(missing_ok=True)
                raise
            yield upload
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
        left = max(0, upload.size - present)
        self._files.check_room(left)
        key = self._store.encryption.key()
        if key is not None and present and left:
            # Encrypted pieces cannot be joined in place: it is said now, before the rest is sent in vain.
            self._check_free(left + upload.size)
        return self._files.incoming(upload.grant.subject_id, key=key)

    def add_piece(self, upload: PartialUpload, piece: IncomingFile) -> None:
        """Finish what a request brought, so that it counts. The caller holds the upload.

        Args:
            upload: The upload.
            piece: The file, inside its `with` block.

        Raises:
            StorageError: The disk takes no more.
            NotFoundError: The upload's person was erased meanwhile; nothing is left of it.
        """
        if piece.size:
            start = self.offset(upload)
            piece.finish()
            with storage_errors(messages.STORED()):
                os.replace(piece.path, self._path(upload, f".{start:018d}.part"))
            self._check_subject(upload)

    def complete(self, upload: PartialUpload) -> PartialUpload:
        """Make an upload of which all has come a session with a job, once: again, it is the same session.

        The caller holds the upload.

        Args:
            upload: The upload.

        Returns:
            The upload with its session.

        Raises:
            RecordingError: It is no recording that can be read; its files are removed, unless it may be tried again
                (`MACHINE_FAULTS`).
            FerPhqError: It cannot be stored now, and may be tried again.
        """
        if upload.problem is not None:
            raise RecordingError(upload.problem)
        if upload.session_id is not None:
            return upload
        try:
            with self._joined(upload) as part:
                recording = store_upload(self._settings, self._store, part, upload.grant, upload.name)
        except RecordingError as error:
            if error.message.code not in MACHINE_FAULTS:
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

    def complete_all(self) -> int:
        """Make every upload of which all has come, and which did not become a session then, one now.

        Its sender counts it as sent, and may never ask again. What cannot be stored now is left for the next time.

        Returns:
            How many became sessions.
        """
        count = 0
        for path in sorted(self._folder.glob(f"*{_STATE}")):
            try:
                upload = _read(path)
                if upload is None or upload.is_over or self.offset(upload) < upload.size:
                    continue
                with self.locked(upload.id, upload.account_id) as present:
                    if not present.is_over:
                        self.complete(present)
                        count += 1
            except (UploadInUseError, NotFoundError):
                continue
            except FerPhqError as error:  # by its code: the sentence may hold the recording's name
                log.warning("upload %s is whole and no session: %s", path.name[:73], error.message.code)
        return count

    def remove(self, upload: PartialUpload) -> None:
        """Remove an upload and what has come of it. The caller holds it. A session that it became stays."""
        for path in (*self._piece_files(upload), self._path(upload, _STATE), self._path(upload, _LOCK)):
            with storage_errors(messages.REMOVED()):
                path.unlink(missing_ok=True)

    def _end(self, upload: PartialUpload) -> None:
        """Note how an upload ended, and remove its pieces."""
        self._save(upload)
        for path in self._piece_files(upload):
            path.unlink(missing_ok=True)
        self._check_subject(upload)

    def _check_subject(self, upload: PartialUpload) -> None:
        """Remove what was just written of an upload where an erasure came first and could not see it.

        Raises:
            NotFoundError: It was erased.
        """
        try:
            self._store.subjects.get(subject_id=upload.grant.subject_id)
            is_erased = not self._path(upload, _STATE).exists()
        except NotFoundError:
            is_erased = True
        if is_erased:
            self.remove(upload)
            raise NotFoundError(messages.NO_UPLOAD(upload_id=upload.id))

    def _count_unfinished(self, states: Sequence[Path], account_id: str) -> int:
        """Count an account's uploads that are not over and have not expired."""
        now = datetime.now(UTC)
        uploads = filter(None, map(_read, states))
        return sum(
            upload.account_id == account_id and not upload.is_over and self.expires_at(upload) > now
            for upload in uploads
        )

    def _check_free(self, size: int) -> None:
        """Check that the disk takes so many bytes more. Raises StorageError where it does not."""
        if size + self._settings.min_free_bytes > self._files.free_bytes():
            raise StorageError(messages.NO_ROOM())

    @contextmanager
    def _joined(self, upload: PartialUpload) -> Iterator[Path]:
        """Give the whole upload as one file, which is removed afterwards; its bytes stay for another try."""
        pieces = self._pieces(upload)
        key = self._store.encryption.key()
        if len(pieces) == 1 or (key is None and not is_encrypted(pieces[0].path)):
            _join_in_place(pieces)
            link = self._path(upload, ".whole.part")
            with storage_errors(messages.COPIED()):
                link.unlink(missing_ok=True)
                os.link(pieces[0].path, link)
            try:
                yield link
            finally:
                link.unlink(missing_ok=True)
            return
        self._check_free(upload.size)
        with self._files.incoming(upload.grant.subject_id, key=key) as whole:
            with storage_errors(messages.COPIED()):
                for piece in pieces:
                    with open_content(piece.path) as file:
                        while block := file.read(COPY_BYTES):
                            whole.write(block)
            whole.finish()
            yield whole.path

    def _pieces(self, upload: PartialUpload) -> list[_Piece]:
        """List the pieces from the start on, as far as they follow one another without a gap."""
        pieces: list[_Piece] = []
        end = 0
        for path in self._piece_files(upload):
            start = int(path.name.split(".")[-2])
            if start > end:
                break
            try:
                end = max(end, start + content_size(path))
            except FileNotFoundError:
                continue  # joined, or the upload has ended just now
            pieces.append(_Piece(start, end, path))
        return pieces

    def _piece_files(self, upload: PartialUpload) -> list[Path]:
        pattern = f"{owner_prefix(upload.grant.subject_id)}{upload.id}.{'[0-9]' * 18}.part"
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


def _join_in_place(pieces: Sequence[_Piece]) -> None:
    """Append the pieces to the first, which is plain, each removed once its bytes are on the disk there.

    After a kill in between, the name of the first that is left says how much of the joined file counts.
    """
    with storage_errors(messages.COPIED()), open(pieces[0].path, "r+b") as whole:
        for piece in pieces[1:]:
            whole.truncate(piece.start)
            whole.seek(piece.start)
            with open_content(piece.path) as file:
                shutil.copyfileobj(file, whole, COPY_BYTES)
            whole.flush()
            os.fsync(whole.fileno())
            piece.path.unlink()


def _read(path: Path) -> PartialUpload | None:
    """Read an upload's state; None where it has just gone."""
    try:
        return _parse(json.loads(decrypt_value(path.read_bytes(), WAITING)))
    except FileNotFoundError:
        return None


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
        "analysis": dict(grant.analysis) if grant.analysis else None,
        "transcript": grant.transcript,
        "must_apply": grant.must_apply,
        "priority": int(grant.priority),
        "keep_days": grant.keep_days,
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
        analysis=body.get("analysis"),
        transcript=body.get("transcript"),
        must_apply=body.get("must_apply", False),
        priority=JobPriority(body.get("priority", JobPriority.INTERACTIVE)),
        keep_days=body.get("keep_days"),
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
