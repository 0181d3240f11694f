"""What a batch holds: manifests and folders, and everything that is wrong with them, before anything is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fer_phq.core.errors import FerPhqError, SettingsError
from service.jobs.batch import sources
from service.jobs.batch.sources import Batch, read_source

VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\n<v Client>I am well.\n"


def read(path: Path, subject: str | None = None, consent_by: str = "Dr Meyer") -> Batch:
    return read_source(path, subject=subject, consent_by=consent_by, zone=UTC)


def texts(batch: Batch) -> list[str]:
    return [str(problem) for problem in batch.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two subjects' folders: three recordings, one transcript, and what is none of either."""
    for name in ("P01/first.mp4", "P01/week 2/second.MKV", "P02/first.mov", "P02/notes.docx", "P02/.hidden.mp4"):
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "study/P01/first.vtt").write_bytes(VTT)
    (tmp_path / "study/P01/First.json").write_bytes(b"{}")
    return tmp_path / "study"


def test_the_folders_in_a_folder_are_its_subjects(folder: Path) -> None:
    batch = read(folder)
    assert batch.problems == ()
    assert [(each.file, each.subject) for each in batch.recordings] == [
        ("P01/first.mp4", "P01"),
        ("P01/week 2/second.MKV", "P01"),
        ("P02/first.mov", "P02"),
    ]
    first, second, _ = batch.recordings
    assert (first.recorded_at, first.consent_by, first.keep_days) == (None, "Dr Meyer", None)
    assert first.transcript == folder / "P01/first.vtt"
    words = first.read_transcript()
    assert words is not None
    assert (words.original_name, words.document) == ("first.vtt", VTT)
    assert second.read_transcript() is None
    assert {each.subject for each in read(folder, "S7").recordings} == {"S7"}


def test_what_is_wrong_with_a_folder_is_said_of_each_file(folder: Path, tmp_path: Path) -> None:
    (folder / "stray.mp4").touch()
    (folder / "P01/first.vtt").write_bytes(b"\x00\x01")
    problems = texts(read(folder))
    assert [problem.split(":")[0] for problem in problems] == ["stray.mp4", "P01/first.mp4"]
    assert "no subject's folder" in problems[0]
    assert len(texts(read(folder, "S7"))) == 1, "with a subject for all, a stray recording has one"
    (tmp_path / "empty").mkdir()
    assert "holds no recordings" in texts(read(tmp_path / "empty"))[0]


def test_who_of_several_speakers_is_the_subject_is_asked_before_anything_is_queued(folder: Path) -> None:
    two = VTT.replace(b"Client", b"Anna") + b"\n00:02.000 --> 00:03.000\n<v Ben>How are you?\n"
    (folder / "P01/first.vtt").write_bytes(two)
    unknown = "has several speakers, and it is not known who of them is the subject;"
    assert texts(read(folder)) == [
        f"P01/first.mp4: the transcript first.vtt beside it {unknown} list the recordings in a table, with one of "
        "Anna, Ben in its column speaker"
    ]
    heading = "file,subject_id,transcript,speaker\n"
    (folder / "list.csv").write_text(f"{heading}P01/first.mp4,A,P01/first.vtt,\n")
    assert texts(read(folder / "list.csv")) == [
        f"Row 2: the transcript P01/first.vtt {unknown} write one of Anna, Ben in the column speaker."
    ]
    (folder / "list.csv").write_text(f"{heading}P01/first.mp4,A,P01/first.vtt,ben\n")
    recording = read(folder / "list.csv").recordings[0]
    assert recording.speaker == "Ben"
    (folder / "P01/first.vtt").write_bytes(two.replace(b"Anna", b"Patient"))
    assert read(folder).problems == (), "a name says it"


def test_a_manifest_names_files_relative_to_itself(folder: Path) -> None:
    (folder / "list.csv").write_text(
        "file,subject_id,recorded_at,consent_by,keep_days,transcript,speaker\n"
        "P01/first.mp4,A,2026-11-03 14:05,Dr Lang,365,P01/first.vtt,client\n"
        "P02/first.mov,B,,,,,\n"
    )
    first, second = read(folder / "list.csv").recordings
    assert (first.path, first.subject, first.consent_by) == (folder / "P01/first.mp4", "A", "Dr Lang")
    assert (first.recorded_at, first.keep_days) == (datetime(2026, 11, 3, 14, 5, tzinfo=UTC), 365)
    words = first.read_transcript()
    assert words is not None
    assert (words.original_name, words.document, words.speaker) == ("first.vtt", VTT, "Client")
    assert (second.consent_by, second.transcript) == ("Dr Meyer", None)


def test_all_that_is_wrong_with_a_manifest_is_said_at_once(folder: Path) -> None:
    (folder / "list.csv").write_text(
        "file,subject_id,recorded_at,transcript,speaker\n"
        "P01/none.mp4,A,,,\n"
        "P01/first.mp4,A,yesterday,,\n"
        "P02/first.mov,,,,\n"
        "P01/week 2/second.MKV,A,,P01/first.vtt,Nobody\n"
        "P01/week 2/second.MKV,A,,P01/none.vtt,\n"
    )
    problems = texts(read(folder / "list.csv"))
    assert len(problems) == 6
    for row, part in ((2, "P01/none.mp4"), (3, "yesterday"), (4, "subject"), (5, "Nobody"), (6, "none.vtt")):
        assert any(problem.startswith(f"Row {row}") and part in problem for problem in problems), (row, problems)
    assert any("consent" in text for text in texts(read(folder / "list.csv", consent_by=" ")))


def test_a_manifest_may_hold_more_than_a_page_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").touch()
    names = [f"{'./' * n}a.mp4" for n in range(3)]
    (tmp_path / "list.csv").write_text("file,subject_id\n" + "".join(f"{name},A\n" for name in names))
    assert len(read(tmp_path / "list.csv").recordings) == 3
    monkeypatch.setattr(sources, "MAX_MANIFEST_ROWS", 2)
    assert "3" in texts(read(tmp_path / "list.csv"))[0]


def test_sources_that_are_none(folder: Path) -> None:
    with pytest.raises(SettingsError, match="takes tables"):
        read(folder / "P01/first.mp4")
    with pytest.raises(SettingsError, match="cannot be read"):
        read(folder / "none.csv")
    (folder / "list.csv").write_text("file,subject_id\n")
    with pytest.raises(SettingsError, match="column subject_id"):
        read(folder / "list.csv", "S7")


def test_a_transcript_that_has_gone_is_said_of_its_recording(folder: Path) -> None:
    recording = read(folder).recordings[0]
    (folder / "P01/first.vtt").unlink()
    with pytest.raises(FerPhqError, match=r"first\.vtt"):
        recording.read_transcript()
