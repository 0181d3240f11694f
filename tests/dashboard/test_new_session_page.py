"""The New session page: details by form and table, the server's folder, duplicates in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from analysis_samples import new_session
from recordings import Recordings
from shown_pages import calm, html_of, open_page, press, raw_html_of, tables, words
from streamlit.testing.v1 import AppTest

from dashboard import context
from db.store import Store
from service.ingest.recordings import add_recording
from service.settings import AppSettings, load_settings

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Client>Hello there\n\n00:01.000 --> 00:02.000\n<v Therapist>Hello\n"
FOLDER, TABLE = "A folder on the server", "A table (CSV) that names the files"


@pytest.fixture
def share(installation: AppSettings, tmp_path: Path, recordings: Recordings) -> Path:
    """A folder with two recordings and a transcript, which the installation may take from."""
    folder = tmp_path / "share"
    (folder / "week 1").mkdir(parents=True)
    shutil.copy(recordings(seconds=1), folder / "a.mp4")
    shutil.copy(recordings(seconds=1, motion="moving"), folder / "week 1" / "b.mp4")
    (folder / "a.vtt").write_bytes(VTT)
    context.use(load_settings(data_dir=installation.data_dir, port=0, import_dir=folder))
    return folder


def with_table(document: str, place: str = "This computer", by: str = "AB") -> AppTest:
    """The page with a table chosen and the consent confirmed."""
    app = open_page("new_session")
    app.segmented_control(key="place").set_value(place).run()
    app.segmented_control(key="way").set_value(TABLE).run()
    app.file_uploader(key="session_table").upload("list.csv", document.encode(), "text/csv")
    app.checkbox(key="agreed").check()
    app.text_input(key="operator_input").set_value(by)
    return calm(app.run())


def test_everything_wrong_with_a_table_is_said_before_anything_is_stored(
    installation: AppSettings, store: Store
) -> None:
    app = with_table("file,subject,recorded_at\na.mp4,P1,yesterday\nx/b.mp4,<b>P2</b>,2027-01-01\n,P3,\n", by="")
    said = html_of(app)
    assert "Nothing of this table is kept." in said
    assert "Row 2: 'yesterday' is no date" in said
    assert "Row 3: 'x/b.mp4' names a folder; write the file's name alone." in said
    assert "Row 4: it names no file." in said
    assert said.count("nobody is named who recorded the consent") == 3
    assert all("Continue" not in button.label for button in app.button)
    assert store.subjects.list_all() == []


def test_a_good_table_goes_on_to_the_recordings(installation: AppSettings, store: Store) -> None:
    app = with_table("file,subject\na.mp4,P1\nb.mp4,P2\n")
    assert "'File': 'a.mp4', 'Subject': 'P1'" in tables(app)
    assert store.subjects.list_all() == [], "nothing is stored before somebody goes on"
    press(app, "Continue to upload")
    assert "A table names **2 recordings** of 2 subjects." in words(app)
    assert "Still to come, of 2 files that the table names: a.mp4, b.mp4" in html_of(app)


def test_a_transcript_that_a_table_names_must_be_there_and_readable(installation: AppSettings) -> None:
    app = with_table("file,subject,transcript\na.mp4,P1,a.vtt\n")
    assert "Row 2: the transcript 'a.vtt' is not among the transcripts chosen beside the table." in html_of(app)
    app.file_uploader(key="table_transcripts").upload("a.vtt", b"no cues here", "text/vtt").run()
    assert "Row 2: The transcript a.vtt cannot be used: it holds no cues" in html_of(calm(app))
    app.file_uploader(key="table_transcripts").upload("a.vtt", VTT, "text/vtt").run()
    assert "'Transcript': 'a.vtt', 'Speaker': 'Client'" in tables(calm(app))


def speaker_choice(document: str) -> None:
    from dashboard.new_session.transcripts import speaker_input
    from service.ingest.transcripts import check_transcript

    speaker_input(check_transcript("a.vtt", document.encode()), "a")


@pytest.mark.parametrize(
    ("first", "options"), [("Patient", ["Patient", "Ben"]), ("Anna", ["Anna", "Ben", "Everybody"])]
)
def test_everybody_is_offered_where_no_name_says_who_is_the_subject(first: str, options: list[str]) -> None:
    words = f"WEBVTT\n\n00:00.000 --> 00:01.000\n<v {first}>Hello.\n\n00:01.000 --> 00:02.000\n<v Ben>Hello.\n"
    app = AppTest.from_function(speaker_choice, default_timeout=60, kwargs={"document": words}).run()
    assert not app.exception
    assert app.selectbox[0].options == options
    assert app.selectbox[0].index == (0 if first == "Patient" else 2)


def test_files_of_the_servers_folder_are_taken_in_by_a_table(share: Path, store: Store) -> None:
    app = with_table("file,subject,transcript\na.mp4,P1,a.vtt\n../b.mp4,P2,\ngone.mp4,P2,\n", FOLDER)
    assert "Row 3: '../b.mp4' is no path below the server's folder for recordings." in html_of(app)
    assert "Row 4: There is no 'gone.mp4' in the server's folder for recordings." in html_of(app)
    app = with_table("file,subject,transcript\na.mp4,P1,a.vtt\nweek 1/b.mp4,P2,\n", FOLDER)
    press(app, "Continue to the folder")
    press(app, "Take in 2 recordings")
    rows = {row.subject_label: row for row in store.sessions.list_recent()}
    assert {label: row.session.original_name for label, row in rows.items()} == {"P1": "a.mp4", "P2": "b.mp4"}
    assert all(row.job is not None and row.session.consent is not None for row in rows.values())
    words_of = store.transcripts.get(session_id=rows["P1"].session.id)
    assert words_of is not None
    assert words_of.speaker == "Client"
    assert "week 1/b" in words(app).replace("\\\\", "")


def test_the_folder_is_listed_and_walked(share: Path, store: Store) -> None:
    store.subjects.create(label="P1")
    app = open_page("new_session")
    app.segmented_control(key="place").set_value(FOLDER).run()
    app.selectbox[0].set_value("P1")
    app.checkbox(key="agreed").check()
    app.text_input(key="operator_input").set_value("AB")
    press(app, "Continue to the folder")
    assert "'File': 'a.mp4', 'Kind': 'recording'" in tables(app)
    assert "'Transcript': 'a.vtt'" in tables(app)
    press(app, "week 1")
    assert "b.mp4" in tables(app)
    assert "a.mp4" not in tables(app)
    press(app, "Up")
    assert "a.mp4" in tables(app)


def test_without_a_folder_the_page_says_what_to_set(installation: AppSettings) -> None:
    app = open_page("new_session")
    app.segmented_control(key="place").set_value(FOLDER).run()
    assert "set FERPHQ_IMPORT_DIR" in html_of(calm(app))


def test_the_same_recording_is_recognised_in_words(share: Path, store: Store) -> None:
    settings = context.environment_settings()
    for label in ("P1", "P9"):
        subject = store.subjects.create(label=label)
        add_recording(settings, store, share / "a.mp4", subject_id=subject.id, recorded_at=subject.created_at)
    app = with_table("file,subject\na.mp4,P1\n", FOLDER)
    press(app, "Continue to the folder")
    press(app, "Take in 1 recording")
    assert len(store.sessions.list_recent()) == 2
    said = html_of(app)
    assert "P1 · a.mp4 was there already since" in said
    assert "P1 · a.mp4 is the same recording as a session of P9. Is the subject right?" in said


def test_what_cannot_be_taken_is_told_and_the_rest_is_taken(share: Path, store: Store) -> None:
    (share / "bad.mp4").write_text("no film")
    app = with_table("file,subject\nbad.mp4,<i>P1</i>\na.mp4,<i>P1</i>\n", FOLDER)
    press(app, "Continue to the folder")
    press(app, "Take in 2 recordings")
    assert "Not everything could be taken in." in html_of(app)
    assert str(share) not in html_of(app)
    assert "<i>P1" not in raw_html_of(app)
    assert [row.session.original_name for row in store.sessions.list_recent()] == ["a.mp4"]


def test_a_reload_brings_the_uploads_back(installation: AppSettings, store: Store) -> None:
    """The address names them; what is erased, or was never there, is left out."""
    session = new_session(store, store.subjects.create(label="P-1").id, "one.mp4", is_demo=True)
    app = open_page("new_session", arrived=session.id)
    assert "3. Analysis" in words(app)
    assert app.session_state["arrived"][session.id].label == "P-1 · one.mp4"
    assert app.query_params["arrived"] == session.id
    gone = open_page("new_session", arrived="'; drop table sessions --")
    assert "3. Analysis" not in words(gone)
    assert store.sessions.get(session_id=session.id)
