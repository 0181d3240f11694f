"""Export, renaming and merging of a person on the Trends page, by the dialogs' content."""

from __future__ import annotations

import pytest
from shown_pages import WHEN, calm, html_of, open_page, press, words
from streamlit.testing.v1 import AppTest
from synthetic_sessions import seed_store

from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.phq import Scale
from service.settings import AppSettings


@pytest.fixture
def people(installation: AppSettings, store: Store) -> list[SubjectRecord]:
    subjects = seed_store(store, subjects=2, sessions=1, seconds=30, now=WHEN)
    return [store.subjects.get(subject_id=subject.id) for subject in subjects]


def dialog(content: str, subject_id: str) -> AppTest:
    """A dialog's content: the test runner cannot press buttons inside dialogs."""
    code = f"""
import streamlit as st
from dashboard import context
from dashboard.trends import person
from dashboard.trends.notice import show_notice
show_notice()
people = context.store().subjects.list_all()
here = [row for row in people if row.id == st.session_state.subject_id]
if here:
    others = [row for row in people if row.id != st.session_state.subject_id]
    person.{content}
"""
    app = AppTest.from_string(code, default_timeout=60)
    app.session_state.subject_id = subject_id
    shown: AppTest = calm(app.run())
    return shown


def test_the_page_has_the_four_ways(people: list[SubjectRecord]) -> None:
    labels = {button.label for button in open_page("trends", subject=people[0].id).button}
    assert {"Export everything", "Rename", "Merge", "Erase this person"} <= labels


def test_an_export_says_its_size_and_leads_to_the_zip(people: list[SubjectRecord]) -> None:
    app = dialog("export(here[0])", people[0].id)
    assert "Recordings" in html_of(app)
    assert "is not encrypted" in html_of(app)
    (link,) = app.get("link_button")
    assert f"/api/subjects/{people[0].id}/export?token=" in link.proto.url


def test_a_person_is_renamed(people: list[SubjectRecord], store: Store) -> None:
    app = dialog("rename(here[0])", people[0].id)
    assert next(button for button in app.button if button.key == "rename_save").disabled
    app.text_input(key="rename_label").set_value(people[1].label).run()
    next(button for button in app.button if button.key == "rename_save").click()
    app.run()
    assert "already a subject" in app.error[0].value
    app.text_input(key="rename_label").set_value("Study 7, P01").run()
    next(button for button in app.button if button.key == "rename_save").click()
    assert "This person is called Study 7, P01 now." in html_of(app.run())
    assert store.subjects.get(subject_id=people[0].id).label == "Study 7, P01"


def test_a_person_is_merged_after_a_preview_and_the_label(people: list[SubjectRecord], store: Store) -> None:
    goes, stays = people
    for subject in people:
        store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=WHEN)
    app = dialog("merge(here[0], others)", goes.id)
    app.selectbox(key="merge_target").set_value(stays.id)
    calm(app.run())
    assert "1 questionnaire is of both and counts once" in words(app)
    button = next(button for button in app.button if button.label == "Merge for good")
    assert button.disabled, "nothing was typed"
    app.text_input(key="merge_label").set_value(stays.label).run()
    assert next(button for button in app.button if button.label == "Merge for good").disabled, "the other label"
    app.text_input(key="merge_label").set_value(goes.label).run()
    assert f"{goes.label} is merged into {stays.label}." in html_of(press(app, "Merge for good"))
    assert [row.id for row in store.subjects.list_all()] == [stays.id]
