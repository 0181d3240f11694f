"""A backup holds everything, is whole or not there, and is restored on either database and from earlier schemas."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from analysis_samples import MONDAY, sample_analysis, sample_recording, sample_voice, with_all_faces
from postgres_server import PostgresMissing, postgres_server
from sqlalchemy import text

from db.engine import normalise_url, open_engine
from db.migrate import head_revision, upgrade
from db.records import Consent, NewTranscript
from db.store import Store
from db.upkeep.transfer import load_rows, snapshot
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import SHIPPED, read_bundle, write_config
from service.ingest.media import MediaStore
from service.lifecycle import backup
from service.settings import AppSettings


@pytest.fixture
def filled(settings: AppSettings, store: Store) -> AppSettings:
    """A person with a recording, an analysis of every kind of row, a corrected questionnaire and words."""
    subject = store.subjects.create(label="P-01")
    source = settings.data_dir.parent / "s.bin"
    source.write_bytes(b"film" * 1000)
    media = MediaStore(settings)
    recording = sample_recording("a.mp4")
    with media.copy_in(source, key=None) as copy, media.locked():
        relative = media.move_in(copy.path, recording.sha256, key=None)
    session, _ = store.sessions.create_with_job(
        subject_id=subject.id,
        recorded_at=MONDAY,
        recording=recording,
        original_name="a.mp4",
        media_path=relative,
        consent=Consent(at=MONDAY, by="AB", text_version="1"),
        transcript=NewTranscript("t.vtt", b"WEBVTT\n\xff\x00", None),
    )
    analysis = with_all_faces(sample_analysis(recording, voice=sample_voice()))
    store.analyses.save(session_id=session.id, analysis=analysis)
    store.notes.add(session_id=session.id, words='a note, "quoted" \u00e4', time_s=0.1)
    first = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY)
    store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[2] * 8, answered_at=MONDAY, supersedes_id=first.id
    )
    return settings


def everything(url: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a database."""
    with snapshot(url) as moment:
        return {table: list(moment.rows(table)) for table in moment.tables}


def elsewhere(settings: AppSettings, tmp_path: Path, **changes: Any) -> AppSettings:
    return AppSettings(data_dir=tmp_path / "elsewhere", min_free_bytes=0, **changes)


def test_a_backup_is_restored_row_by_row(filled: AppSettings, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with closing(sqlite3.connect(filled.data_dir / "fer-phq.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")  # somebody writes meanwhile
        report = backup.write_backup(filled, path)
    assert (report.subjects, report.sessions, report.recordings, report.missing) == (1, 1, 1, 0)
    assert path.stat().st_mode & 0o077 == 0
    there = elsewhere(filled, tmp_path)
    assert backup.restore_backup(there, path).revision == head_revision()
    assert everything(there.database_url) == everything(filled.database_url)
    files = [sorted(p.relative_to(s.media_dir) for p in s.media_dir.rglob("*.*")) for s in (filled, there)]
    assert files[0] == files[1] != []
    with Store(there.database_url) as restored:
        session = restored.sessions.list_recent()[0]
        assert session.subject_label == "P-01"
        assert restored.audit.list_newest(limit=1)[0].action == store.audit.list_newest(limit=1)[0].action
        restored.subjects.create(label="P-02")
    with pytest.raises(FerPhqError, match="Somebody is stored here already"):
        backup.restore_backup(there, path)
    backup.restore_backup(there, path, replace=True)
    assert everything(there.database_url) == everything(filled.database_url)
    assert list(there.data_dir.glob("replaced-*/fer-phq.db"))
    assert not (there.data_dir / "restoring").exists()


def test_a_file_that_is_there_is_not_replaced_without_force(filled: AppSettings, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_text("precious")
    with pytest.raises(FerPhqError, match="already a file"):
        backup.write_backup(filled, path)
    assert path.read_text() == "precious"
    assert backup.write_backup(filled, path, force=True).subjects == 1
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FerPhqError, match="already a file"):
        backup.write_backup(filled, pipe, force=True)
    assert pipe.is_fifo(), "a device or a pipe is never replaced"
    with pytest.raises(FerPhqError, match="cannot be written"):
        backup.write_backup(filled, tmp_path / "none" / "b.zip")
    assert sorted(p.name for p in tmp_path.iterdir() if "part" in p.name) == []


def rewritten(path: Path, change: dict[str, bytes | None], *, link: str = "") -> Path:
    """A copy of a backup with members changed, removed or added."""
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            if name not in change:
                copy.writestr(name, source.read(name))
        for name, body in change.items():
            if body is not None:
                info = zipfile.ZipInfo(name)
                info.external_attr = (0o120777 if name == link else 0o600) << 16
                copy.writestr(info, body)
    return target


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"../../evil": b"x"}, "damaged"),
        ({"media/ab/../../../evil.mp4": b"x"}, "damaged"),
        ({"/etc/evil": b"x"}, "damaged"),
        ({"rows/notes.jsonl": None}, "missing or too many"),
        ({"rows/more.jsonl": b"{}"}, "missing or too many"),
        ({"rows/notes.jsonl": b"0" * 10_000_000}, "differs from its hash"),
        ({"manifest.json": b"[]"}, "not a backup"),
        ({"manifest.json": None}, "not a backup"),
        ({"manifest.json": b'{"format": "fer-phq backup 1", "revision": 3, "members": {}}'}, "not a backup"),
    ],
)
def test_a_hostile_backup_is_refused(
    change: dict[str, bytes | None], words: str, filled: AppSettings, tmp_path: Path
) -> None:
    path = tmp_path / "b.zip"
    backup.write_backup(filled, path)
    there = elsewhere(filled, tmp_path)
    with pytest.raises(FerPhqError, match=words):
        backup.restore_backup(there, rewritten(path, change))
    assert not there.data_dir.exists(), "nothing was touched"


