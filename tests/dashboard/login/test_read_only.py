"""Pages of roles that read only: nothing that can be pressed leads to a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from shown_pages import calm, open_page, words
from streamlit.testing.v1 import AppTest

from dashboard import context
from db.actors import Role
from db.records import JobState
from db.store import Store
from fer_phq.core.messages import literal
from fer_phq.core.phq import Scale
from service.access.accounts import add_account
from service.access.control import COOKIE
from service.settings import AppSettings

PASSWORD = "correct horse battery"
PAGES = ["home", "session", "trends", "cohort", "questionnaire", "models", "settings", "new_session", "live"]
CHANGES = (
    *("Write a note", "Change", "Remove", "Keep transcript", "Analyse again", "Erase session", "Add event", "Rename"),
    *("Merge", "Export everything", "Erase this person", "Save tags", "Save questionnaire", "Correct it", "Retry"),
    *("Save settings", "Start training", "Use this model", "Erase these sessions", "Remove these recordings now"),
)
"""What buttons that change something are called."""
READERS = [Role.VIEWER, Role.RESEARCHER]
PAST = datetime(2020, 1, 1, tzinfo=UTC)


def fill(store: Store) -> tuple[str, str]:
    """Give a person of the filled installation one of everything that can be changed; its id, and a session's."""
    subject = next(summary for summary in store.subjects.list_all() if summary.label == "DEMO-02")
    session_id = store.sessions.list_recent(subject_id=subject.id)[0].session.id
    store.notes.add(session_id=session_id, words="smiles", time_s=1.0)
    document = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
    store.transcripts.save(session_id=session_id, original_name="a.vtt", document=document)
    store.events.add(subject_id=subject.id, at=PAST, words="therapy begins")
    store.sessions.set_retention(session_id=session_id, retain_until=PAST)
    store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=PAST)
    job = store.jobs.create(session_id=session_id)
    store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal("it broke"))
    return subject.id, session_id


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button if not button.disabled]


def press_everything(app: AppTest) -> None:
    """Press every enabled button of a page, those of one kind once."""
    pressed: set[str] = set()
    while True:
        waiting = [(str(button.key).rsplit("_", 1)[0], button) for button in app.button if not button.disabled]
        kind, button = next(((kind, button) for kind, button in waiting if kind not in pressed), ("", None))
        if button is None:
            return
        pressed.add(kind)
        button.click()
        calm(app.run())


def open_as_reader(store: Store, cookies: dict[str, str], role: Role) -> Iterator[tuple[str, AppTest]]:
    """Every page about a person who has one of everything, as somebody sees it who only reads."""
    add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
    account = add_account(store, "Reader", role, PASSWORD)
    subject_id, session_id = fill(store)
    store.shares.add(subject_id=subject_id, account_id=account.id)
    cookies[COOKIE] = context.control().log_in("Reader", PASSWORD, "192.0.2.1")
    for page in PAGES:
        query = {"session": {"session": session_id}}.get(page, {"subject": subject_id})
        yield page, open_page(page, **query)


@pytest.mark.parametrize("role", READERS)
def test_readers_are_offered_no_change(filled: AppSettings, store: Store, cookies: dict[str, str], role: Role) -> None:
    for page, app in open_as_reader(store, cookies, role):
        assert "Your account reads only" in words(app), page
        assert [label for label in labels(app) if label.startswith(CHANGES)] == [], page
        assert not app.get("file_uploader"), page


@pytest.mark.slow
@pytest.mark.parametrize("role", READERS)
def test_nothing_that_can_be_pressed_is_refused(
    filled: AppSettings, store: Store, cookies: dict[str, str], role: Role
) -> None:
    for _, app in open_as_reader(store, cookies, role):
        press_everything(app)
    assert [entry.object_id for entry in store.audit.list_newest(limit=10_000) if entry.action == "refuse"] == []


@pytest.mark.slow
def test_a_clinician_has_what_readers_have_not(filled: AppSettings, store: Store, cookies: dict[str, str]) -> None:
    add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
    account = add_account(store, "Dr M", Role.CLINICIAN, PASSWORD)
    subject_id, session_id = fill(store)
    store.shares.add(subject_id=subject_id, account_id=account.id)
    cookies[COOKIE] = context.control().log_in("Dr M", PASSWORD, "192.0.2.1")
    offered = []
    for page in ("session", "trends", "questionnaire", "settings", "models"):
        query = {"session": session_id} if page == "session" else {"subject": subject_id}
        app = open_page(page, **query)
        assert "reads only" not in words(app)
        offered += labels(app)
    expected = {"Analyse again", "Erase session", "Add event", "Rename", "Export everything", "Erase this person"}
    assert expected <= set(offered)
    assert not {"Save settings", "Start training", "Use this model"} & set(offered), "an administrator has these"
