"""Uploads over several requests: what of them survives kills, faults of the machine and erasures."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings

from db.records import NotFoundError, SubjectRecord
from db.store import Store
from fer_phq.core.encryption.files import is_encrypted
from fer_phq.core.encryption.key import create_key_file
from fer_phq.core.errors import RecordingError
from fer_phq.video.decoder import process
from service.ingest import partial_uploads
from service.ingest.media import MediaStore, StorageError, file_sha256
from service.ingest.partial_uploads import PartialUpload, PartialUploads, UploadInUseError
from service.ingest.tokens import UploadGrant
from service.ingest.upload_limits import TooManyUploadsError
from service.lifecycle.encryption import turn_encryption
from service.lifecycle.erasure import erase_subject
from service.settings import AppSettings

KILLED = ["sh", "-c", "kill -KILL $$"]
"""A decoder that ends as one for which there is no memory."""


@pytest.fixture
def content(recordings: Recordings) -> bytes:
    return recordings(seconds=1).read_bytes()


@pytest.fixture
def uploads(settings: AppSettings, store: Store) -> PartialUploads:
    return PartialUploads(settings, store)


def begin(uploads: PartialUploads, subject: SubjectRecord, size: int, account: str = "") -> PartialUpload:
    grant = UploadGrant(subject.id, datetime(2026, 5, 6, tzinfo=UTC), "Dr M", "1")
    return uploads.begin(grant, size, "P01.mp4", account)


def add(uploads: PartialUploads, upload: PartialUpload, offset: int, block: bytes) -> None:
    with uploads.locked(upload.id, upload.account_id) as present, uploads.begin_piece(present, offset) as piece:
        piece.write(block)
        uploads.add_piece(present, piece)


def whole(uploads: PartialUploads, subject: SubjectRecord, content: bytes, pieces: int = 3) -> PartialUpload:
    """An upload of which all has come, and which is not over."""
    upload = begin(uploads, subject, len(content))
    size = -(-len(content) // pieces)
    for start in range(0, len(content), size):
        add(uploads, upload, start, content[start : start + size])
    return upload


def pieces_of(settings: AppSettings, upload: PartialUpload) -> list[Path]:
    return sorted(settings.incoming_dir.glob(f"*.{upload.id}.{'[0-9]' * 18}.part"))


def stored(settings: AppSettings, store: Store, upload: PartialUpload) -> bytes:
    assert upload.session_id is not None
    session = store.sessions.get(session_id=upload.session_id)
    assert session.media_path is not None
    path = settings.media_dir / session.media_path
    assert file_sha256(path) == session.media_sha256
    return path.read_bytes()


def test_a_whole_upload_becomes_a_session_without_being_asked(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, uploads: PartialUploads
) -> None:
    upload = whole(uploads, subject, content)
    part = begin(uploads, subject, len(content))
    add(uploads, part, 0, content[:100])
    with uploads.locked(upload.id, ""):
        assert uploads.complete_all() == 0, "it is being completed"
    assert [uploads.complete_all(), uploads.complete_all()] == [1, 0]
    present = uploads.load(upload.id, "")
    assert stored(settings, store, present) == content
    assert [view.job.id for view in store.jobs.list_newest()] == [present.job_id]
    assert (uploads.offset(present), uploads.offset(uploads.load(part.id, ""))) == (len(content), 100)


def test_a_fault_of_the_machine_loses_no_recording(
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    content: bytes,
    uploads: PartialUploads,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = whole(uploads, subject, content)
    for command in (KILLED, ["sh", "-c", "kill -SEGV $$"], [sys.executable, "-c", "raise SystemExit(3)"]):
        with monkeypatch.context() as broken:
            broken.setattr(process, "_COMMAND", command)
            with uploads.locked(upload.id, "") as present, pytest.raises(RecordingError):
                uploads.complete(present)
            assert uploads.complete_all() == 0
        assert uploads.offset(uploads.load(upload.id, "")) == len(content)
        assert not uploads.load(upload.id, "").is_over
    assert uploads.complete_all() == 1
    assert stored(settings, store, uploads.load(upload.id, "")) == content


def test_what_is_no_recording_ends(settings: AppSettings, subject: SubjectRecord, uploads: PartialUploads) -> None:
    upload = whole(uploads, subject, b"This is not a video.\n" * 50)
    with uploads.locked(upload.id, "") as present, pytest.raises(RecordingError):
        uploads.complete(present)
    problem = uploads.load(upload.id, "").problem
    assert problem is not None
    assert problem.code == "video.not_a_video"
    assert (pieces_of(settings, upload), uploads.complete_all()) == ([], 0)


def test_pieces_are_joined_without_room_for_a_second_copy(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, uploads: PartialUploads
) -> None:
    upload = whole(uploads, subject, content, pieces=4)
    full = PartialUploads(settings.model_copy(update={"min_free_bytes": 1 << 60}), store)
    with full.locked(upload.id, "") as present:
        assert stored(settings, store, full.complete(present)) == content


@pytest.mark.parametrize("joined", [1, 2, 3, 4])
def test_pieces_whose_joining_was_killed_are_joined_all_the_same(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, uploads: PartialUploads, joined: int
) -> None:
    upload = whole(uploads, subject, content, pieces=4)
    parts = uploads._pieces(upload)
    partial_uploads._join_in_place(parts[:joined])
    with open(parts[0].path, "ab") as first:
        first.write(b"torn" if joined < 4 else b"")  # the next one was being appended
    assert len(pieces_of(settings, upload)) == 5 - joined
    assert uploads.offset(upload) == len(content)
    with uploads.locked(upload.id, "") as present:
        assert stored(settings, store, uploads.complete(present)) == content
    assert pieces_of(settings, upload) == []


def test_of_encrypted_pieces_the_want_of_room_is_said_before_the_rest_is_sent(
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    content: bytes,
    uploads: PartialUploads,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create_key_file(tmp_path / "installation.key")
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(tmp_path / "installation.key"))
    assert turn_encryption(settings, store, on=True).plain == 0
    upload = begin(uploads, subject, len(content))
    add(uploads, upload, 0, content[:1000])
    with monkeypatch.context() as full:
        full.setattr(MediaStore, "free_bytes", lambda disk: len(content) + 100)
        with pytest.raises(StorageError) as refusal:
            add(uploads, upload, 1000, content[1000:])
        assert refusal.value.message.code == "ingest.no_room"
    add(uploads, upload, 1000, content[1000:])
    assert all(map(is_encrypted, pieces_of(settings, upload)))
    assert uploads.complete_all() == 1


def test_who_waited_for_an_upload_that_went_leaves_nothing(
    settings: AppSettings, store: Store, subject: SubjectRecord, uploads: PartialUploads
) -> None:
    upload = begin(uploads, subject, 10)

    class Late(PartialUploads):
        def load(self, upload_id: str, account_id: str) -> PartialUpload:
            """Let the upload end right after it was looked up for the first time."""
            present = super().load(upload_id, account_id)
            uploads.remove(present)
            return present

    with pytest.raises(NotFoundError), Late(settings, store).locked(upload.id, ""):
        raise AssertionError("held")
    assert list(settings.incoming_dir.iterdir()) == []


def test_who_waited_for_an_upload_that_ended_sees_its_session(
    settings: AppSettings, store: Store, subject: SubjectRecord, content: bytes, uploads: PartialUploads
) -> None:
    early = whole(uploads, subject, content)
    assert uploads.complete_all() == 1
    with uploads.locked(early.id, "") as present:
        assert present.is_over
        with pytest.raises(UploadInUseError), uploads.locked(early.id, ""):
            raise AssertionError("held twice")


def test_of_an_erased_person_no_piece_is_stored(
    settings: AppSettings, store: Store, subject: SubjectRecord, uploads: PartialUploads
) -> None:
    upload = begin(uploads, subject, 10)
    with uploads.locked(upload.id, "") as present:
        with uploads.begin_piece(present, 0) as piece:
            piece.write(b"x")
            hidden = piece.path.with_suffix(".away")
            piece.path.rename(hidden)  # as if it had been made after the erasure looked for files
            erase_subject(settings, store, subject.id)
            hidden.rename(piece.path)
            with pytest.raises(NotFoundError):
                uploads.add_piece(present, piece)
        with pytest.raises(NotFoundError):
            uploads._end(present)
    with pytest.raises(NotFoundError):
        begin(uploads, subject, 10)
    assert list(settings.incoming_dir.iterdir()) == []


def test_uploads_that_are_over_and_those_of_others_do_not_count(
    subject: SubjectRecord, uploads: PartialUploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial_uploads, "MOST_UNFINISHED", 2)
    words = b"This is not a video.\n"
    for account in ("a", "a"):
        upload = begin(uploads, subject, len(words), account)
    with pytest.raises(TooManyUploadsError):
        begin(uploads, subject, len(words), "a")
    begin(uploads, subject, len(words), "b")
    add(uploads, upload, 0, words)
    with uploads.locked(upload.id, "a") as present, pytest.raises(RecordingError):
        uploads.complete(present)
    begin(uploads, subject, len(words), "a")