def test_links_changed_films_newer_schemas_and_no_archives_are_refused(filled: AppSettings, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    backup.write_backup(filled, path)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        media = next(name for name in archive.namelist() if name.startswith("media/"))
    there = elsewhere(filled, tmp_path)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(path.read_bytes()[:-300])
    newer = json.dumps(manifest | {"revision": "9999"}).encode()
    for case, words in (
        (lambda: rewritten(path, {media: b"/etc/passwd"}, link=media), "damaged"),
        (lambda: rewritten(path, {media: b"another film"}), "differs from its hash"),
        (lambda: rewritten(path, {"manifest.json": newer}), "newer fer-phq"),
        (lambda: cut, "damaged"),
        (lambda: tmp_path / "none.zip", "There is no file"),
    ):
        with pytest.raises(FerPhqError, match=words):
            backup.restore_backup(there, case())
        assert not there.data_dir.exists()


def test_a_missing_recording_is_told(filled: AppSettings, tmp_path: Path) -> None:
    next(filled.media_dir.rglob("*.*")).unlink()
    report = backup.write_backup(filled, tmp_path / "b.zip")
    assert (report.recordings, report.missing) == (0, 1)


def test_rows_of_an_earlier_schema_are_migrated(tmp_path: Path) -> None:
    """As a backup that an earlier version wrote: its tables are made as they were, and then migrated."""
    there = AppSettings(data_dir=tmp_path / "data", min_free_bytes=0)
    there.prepare()
    at = {"time": "2026-03-02T09:30:00+00:00"}
    rows = {"subjects": [{"id": "s", "label": "P-01", "is_demo": False, "created_at": at}]}
    load_rows(there.database_url, "0003", rows)
    from db.migrate import upgrade

    upgrade(there.database_url)
    with Store(there.database_url) as store:
        subject = store.subjects.find(label="P-01")
    assert subject is not None
    assert subject.created_at == MONDAY


@pytest.mark.postgres
def test_a_backup_moves_between_sqlite_and_postgresql(filled: AppSettings, tmp_path: Path) -> None:
    try:
        with postgres_server() as server:
            path = tmp_path / "b.zip"
            backup.write_backup(filled, path)
            there = AppSettings(data_dir=tmp_path / "pg", database_url=server.new_database(), min_free_bytes=0)
            backup.restore_backup(there, path)
            with Store(there.database_url) as store:
                store.subjects.create(label="P-02")  # the audit's counter goes on
                assert [row.label for row in store.subjects.list_all()] == ["P-01", "P-02"]
            back = AppSettings(data_dir=tmp_path / "back", min_free_bytes=0)
            backup.write_backup(there, tmp_path / "c.zip")
            backup.restore_backup(back, tmp_path / "c.zip")
            before, after = everything(filled.database_url), everything(back.database_url)
            for table in ("frames", "analyses", "transcripts", "questionnaires", "faces", "face_pictures", "jobs"):
                assert after[table] == before[table], table
    except PostgresMissing as missing:
        pytest.skip(str(missing))


def small_bundle(settings: AppSettings, name: str) -> Path:
    """A bundle of one's own: another name and other weights than the shipped one's, and far smaller."""
    folder = settings.data_dir / "models" / name
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(f"weights of {name}".encode())
    config = replace(read_bundle(SHIPPED).config, name=name, phq=None, quantization=None)
    write_config(folder, config)
    (folder / "MODEL_CARD.md").write_text("a card", encoding="utf-8")
    return folder


def test_own_models_are_in_a_backup_and_the_shipped_one_never(filled: AppSettings, tmp_path: Path) -> None:
    own = small_bundle(filled, "clinic-2026")
    damaged = small_bundle(filled, "damaged")
    (damaged / "model.safetensors").write_bytes(b"others")
    shutil.copytree(SHIPPED, filled.data_dir / "models" / "a-copy")
    path = tmp_path / "b.zip"
    report = backup.write_backup(filled, path)
    assert (report.models, report.damaged_models) == (1, ("damaged",))
    there = elsewhere(filled, tmp_path)
    assert backup.restore_backup(there, path).models == 1
    assert [folder.name for folder in (there.data_dir / "models").iterdir()] == ["clinic-2026"]
    restored = there.data_dir / "models" / "clinic-2026"
    assert read_bundle(restored).model_id == read_bundle(own).model_id
    assert (restored / "MODEL_CARD.md").read_text(encoding="utf-8") == "a card"


def test_another_model_of_the_same_name_is_never_lost(filled: AppSettings, tmp_path: Path) -> None:
    small_bundle(filled, "clinic")
    path = tmp_path / "b.zip"
    backup.write_backup(filled, path)
    there = elsewhere(filled, tmp_path)
    other = small_bundle(there, "clinic")
    (other / "model.safetensors").write_bytes(b"other weights")
    write_config(other, read_bundle(other).config)
    with pytest.raises(FerPhqError, match="another model called clinic"):
        backup.restore_backup(there, path)
    assert (other / "model.safetensors").read_bytes() == b"other weights"
    assert not (there.data_dir / "fer-phq.db").exists(), "nothing was written"
    backup.restore_backup(there, path, replace=True)
    assert (other / "model.safetensors").read_bytes() == b"weights of clinic"
    (aside,) = there.data_dir.glob("replaced-*")
    assert (aside / "models" / "clinic" / "model.safetensors").read_bytes() == b"other weights"


def test_a_model_that_was_changed_in_the_backup_is_refused(filled: AppSettings, tmp_path: Path) -> None:
    small_bundle(filled, "clinic")
    path = tmp_path / "b.zip"
    backup.write_backup(filled, path)
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(forged, "w") as target:
        manifest = json.loads(source.read("manifest.json"))
        for info in source.infolist():
            body = source.read(info)
            if info.filename == "models/clinic/model.safetensors":
                body = b"forged"
                manifest["members"][info.filename] = {"bytes": 6, "sha256": hashlib.sha256(body).hexdigest()}
            if info.filename != "manifest.json":
                target.writestr(info, body)
        target.writestr("manifest.json", json.dumps(manifest))
    there = elsewhere(filled, tmp_path)
    with pytest.raises(FerPhqError, match="the model clinic"):
        backup.restore_backup(there, forged)
    assert not (there.data_dir / "fer-phq.db").exists(), "nothing was written"


@pytest.mark.postgres
def test_a_backup_replaces_what_is_on_postgresql(filled: AppSettings, tmp_path: Path) -> None:
    try:
        with postgres_server() as server:
            path = tmp_path / "b.zip"
            backup.write_backup(filled, path)
            there = AppSettings(data_dir=tmp_path / "pg", database_url=server.new_database(), min_free_bytes=0)
            there.prepare()
            upgrade(there.database_url)
            with Store(there.database_url) as store:
                store.subjects.create(label="P-99")
            with open_engine(normalise_url(there.database_url)).begin() as connection:
                connection.execute(text("CREATE TABLE of_another_program (id INTEGER)"))
            with pytest.raises(FerPhqError, match="Somebody is stored here already"):
                backup.restore_backup(there, path)
            backup.restore_backup(there, path, replace=True)
            with Store(there.database_url) as store:
                assert [row.label for row in store.subjects.list_all()] == ["P-01"]
                assert store.audit.check_chain().whole
            with open_engine(normalise_url(there.database_url)).begin() as connection:
                connection.execute(text("SELECT * FROM of_another_program"))
            (aside,) = there.data_dir.glob("replaced-*")
            back = AppSettings(data_dir=tmp_path / "back", min_free_bytes=0)
            backup.restore_backup(back, aside / "backup.zip")
            with Store(back.database_url) as store:
                assert [row.label for row in store.subjects.list_all()] == ["P-99"], "what was there is not lost"
    except PostgresMissing as missing:
        pytest.skip(str(missing))
