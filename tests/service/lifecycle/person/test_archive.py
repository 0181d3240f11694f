"""The export of a person as a ZIP: made while it is sent, from plain and from encrypted installations."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from analysis_samples import MONDAY, sample_recording

from db.records import NewTranscript, SubjectRecord
from db.store import Store
from fer_phq.core.encryption.key import create_key_file
from fer_phq.core.errors import StoreError
from service.ingest.media import MediaStore
from service.lifecycle.encryption import turn_encryption
from service.lifecycle.person import archive
from service.settings import AppSettings

CONTENT = os.urandom(9 << 20)
"""A recording of several pieces."""


@pytest.fixture
def recorded(settings: AppSettings, store: Store, subject: SubjectRecord) -> SubjectRecord:
    """A subject with a recording and a transcript, and a second recording that is lost."""
    source = settings.data_dir.parent / "recording.bin"
    source.write_bytes(CONTENT)
    media = MediaStore(settings)
    for name, relative in (("a", None), ("b", f"ab/{'ab' * 32}.mp4")):
        recording = sample_recording(name)
        if relative is None:
            recording = replace(recording, sha256=hashlib.sha256(CONTENT).hexdigest())
            with media.copy_in(source, key=None) as copy, media.locked():
                relative = media.move_in(copy.path, recording.sha256, key=None)
        store.sessions.create_with_job(
            subject_id=subject.id,
            recorded_at=MONDAY,
            recording=recording,
            original_name=f"{name}.mp4",
            media_path=relative,
            transcript=NewTranscript("t.vtt", b"WEBVTT words", None),
        )
    return subject


def stream(settings: AppSettings, store: Store, subject_id: str) -> list[bytes]:
    return list(archive.stream_archive(settings, store, archive.begin_archive(store, subject_id), "subject-1"))


def contents(pieces: list[bytes]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as opened:
        assert opened.testzip() is None
        return {name.removeprefix("subject-1/"): opened.read(name) for name in opened.namelist()}


def check(files: dict[str, bytes]) -> None:
    assert sum(content == CONTENT for content in files.values()) == 1
    assert sum(content == b"WEBVTT words" for content in files.values()) == 2
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"].keys() == files.keys()
    assert all(hashlib.sha256(files[name]).hexdigest() == row["sha256"] for name, row in manifest["files"].items())
    (missing,) = manifest["missing"]
    assert missing.endswith("/recording.mp4")


def test_a_large_recording_is_never_in_memory_as_a_whole_and_nothing_waits_on_the_disk(
    settings: AppSettings, store: Store, recorded: SubjectRecord
) -> None:
    before = sorted(settings.data_dir.rglob("*"))
    pieces = stream(settings, store, recorded.id)
    assert max(map(len, pieces)) < 5 << 20
    assert sorted(settings.data_dir.rglob("*")) == before
    check(contents(pieces))


def test_a_download_that_is_broken_off_leaves_nothing(
    settings: AppSettings, store: Store, recorded: SubjectRecord
) -> None:
    before = sorted(settings.data_dir.rglob("*"))
    pieces = archive.stream_archive(settings, store, archive.begin_archive(store, recorded.id), "subject-1")
    for _ in range(8):
        next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert sorted(settings.data_dir.rglob("*")) == before


def test_an_encrypted_installation_hands_out_the_same_and_writes_nothing_in_plain(
    settings: AppSettings, store: Store, recorded: SubjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.data_dir.parent / "recording.bin").unlink()
    create_key_file(tmp_path / "installation.key")
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(tmp_path / "installation.key"))
    turn_encryption(settings, store, on=True)
    check(contents(stream(settings, store, recorded.id)))
    for path in settings.data_dir.rglob("*"):
        assert path.is_dir() or (CONTENT[4096:8192] not in path.read_bytes() and b"WEBVTT" not in path.read_bytes())


def test_a_person_who_is_erased_meanwhile_is_not_handed_out_as_if_whole(
    settings: AppSettings, store: Store, recorded: SubjectRecord
) -> None:
    pieces = archive.stream_archive(settings, store, archive.begin_archive(store, recorded.id), "subject-1")
    next(pieces)
    store.erasure.erase_subject(subject_id=recorded.id)
    with pytest.raises(StoreError):
        list(pieces)
