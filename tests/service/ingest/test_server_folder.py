"""The server's folder: what is listed and taken, and that nothing outside it is ever reached."""

from __future__ import annotations

import os
import shutil
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings

from db.records import SubjectRecord
from db.store import Store
from service.ingest import server_folder
from service.ingest.server_folder import FolderError, list_folder
from service.ingest.session_details import SessionDetails, import_from_folder
from service.settings import AppSettings

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Client>Hello there\n"
PAST = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    made = tmp_path / "share"
    (made / "week 1").mkdir(parents=True)
    return made


@pytest.fixture
def opened(settings: AppSettings, share: Path) -> AppSettings:
    return settings.model_copy(update={"import_dir": share})


def test_without_a_folder_it_says_what_to_set(settings: AppSettings, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="set FERPHQ_IMPORT_DIR"):
        list_folder(settings)
    for wrong in (tmp_path / "gone", Path(__file__)):
        with pytest.raises(FolderError, match="FERPHQ_IMPORT_DIR"):
            list_folder(settings.model_copy(update={"import_dir": wrong}))


def test_files_are_listed_with_kind_size_and_date(opened: AppSettings, share: Path) -> None:
    (share / "b.MP4").write_bytes(b"12345")
    (share / "a.vtt").write_bytes(VTT)
    (share / "notes.docx").touch()
    (share / "camcorder.MTS").touch()
    (share / ".hidden.mp4").touch()
    os.mkfifo(share / "pipe.mp4")
    os.utime(share / "b.MP4", (PAST.timestamp(),) * 2)
    listed = list_folder(opened)
    assert [(entry.relative, entry.kind) for entry in listed] == [
        ("week 1", "folder"),
        ("a.vtt", "text"),
        ("b.MP4", "recording"),
        ("camcorder.MTS", "recording"),
        ("notes.docx", "other"),
    ]
    assert (listed[2].size, listed[2].modified) == (5, PAST)
    (share / "week 1" / "c.mp4").touch()
    assert [entry.relative for entry in list_folder(opened, "week 1")] == ["week 1/c.mp4"]
    with pytest.raises(FolderError, match="not a folder"):
        list_folder(opened, "b.MP4")


@pytest.mark.parametrize(
    "path", ["../secret.mp4", "week 1/../../secret.mp4", "/etc/passwd", "..", "a\0b", "..\\secret.mp4", "gone.mp4"]
)
def test_paths_that_lead_out_are_refused(opened: AppSettings, share: Path, path: str) -> None:
    (share.parent / "secret.mp4").write_bytes(b"x")
    with pytest.raises(FolderError):
        server_folder.find_recording(opened, path)
    with pytest.raises(FolderError):
        list_folder(opened, path)


def test_links_that_lead_out_are_neither_listed_nor_taken(opened: AppSettings, share: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.mp4").write_bytes(b"x")
    (share / "file.mp4").symlink_to(outside / "secret.mp4")
    (share / "door").symlink_to(outside)
    (share / "loop").symlink_to(share / "loop")
    (share / "own.mp4").write_bytes(b"x")
    (share / "again.mp4").symlink_to(share / "own.mp4")
    assert [entry.relative for entry in list_folder(opened)] == ["week 1", "again.mp4", "own.mp4"]
    for path in ("file.mp4", "door/secret.mp4", "door"):
        with pytest.raises(FolderError, match="leads out"):
            server_folder.resolve_path(opened, path)
    with pytest.raises(FolderError):
        server_folder.resolve_path(opened, "loop")


def test_a_folder_of_like_name_beside_it_is_outside(opened: AppSettings, share: Path) -> None:
    twin = share.with_name("share2")
    twin.mkdir()
    (twin / "a.mp4").touch()
    (share / "link.mp4").symlink_to(twin / "a.mp4")
    with pytest.raises(FolderError, match="leads out"):
        server_folder.find_recording(opened, "link.mp4")


def test_the_transcript_beside_a_recording(opened: AppSettings, share: Path) -> None:
    for name in ("P01.mp4", "P02.mp4", "P01.docx"):
        (share / name).touch()
    (share / "p01.VTT").write_bytes(VTT)
    entries = list_folder(opened)
    by_name = {entry.name: entry for entry in entries}
    found = server_folder.find_transcript(entries, by_name["P01.mp4"])
    assert found is by_name["p01.VTT"]
    assert server_folder.find_transcript(entries, by_name["P02.mp4"]) is None
    assert server_folder.read_transcript(opened, found.relative).speakers == ("Client",)


def test_a_transcript_is_found_in_either_spelling_and_json_where_there_is_no_other(
    opened: AppSettings, share: Path
) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD"))
    for name in (f"{composed}.mp4", f"{decomposed}.json", "x.mp4", "x.json", "x.vtt"):
        (share / name).write_bytes(VTT)
    entries = server_folder.list_folder(opened)
    by_name = {entry.name: entry for entry in entries}
    names = {
        name: getattr(server_folder.find_transcript(entries, by_name[name]), "name", None)
        for name in (f"{composed}.mp4", "x.mp4")
    }
    assert names == {f"{composed}.mp4": f"{decomposed}.json", "x.mp4": "x.vtt"}
    assert server_folder.find_recording(opened, f"{decomposed}.mp4").name == f"{composed}.mp4"


def test_a_recording_is_taken_in_with_all_that_is_said_of_it(
    opened: AppSettings, share: Path, store: Store, recordings: Recordings
) -> None:
    source = shutil.copy(recordings(seconds=1), share / "week 1" / "a.mp4")
    os.utime(source, (PAST.timestamp(),) * 2)
    (share / "a.vtt").write_bytes(VTT)
    words = server_folder.read_transcript(opened, "a.vtt").with_speaker()
    until = datetime(2030, 1, 1, tzinfo=UTC)
    taken = import_from_folder(opened, store, "week 1/a.mp4", SessionDetails("P01", None, "AB", until, words))
    assert taken.problem is None
    assert taken.recording is not None
    assert taken.recording.job_id is not None
    session = store.sessions.get(session_id=taken.recording.session_id)
    assert (session.recorded_at, session.retain_until, session.original_name) == (PAST, until, "a.mp4")
    assert session.consent is not None
    assert (session.consent.by, session.consent.text_version) == ("AB", "1")
    kept = store.transcripts.get(session_id=session.id)
    assert kept is not None
    assert (kept.original_name, kept.speaker) == ("a.vtt", "Client")
    assert source.exists(), "the file itself stays where it is"
    again = import_from_folder(opened, store, "week 1/a.mp4", SessionDetails("P01", None, "AB", None))
    assert again.recording is not None
    assert again.recording.duplicate


def test_a_file_that_is_no_recording_is_one_sentence(
    opened: AppSettings, share: Path, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    shutil.copy(recordings.text(), share / "week 1" / "a.mp4")
    taken = import_from_folder(opened, store, "week 1/a.mp4", SessionDetails(subject.label, None, "AB", None))
    assert taken.recording is None
    assert str(taken.problem).endswith(".")
    assert str(share) not in str(taken.problem)
    assert "leads out" not in str(
        import_from_folder(opened, store, "gone.mp4", SessionDetails("P", None, "AB", None)).problem
    )
    assert store.sessions.list_recent() == []
