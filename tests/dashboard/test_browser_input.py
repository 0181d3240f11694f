"""What people put in, in a real browser: the camera, a form by keyboard alone, files with a table, erasing what is due.

Chromium's own fake camera stands before the page; what is recorded of it is a real file.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from recordings import Recordings
from served import CHROMIUM, PATIENCE_MS, at_rest, browser_tab, calm, dashboard, eventually, opened, process
from shown_pages import bare_session

from db.store import Store
from fer_phq.core.phq import DIFFICULTY, Scale
from fer_phq.video import probe
from service.ingest.media import MediaStore
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
CAMERA = "--use-fake-device-for-media-stream"
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Client>Hello there\n\n00:01.000 --> 00:02.000\n<v Therapist>Hello\n"


def fill_in(page: Any, address: str, place: str, button: str) -> None:
    """The form of the New session page, up to the recordings."""
    opened(page, f"{address}/new_session")
    page.get_by_text(place, exact=True).click()
    page.get_by_role("button", name=button).wait_for()
    eventually(page, lambda: page.get_by_role("combobox", name="Subject").count() == 1)  # the old form has gone
    page.get_by_role("combobox", name="Subject").fill("P-001")
    page.keyboard.press("Enter")
    page.get_by_text("has agreed").click()
    page.get_by_label("Consent recorded by").fill("AB")
    page.get_by_role("button", name=button).click()


def test_what_the_camera_records_becomes_a_session(installation: AppSettings, store: Store) -> None:
    with (
        process("service.jobs.worker", installation),
        dashboard(installation) as address,
        browser_tab(CAMERA, "--use-fake-ui-for-media-stream") as page,
    ):
        fill_in(page, address, "The camera", "Continue to the camera")
        page.get_by_role("button", name="Turn on the camera").click()
        page.get_by_role("button", name="Start recording").click()
        eventually(page, lambda: page.get_by_role("timer").inner_text() >= "0:03")
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("Nothing is kept yet").wait_for()
        assert store.sessions.list_recent() == []
        page.get_by_role("button", name="Discard it").click()
        page.get_by_role("button", name="Start recording").click()
        eventually(page, lambda: page.get_by_role("timer").inner_text() >= "0:04")
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Use this recording").click()
        page.locator("li.done").wait_for()
        page.get_by_text("Analysed.", exact=True).wait_for(timeout=3 * PATIENCE_MS)  # the worker loads the model first
        (row,) = store.sessions.list_recent()
        assert row.session.original_name.startswith("camera-")
        assert row.session.consent is not None
        assert row.session.has_audio
        assert 1.5 < row.session.duration_s < 30
        assert abs(datetime.now(UTC) - row.session.recorded_at) < timedelta(minutes=10)
        assert row.session.media_path is not None
        kept = probe(MediaStore(installation).path_of(row.session.media_path))
        assert kept.duration_s == row.session.duration_s
        assert row.analysis is not None
        assert row.analysis.frames_sampled >= 3
        page.locator("[class*=st-key-card_progress] [data-testid=stPageLink] a").first.click()
        eventually(page, lambda: page.locator("video").evaluate("v => v.readyState >= 1"))
        calm(page)


def test_a_camera_that_is_not_allowed_is_one_sentence(installation: AppSettings, store: Store) -> None:
    with dashboard(installation) as address, browser_tab(CAMERA, "--deny-permission-prompts") as page:
        fill_in(page, address, "The camera", "Continue to the camera")
        page.get_by_role("button", name="Turn on the camera").click()
        page.get_by_text("The browser was not allowed to use the camera and microphone").wait_for()
        assert page.get_by_role("button", name="Turn on the camera").is_visible()
        assert not page.get_by_role("button", name="Start recording").is_visible()


ON_LAST_QUESTION = "document.activeElement.closest('.st-key-phq_difficulty [role=radiogroup]') !== null"


def first_item(page: Any, address: str) -> None:
    """The empty questionnaire, with the focus on its first item."""
    opened(page, address)
    page.get_by_role("radiogroup").first.wait_for()
    page.wait_for_selector("[data-answer-keys=on]", state="attached")
    in_form = "document.activeElement.closest('[class*=st-key-card_form] [role=radiogroup]') !== null"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(in_form):
            break
    assert page.evaluate(in_form), "Tab leads to the first item"


def save_by_keyboard(page: Any) -> None:
    """From the last answer to the form's button."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Save questionnaire":
            break
    page.keyboard.press("Enter")


