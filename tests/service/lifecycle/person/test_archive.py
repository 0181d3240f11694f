"""The export of a person as a ZIP: what it costs, what is left over, and where there is none."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest

from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.encryption.key import create_key_file
from service.lifecycle.encryption import turn_encryption
from service.lifecycle.export import ExportError
from service.lifecycle.person import archive
from service.settings import AppSettings


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    content = os.urandom(8 << 20)
    (folder / "recording.mp4").write_bytes(content)
    (folder / "notes.csv").write_text("a,b\n" * 1000)
    pieces = list(archive.stream_archive(folder, "subject-1"))
    assert max(map(len, pieces)) < 2 << 20
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as opened:
        assert opened.testzip() is None
        assert opened.read("subject-1/recording.mp4") == content
        assert opened.getinfo("subject-1/notes.csv").compress_size < 400
    assert not folder.exists()


def test_a_download_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "recording.mp4").write_bytes(bytes(4 << 20))
    stream = archive.stream_archive(folder, "subject-1")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert not folder.exists()


def test_what_was_left_over_is_removed(settings: AppSettings, store: Store, subject: SubjectRecord) -> None:
    other = store.subjects.create(label="P02")
    folders = [archive.prepare_archive(settings, store, person.id) for person in (subject, other)]
    assert archive.remove_archives(settings) == 0, "they are new"
    assert archive.remove_archives(settings, [subject.id]) == 1
    assert [folder.exists() for folder in folders] == [False, True]
    old = time.time() - archive.STALE_S - 60
    os.utime(folders[1], (old, old))
    assert archive.remove_archives(settings) == 1


def test_an_encrypted_installation_leaves_no_export_in_plain(
    settings: AppSettings, store: Store, subject: SubjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_key_file(tmp_path / "installation.key")
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(tmp_path / "installation.key"))
    turn_encryption(settings, store, on=True)
    with pytest.raises(ExportError, match="use the command fer-phq subjects export"):
        archive.prepare_archive(settings, store, subject.id)
    assert not (settings.data_dir / archive.FOLDER).exists()
    assert store.audit.list_newest(object_id=subject.id)[0].action == "refuse"
