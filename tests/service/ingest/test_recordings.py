"""Recordings become sessions: real files, duplicates, files that are no recordings, and erasure."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from recordings import Recordings

from db.records import JobState, NotFoundError, SubjectRecord
from db.store import Store
from fer_phq.core.errors import RecordingError, StoreError
from service.ingest import recordings as ingest
from service.ingest.media import MediaStore, TooLargeError
from service.ingest.recordings import StoredRecording, add_recording, clean_name
from service.ingest.session_details import SessionDetails, import_from_folder
from service.ingest.tokens import UploadGrant
from service.lifecycle import erasure
from service.settings import AppSettings

WHEN = datetime(2026, 5, 6, 9, 30, tzinfo=UTC)


def _add(settings: AppSettings, store: Store, source: Path, subject: SubjectRecord, **more: Any) -> StoredRecording:
    return add_recording(settings, store, source, subject_id=subject.id, recorded_at=WHEN, **more)


def _files(settings: AppSettings) -> list[str]:
    return sorted(path.name for folder in (settings.media_dir, settings.incoming_dir) for path in folder.rglob("*.*"))


def test_a_file_becomes_a_session_with_a_job(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    source = recordings(seconds=1)
    added = _add(settings, store, source, subject, consent_by="form 12", consent_text="v1", analysis={"fps": 4})
    session = store.sessions.get(session_id=added.session_id)
    assert (session.original_name, session.width, session.codec) == (source.name, 320, "h264")
    assert session.recorded_at == WHEN
    assert session.consent is not None
    assert (session.consent.by, session.consent.text_version) == ("form 12", "v1")
    assert session.media_path is not None
    assert MediaStore(settings).path_of(session.media_path).read_bytes() == source.read_bytes()
    assert added.job_id is not None
    job = store.jobs.get(job_id=added.job_id)
    assert (job.state, job.settings) == (JobState.QUEUED, {"fps": 4})
    assert not list(settings.incoming_dir.iterdir())


def test_the_same_recording_twice_is_one_session(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    source = recordings(seconds=1)
    first = _add(settings, store, source, subject, enqueue=False)
    assert first.job_id is None
    again = _add(settings, store, source, subject)
    assert (again.session_id, again.duplicate) == (first.session_id, True)
    assert again.job_id is not None
    assert _add(settings, store, source, subject).job_id == again.job_id
    assert len(_files(settings)) == 1


def test_a_removed_recording_comes_back_with_its_file(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    source = recordings(seconds=1)
    first = _add(settings, store, source, subject)
    assert erasure.remove_recording(settings, store, first.session_id)
    assert not erasure.remove_recording(settings, store, first.session_id)
    assert _files(settings) == []
    _add(settings, store, source, subject)
    assert store.sessions.get(session_id=first.session_id).media_path is not None
    assert len(_files(settings)) == 1


def test_a_recording_goes_when_its_retention_has_ended(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    kept = _add(settings, store, recordings(seconds=1), subject)
    store.sessions.set_retention(session_id=kept.session_id, retain_until=WHEN)
    assert erasure.remove_expired(settings, store) == 1
    assert erasure.remove_expired(settings, store) == 0
    assert _files(settings) == []
    assert store.sessions.get(session_id=kept.session_id).media_path is None


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "audio_only"])
def test_what_is_no_recording_leaves_nothing(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, kind: str
) -> None:
    source = getattr(recordings, kind)()
    with pytest.raises(RecordingError):
        _add(settings, store, source, subject)
    part = MediaStore(settings).incoming(key=None)
    part.write(source.read_bytes())
    part.finish()
    with pytest.raises(RecordingError) as caught, part:
        ingest.store_upload(settings, store, part.path, UploadGrant(subject.id, WHEN), "my holiday.mp4")
    assert "my holiday.mp4" in str(caught.value)
    assert ".part" not in str(caught.value)
    assert _files(settings) == []
    assert store.sessions.list_recent() == []


def test_an_unknown_subject_leaves_nothing(settings: AppSettings, store: Store, recordings: Recordings) -> None:
    with pytest.raises(StoreError):
        add_recording(settings, store, recordings(seconds=1), subject_id="nobody", recorded_at=WHEN)
    assert _files(settings) == []


def test_erasing_takes_files_that_nobody_else_needs(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    other = store.subjects.create(label="S-02")
    shared, own = recordings(seconds=1), recordings(seconds=1, motion="moving")
    for source in (shared, own):
        _add(settings, store, source, subject)
    kept = _add(settings, store, shared, other)
    erased = erasure.erase_subject(settings, store, subject.id)
    assert (erased.sessions, erased.files) == (2, 1)
    assert len(_files(settings)) == 1
    with pytest.raises(NotFoundError):
        store.subjects.get(subject_id=subject.id)
    assert erasure.erase_session(settings, store, kept.session_id).files == 1
    assert _files(settings) == []


def test_a_demonstration_subjects_sessions_are_marked(
    settings: AppSettings, store: Store, recordings: Recordings
) -> None:
    demo = store.subjects.create(label="Demo", is_demo=True)
    for enqueue, motion in ((True, "still"), (False, "moving")):
        added = _add(settings, store, recordings(seconds=1, motion=motion), demo, enqueue=enqueue)
        assert store.sessions.get(session_id=added.session_id).is_demo


def test_names_are_shown_safely() -> None:
    assert clean_name("../../etc/pass\nwd.mp4") == "passwd.mp4"
    assert clean_name("C:\\films\\a.mov") == "a.mov"
    assert clean_name("  ") == "recording"
    assert len(clean_name("x" * 500)) == 200


@pytest.fixture
def sparse(tmp_path: Path, recordings: Recordings) -> Path:
    """A recording that is drawn out to 100 GB of zeros, which the disk does not store."""
    path = tmp_path / "inbox" / "sparse.mp4"
    path.parent.mkdir()
    path.write_bytes(recordings(seconds=1).read_bytes())
    os.truncate(path, 100 * 10**9)
    return path


def test_a_sparse_file_is_refused_before_it_is_read(
    settings: AppSettings, store: Store, subject: SubjectRecord, sparse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any, **__: Any) -> None:
        pytest.fail("the file was read")

    with monkeypatch.context() as unread:
        unread.setattr("service.ingest.recordings.probe", read)
        with pytest.raises(TooLargeError, match="FERPHQ_MAX_UPLOAD_BYTES"):
            _add(settings, store, sparse, subject)
        opened = settings.model_copy(update={"import_dir": sparse.parent})
        details = SessionDetails(subject.label, None, "form", None)
        problem = import_from_folder(opened, store, sparse.name, details).problem
        assert problem is not None
        assert problem.code == "ingest.larger_than_limit"
        assert problem.params["file"] == "sparse.mp4"
    monkeypatch.setattr("fer_phq.video.reader._sha256", read)
    roomy = settings.model_copy(update={"max_upload_bytes": 2**60})
    monkeypatch.setattr("service.ingest.media.MediaStore.free_bytes", lambda _: 2**61)
    with pytest.raises(RecordingError, match="not whole"):
        _add(roomy, store, sparse, subject)
    assert _files(settings) == []
