"""Erasing a person on the Trends page, and erasures that wait on the Settings page."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from shown_pages import WHEN, calm, html_of, open_page, press, words
from streamlit.testing.v1 import AppTest
from synthetic_sessions import seed_store

from db.store import Store
from service.lifecycle import erasure
from service.settings import AppSettings


def dialog(subject_id: str) -> AppTest:
    """The dialog's content: the test runner cannot press buttons inside dialogs."""
    code = """
import streamlit as st
from dashboard import context
from dashboard.trends.erasure import confirmation
from dashboard.trends.notice import show_notice
show_notice()
people = [row for row in context.store().subjects.list_all() if row.id == st.session_state.subject_id]
if people:
    confirmation(people[0])
"""
    app = AppTest.from_string(code, default_timeout=60)
    app.session_state.subject_id = subject_id
    shown: AppTest = calm(app.run())
    return shown


def test_a_person_is_erased_after_the_label_was_typed(installation: AppSettings, store: Store) -> None:
    subject, other = seed_store(store, subjects=2, sessions=2, seconds=30, now=WHEN)
    assert any(button.label == "Erase this person" for button in open_page("trends", subject=subject.id).button)
    app = dialog(subject.id)
    assert "Face embeddings" in html_of(app)
    assert "heads that were trained with the data do not unlearn it" in words(app)
    button = next(button for button in app.button if button.label == "Erase for good")
    assert button.disabled, "nothing was typed"
    typed = calm(app.text_input(key="erase_label").set_value(other.label).run())
    assert next(button for button in typed.button if button.label == "Erase for good").disabled
    typed = calm(app.text_input(key="erase_label").set_value(subject.label).run())
    assert "2 sessions with everything that belonged to them were erased." in html_of(press(typed, "Erase for good"))
    assert [row.id for row in store.subjects.list_all()] == [other.id]


def test_an_erasure_that_waits_is_shown_until_it_is_finished(installation: AppSettings, store: Store) -> None:
    subject = seed_store(store, subjects=1, sessions=1, seconds=30, now=WHEN)[0]
    with closing(sqlite3.connect(installation.data_dir / "fer-phq.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        erasure.erase_subject(installation, store, subject.id, wait_s=0)
    app = open_page("settings")
    assert "Another program reads the database" in html_of(app)
    assert "Erasures that are not finished" not in words(press(app, "Try again now"))
