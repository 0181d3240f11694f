"""The person and the session on show travel with the menu, and equal labels never stand for one another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from shown_pages import WHEN, answer, calm, press
from streamlit.testing.v1 import AppTest
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from dashboard.widgets.selection import unique_labels
from db.store import Store

MAIN = Path(__file__).parents[3] / "dashboard" / "main.py"


def add_session(store: Store, label: str, name: str, days: int = 0, seed: int = 5, analyses: int = 1) -> str:
    """An analysed session; all of one day have the same time."""
    session = store.sessions.create(
        subject_id=store.subjects.get_or_create(label=label).id,
        recorded_at=WHEN + timedelta(days=days),
        recording=recording_info(seed, 60.0),
        original_name=name,
        media_path=None,
    )
    for number in range(analyses):
        plan = Plan(seconds=60.0, model_id=f"model-{number}")
        store.analyses.save(session_id=session.id, analysis=synthetic_analysis(seed, plan, recording_info(seed, 60.0)))
    return session.id


def start() -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    return calm(app.run())


def go(app: AppTest, page: str) -> AppTest:
    """Follow the menu, which keeps nothing of the address."""
    app.switch_page(f"app_pages/{page}.py")
    app.query_params.clear()
    return calm(app.run())


def box(app: AppTest, label: str):
    return next(part for part in app.selectbox if part.label == label)


def test_equal_labels_are_told_apart_by_details_and_then_counted():
    labels = {"a": "2 Mar 2026, 10:00", "b": "2 Mar 2026, 10:00", "c": "3 Mar 2026, 10:00", "d": "2 Mar 2026, 10:00"}
    names = {"a": "one.mp4", "b": "two.mp4", "c": "one.mp4", "d": "two.mp4"}
    assert unique_labels(labels, names) == {
        "a": "2 Mar 2026, 10:00 · one.mp4",
        "b": "2 Mar 2026, 10:00 · two.mp4 (1)",
        "c": "3 Mar 2026, 10:00",
        "d": "2 Mar 2026, 10:00 · two.mp4 (2)",
    }
    assert unique_labels({"a": "x", "b": "x"}, {"a": "", "b": ""}) == {"a": "x (1)", "b": "x (2)"}


@pytest.mark.usefixtures("installation")
def test_of_two_sessions_in_the_same_minute_the_chosen_one_is_shown_and_keeps_its_notes(store: Store) -> None:
    sessions = {
        add_session(store, "P-01", name, seed=seed): name for seed, name in enumerate(["one.mp4", "two.mp4"], 5)
    }
    app = go(start(), "session")
    assert len(set(box(app, "Session").options)) == 2
    shown = app.query_params.get("session") or box(app, "Session").value
    other = next(session_id for session_id in sessions if session_id != shown)
    box(app, "Session").set_value(other)
    calm(app.run())
    assert box(app, "Session").value == other
    app.text_area[0].set_value("looks away")
    press(app, "Keep note")
    assert box(app, "Session").value == other
    assert [note.words for note in store.notes.list_by_session(session_id=other)] == ["looks away"]
    assert not store.notes.list_by_session(session_id=shown)


@pytest.mark.usefixtures("installation")
def test_the_menu_keeps_the_person_and_the_session(store: Store) -> None:
    for number in range(1, 4):
        add_session(store, f"P-0{number}", f"{number}.mp4", days=number, seed=number)
    older = add_session(store, "P-02", "older.mp4", days=-5, seed=9)
    subject = store.subjects.get_or_create(label="P-02")
    app = start()
    app.switch_page("app_pages/session.py")
    app.query_params["session"] = older
    calm(app.run())
    assert box(go(app, "trends"), "Subject").value == subject.id
    assert box(go(app, "questionnaire"), "Subject").value == "P-02"
    assert box(go(app, "session"), "Session").value == older
    box(go(app, "trends"), "Subject").set_value(store.subjects.get_or_create(label="P-01").id)
    calm(app.run())
    assert box(go(app, "session"), "Subject").value == store.subjects.get_or_create(label="P-01").id


@pytest.mark.usefixtures("installation")
def test_no_picker_of_any_page_has_two_equal_labels(store: Store) -> None:
    for seed in (5, 6):
        add_session(store, "P-01", "one.mp4", seed=seed, analyses=3)
    subject = store.subjects.get_or_create(label="P-01")
    answer(store, subject.id, [4, 4])
    for page in ("session", "trends", "cohort", "models", "questionnaire", "new_session", "settings"):
        app = go(start(), page)
        for picker in [*app.selectbox, *app.multiselect]:
            assert len(set(picker.options)) == len(picker.options), f"{page}: {picker.label}"