def test_a_questionnaire_by_keyboard_alone(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-001")
    with dashboard(installation) as address, browser_tab() as page:
        first_item(page, f"{address}/questionnaire?subject={subject.id}")
        page.keyboard.type("21022101")  # a digit answers an item and goes on to the next
        page.keyboard.press("Space")  # the last one by the keys of every form
        page.keyboard.press("ArrowRight")
        answered = page.locator("[class*=st-key-card_form] [role=radiogroup] input:checked")
        eventually(page, lambda: answered.count() == 9)
        page.keyboard.press("Tab")
        assert page.evaluate(ON_LAST_QUESTION)
        page.keyboard.type("2")
        eventually(page, lambda: answered.count() == 10)
        save_by_keyboard(page)
        page.get_by_text("of 27 points on PHQ-9: moderate").wait_for()
        page.get_by_text("Please act now").wait_for()
        (saved,) = store.questionnaires.list_by_subject(subject_id=subject.id)
        assert saved.items == (2, 1, 0, 2, 2, 1, 0, 1, 1)
        assert saved.scale is Scale.PHQ9
        assert saved.difficulty == 2
        calm(page)


def test_the_last_question_is_there_once_a_problem_was_checked_off(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-001")
    with dashboard(installation) as address, browser_tab() as page:
        last = page.get_by_role("radiogroup", name=DIFFICULTY)
        first_item(page, f"{address}/questionnaire?subject={subject.id}")
        assert not last.is_visible()
        page.keyboard.type("000000000")
        answered = page.locator("[class*=st-key-card_form] [role=radiogroup] input:checked")
        eventually(page, lambda: answered.count() == 9)
        assert not last.is_visible()
        page.keyboard.type("1")  # the focus has stayed on the last item; now there is somewhere to go on to
        last.wait_for()
        assert page.evaluate(ON_LAST_QUESTION)
        page.keyboard.type("3")
        eventually(page, lambda: answered.count() == 10)
        save_by_keyboard(page)
        page.get_by_text("Difficulty in daily life: Extremely difficult").wait_for()
        page.get_by_text("The answer to item 9").wait_for()
        (saved,) = store.questionnaires.list_by_subject(subject_id=subject.id)
        assert (saved.total, saved.difficulty) == (1, 3)
        eventually(page, lambda: answered.count() == 0)
        assert not last.is_visible(), "the form is empty again"
        calm(page)


def test_dropped_files_follow_their_table(installation: AppSettings, store: Store, recordings: Recordings) -> None:
    table = b"file,subject,recorded_at,transcript\nOne.mp4,P1,2025-03-04,one.vtt\ntwo.mp4,P2,,\n"
    files = [
        {"name": name, "mimeType": "video/mp4", "buffer": recordings(seconds=1, motion=motion).read_bytes()}
        for name, motion in (("one.mp4", "still"), ("other.mp4", "still"))
    ]
    with dashboard(installation) as address, browser_tab() as page:
        opened(page, f"{address}/new_session")
        page.get_by_text("A table (CSV) that names the files").click()
        page.get_by_text("Transcripts that it names").wait_for()
        inputs = page.locator("input[type=file]")
        inputs.nth(0).set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": table})
        page.get_by_text("nobody is named who recorded the consent").first.wait_for()
        transcript_missing = page.get_by_text("the transcript 'one.vtt' is not among the transcripts")
        transcript_missing.wait_for()
        inputs.nth(1).set_input_files({"name": "one.vtt", "mimeType": "text/vtt", "buffer": VTT})
        transcript_missing.wait_for(state="detached")  # its upload draws the page anew whenever it ends
        page.get_by_label("Consent recorded by").fill("AB")
        page.keyboard.press("Enter")
        # A click while the page is drawn anew would be lost.
        consent_needed = page.get_by_text("Confirm the consent to go on.")
        consent_needed.wait_for()
        at_rest(page)
        page.get_by_text("has agreed").click()
        consent_needed.wait_for(state="detached")
        at_rest(page)
        page.get_by_role("button", name="Continue to upload").click()
        page.get_by_text("Still to come, of 2 files that the table names: One.mp4, two.mp4").wait_for()
        page.locator("[data-testid=fp-upload]").set_input_files(files)
        page.locator("li.done").wait_for()
        page.locator("li.failed").wait_for()
        assert "The table does not name this file." in page.locator("li.failed").inner_text()
        page.get_by_text("Still to come, of 2 files that the table names: two.mp4").wait_for()
        (row,) = store.sessions.list_recent()
        assert (row.subject_label, row.session.recorded_at.year) == ("P1", 2025)
        transcript = store.transcripts.get(session_id=row.session.id)
        assert transcript is not None
        assert (transcript.original_name, transcript.speaker) == ("one.vtt", "Client")
        calm(page)


def opened_list(page: Any, box: str, option: str) -> bool:
    """Whether a box shows an option, after a click on it: one while the page is drawn anew is lost."""
    if not page.get_by_role("option", name=option).count():
        page.get_by_role("combobox", name=box).click()
        page.wait_for_timeout(500)
    return bool(page.get_by_role("option", name=option).count())


def test_a_transcript_goes_with_the_file_of_its_name(
    installation: AppSettings, store: Store, recordings: Recordings
) -> None:
    source = {"name": "talk.mp4", "mimeType": "video/mp4", "buffer": recordings(seconds=1).read_bytes()}
    with dashboard(installation) as address, browser_tab() as page:
        fill_in(page, address, "This computer", "Continue to upload")
        page.get_by_text("Transcripts (optional)").click()
        chooser = page.locator("[data-testid=stFileUploader] input[type=file]")
        chooser.set_input_files(
            [
                {"name": "Talk.vtt", "mimeType": "text/vtt", "buffer": VTT},
                {"name": "bad.vtt", "mimeType": "text/vtt", "buffer": b"no cues"},
            ]
        )
        page.get_by_text("The transcript bad.vtt cannot be used").wait_for()
        eventually(page, lambda: opened_list(page, "The subject in Talk.vtt", "Therapist"))
        page.get_by_role("option", name="Therapist").click()
        page.wait_for_timeout(1500)  # the page's next run hands the browser the new leave
        page.locator("[data-testid=fp-upload]").set_input_files(source)
        page.locator("li.done").wait_for()
        (row,) = store.sessions.list_recent()
        transcript = store.transcripts.get(session_id=row.session.id)
        assert transcript is not None
        assert (transcript.document, transcript.speaker) == (VTT, "Therapist")
        page.locator("[data-testid=fp-upload]").set_input_files(source)
        page.get_by_text("Already there: this recording was uploaded before.").wait_for()
        calm(page)


def test_a_marked_file_of_the_servers_folder_is_taken_in(
    installation: AppSettings, store: Store, recordings: Recordings, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    shutil.copy(recordings(seconds=1), share / "a.mp4")
    opened_to = installation.model_copy(update={"import_dir": share})
    with dashboard(opened_to) as address, browser_tab() as page:
        fill_in(page, address, "A folder on the server", "Continue to the folder")
        grid = page.locator("[data-testid=stDataFrame]").first
        grid.wait_for()
        page.wait_for_timeout(1000)
        box = grid.bounding_box()
        page.mouse.click(box["x"] + 16, box["y"] + 52)  # the mark of the first row; the grid is a canvas
        page.get_by_role("button", name="Take in 1 recording").click()
        page.get_by_text("P-001 · a.mp4").wait_for()
        (row,) = store.sessions.list_recent()
        assert row.session.original_name == "a.mp4"
        calm(page)


def test_sessions_past_their_retention_are_erased_after_asking(installation: AppSettings, store: Store) -> None:
    kept, overdue = bare_session(store, "P-1"), bare_session(store, "P-2")
    store.sessions.set_retention(session_id=overdue, retain_until=datetime(2026, 1, 1, tzinfo=UTC))
    with dashboard(installation) as address, browser_tab() as page:
        opened(page, f"{address}/settings")
        page.get_by_role("button", name="Erase these sessions").click()
        erase = page.get_by_role("dialog").get_by_role("button", name="Erase", exact=True)
        assert erase.is_disabled()
        page.get_by_role("dialog").get_by_text("I want to erase them").click()
        erase.click()
        page.get_by_text("1 session erased.").wait_for()
        assert [row.session.id for row in store.sessions.list_recent()] == [kept]
        calm(page)
