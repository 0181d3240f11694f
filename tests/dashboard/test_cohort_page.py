"""Cohort: filters, groups, tags, the way to one person, and estimates that are listed with their marks."""

from __future__ import annotations

import re
from datetime import timedelta

import pandas as pd
import pytest
from shown_pages import WHEN, answer, calm, estimated, html_of, open_page, plain, words
from streamlit.testing.v1 import AppTest
from synthetic_sessions import Plan, seed_store

from dashboard.cohort.spread import clicked
from db.store import Store
from fer_phq.core.phq import Provenance, Scale
from service.settings import AppSettings


@pytest.fixture
def people(installation: AppSettings, store: Store) -> None:
    """Six made-up people with three sessions each and four real ones; two of each have a tag."""
    made_up = seed_store(store, subjects=6, sessions=3, seconds=30, now=WHEN)
    real = [store.subjects.create(label=f"P-{i}") for i in range(4)]
    for i, person in enumerate(real):
        plan = Plan(seconds=30 + i, provenance=Provenance.CLINICAL, model_id="clinic-aa11bb22")
        estimated(store, person.id, plan, WHEN + timedelta(days=i))
    for person in (*made_up[:2], *real[:2]):
        store.subjects.set_tags(subject_id=person.id, tags=["arm A"])
    items = [2] * 6 + [0] * 2
    store.questionnaires.save(subject_id=real[0].id, scale=Scale.PHQ8, items=items, answered_at=WHEN)


def with_everybody() -> AppTest:
    app = open_page("cohort")
    return calm(app.toggle(key="cohort_demo").set_value(True).run())


def labels(app: AppTest) -> list[str]:
    """Who stands in the table."""
    return list(app.dataframe[0].value["label"])


def chosen(app: AppTest, *rows: int) -> AppTest:
    """The page after these rows were chosen in the table."""
    key = app.dataframe[0].proto.id.rsplit("-", 1)[1]
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return calm(app.run())


@pytest.mark.usefixtures("people")
def test_made_up_people_are_left_out_beside_real_ones() -> None:
    app = open_page("cohort")
    assert labels(app) == ["P-0", "P-1", "P-2", "P-3"]
    assert "4 people · 4 analysed sessions" in words(app)
    assert "simulated" not in html_of(app).split("Not a diagnosis")[0]
    app = with_everybody()
    assert labels(app) == [*(f"DEMO-0{i} (demonstration)" for i in range(1, 7)), "P-0", "P-1", "P-2", "P-3"]
    assert "trained on made-up labels" in words(app)
    assert "measured by 2 models" in words(app)


@pytest.mark.usefixtures("people")
def test_sessions_whose_consent_was_withdrawn_are_left_out_with_a_word(store: Store) -> None:
    assert "left out: " not in words(open_page("cohort"))
    (session,) = store.sessions.list_recent(subject_id=store.subjects.find(label="P-1").id)  # type: ignore[union-attr]
    store.sessions.withdraw_consent(session_id=session.session.id)
    app = open_page("cohort")
    assert labels(app) == ["P-0", "P-2", "P-3"]
    assert "1 session more is left out: its consent was withdrawn." in words(app)
    for name in ("P-0", "P-2", "P-3"):
        (session,) = store.sessions.list_recent(subject_id=store.subjects.find(label=name).id)  # type: ignore[union-attr]
        store.sessions.withdraw_consent(session_id=session.session.id)
    app = open_page("cohort")
    assert "Nobody matches" in words(app)
    assert "4 sessions more are left out" in words(app)


def study_dialog(*, is_narrowed: bool = False) -> AppTest:
    """The dialog's content: the test runner cannot press buttons inside dialogs."""
    script = """
import streamlit as st
from dashboard.cohort.study import study_export
from db.records import CohortFilter
study_export(CohortFilter(), is_narrowed=st.session_state.is_narrowed)
"""
    app = AppTest.from_string(script, default_timeout=60)
    app.session_state["is_narrowed"] = is_narrowed
    return calm(app.run())


@pytest.mark.usefixtures("people")
def test_a_study_says_what_it_holds_before_it_is_downloaded() -> None:
    assert "Export as a study" in words(open_page("cohort"))
    app = study_dialog(is_narrowed=True)
    said = words(app)
    assert "18 of these sessions are demonstrations" in said
    assert "4 are left out as no consent is recorded for them" in said
    assert "narrows the page and not a study" in said
    assert "/api/study?token=" in said
    assert "narrows the page" not in words(study_dialog())


def test_a_cohort_of_demonstrations_alone_is_shown(filled: AppSettings) -> None:
    assert labels(open_page("cohort")) == [f"DEMO-0{i} (demonstration)" for i in (1, 2, 3)]


@pytest.mark.usefixtures("people")
def test_estimates_are_numbers_where_clinical_and_words_where_simulated() -> None:
    app = with_everybody()
    app = calm(
        app.multiselect(key="cohort_columns").set_value(["total", "estimate", "simulated", "expressivity"]).run()
    )
    table = app.dataframe[0].value.set_index("label")
    assert list(table) == ["total", "estimate", "simulated", "expressivity_course", "expressivity"]
    assert table.loc["P-0", "estimate"] > 0
    assert table.loc["P-0", "simulated"] == ""
    assert pd.isna(table.loc["DEMO-01 (demonstration)", "estimate"])
    assert re.fullmatch(r"\d+ \(\d+ to \d+\)", table.loc["DEMO-01 (demonstration)", "simulated"])
    assert table.loc["P-0", "total"] == 12
    assert pd.isna(table.loc["P-1", "total"])
    line = table.loc["DEMO-02 (demonstration)", "expressivity_course"]
    assert len(line) >= 2
    assert all(0 < value < 1 for value in line)


@pytest.mark.usefixtures("people")
def test_what_a_table_begins_with_depends_on_the_estimates() -> None:
    assert "estimate" in open_page("cohort").multiselect(key="cohort_columns").value
    assert "simulated" not in open_page("cohort").multiselect(key="cohort_columns").value


@pytest.mark.usefixtures("people")
def test_filters_by_tag_date_model_and_coverage() -> None:
    app = with_everybody()
    assert labels(calm(app.multiselect(key="cohort_tags").set_value(["arm A"]).run())) == [
        "DEMO-01 (demonstration)", "DEMO-02 (demonstration)", "P-0", "P-1",
    ]  # fmt: skip
    model = app.selectbox(key="cohort_model")
    assert labels(calm(model.set_value("clinic-aa11bb22").run())) == ["P-0", "P-1"]
    day = (WHEN + timedelta(days=1)).date()
    app.date_input(key="cohort_days").set_value((day, day))
    assert labels(calm(app.run())) == ["P-1"]
    app.slider(key="cohort_coverage").set_value(100)
    assert "Nobody matches" in words(calm(app.run()))


def test_people_are_found_by_words_and_by_their_reliable_change(people: None, store: Store) -> None:
    p2 = store.subjects.find(label="P-2")
    assert p2 is not None
    answer(store, p2.id, [4, 12])
    app = open_page("cohort")
    assert labels(calm(app.text_input(key="cohort_words").set_value("p-2").run())) == ["P-2"]
    assert "1 person · 1 analysed session" in words(app)
    assert labels(calm(app.text_input(key="cohort_words").set_value("ARM").run())) == ["P-0", "P-1"]
    assert "Nobody matches" in words(calm(app.text_input(key="cohort_words").set_value("nobody").run()))
    app.text_input(key="cohort_words").set_value("")
    assert labels(calm(app.multiselect(key="cohort_directions").set_value(["worsened"]).run())) == ["P-2"]


def test_rows_are_ordered_and_a_selection_is_not_somebody_elses(people: None, store: Store) -> None:
    for label, total in (("P-3", 2), ("P-1", 20)):
        subject = store.subjects.find(label=label)
        assert subject is not None
        answer(store, subject.id, [total])
    app = chosen(open_page("cohort"), 2)
    assert "Open trends" in words(app)
    app = calm(app.selectbox(key="cohort_order").set_value("total").run())
    assert labels(app) == ["P-3", "P-0", "P-1", "P-2"], "those without a questionnaire come last"
    assert "Open trends" not in words(app)
    app = calm(app.toggle(key="cohort_descending").set_value(True).run())
    assert labels(app) == ["P-1", "P-0", "P-3", "P-2"]
    assert "simulated" not in app.selectbox(key="cohort_order").options
    assert "Simulated" not in app.selectbox(key="cohort_order").options


@pytest.mark.usefixtures("people")
def test_groups_are_columns_of_the_distributions() -> None:
    app = with_everybody()
    assert "Everybody<br>6" in plain(words(app)), "those whose measures are known"
    said = plain(words(calm(app.multiselect(key="cohort_groups").set_value(["arm A"]).run())))
    assert "arm A<br>2" in said
    assert "Others<br>4" in said


@pytest.mark.usefixtures("people")
def test_no_measure_chosen_leaves_the_table() -> None:
    app = with_everybody()
    app = calm(app.multiselect(key="cohort_measures").set_value([]).run())
    assert len(labels(app)) == 10
    assert "Boxes are quartiles" not in words(app)


def test_a_chosen_person_can_be_opened_and_tagged(people: None, store: Store) -> None:
    app = chosen(open_page("cohort"), 2)
    person = store.subjects.find(label="P-2")
    assert person is not None
    links = {link.label: link.proto.query_string for link in app.get("page_link")}
    assert links["Open trends"] == f"subject={person.id}"
    newest = store.sessions.list_recent(subject_id=person.id)[0].session.id
    assert links["Open newest session"] == f"session={newest}"
    next(box for box in app.multiselect if box.label == "Tags" and box.key is None).set_value(["arm A"])
    next(button for button in app.button if button.label == "Save tags").click()
    calm(app.run())
    assert store.subjects.tags(subject_ids=[person.id]) == {person.id: ("arm A",)}


@pytest.mark.slow
def test_several_people_are_tagged_at_once(people: None, store: Store) -> None:
    app = chosen(open_page("cohort"), 1, 2)
    assert "2 people chosen" in words(app)
    for label, having in (("Add to all", {"P-0", "P-1", "P-2"}), ("Remove from all", {"P-0"})):
        app.selectbox(key="many_tag").set_value("arm A")
        next(button for button in app.button if button.label == label).click()
        app = calm(app.run())
        tags = store.subjects.tags()
        found = {one.label for one in store.subjects.list_all(include_demo=False) if "arm A" in tags.get(one.id, ())}
        assert found == having


@pytest.mark.usefixtures("people")
def test_many_people_are_shown_a_few_at_a_time() -> None:
    app = with_everybody()
    app = calm(app.selectbox(key="course_measure").set_value("happiness").run())
    links = [link.label for link in app.get("page_link")]
    assert sum("DEMO" in label for label in links) == 6
    assert sum("P" in label and "DEMO" not in label for label in links) == 2


def test_a_click_on_a_point_names_the_person() -> None:
    point = {"customdata": ["the-id", "P-1", "20 %", "3"], "point_index": 1}
    assert clicked({"selection": {"points": [point]}}) == "the-id"
    assert clicked({"selection": {"points": []}}) is None
    assert clicked(None) is None


def test_labels_and_tags_are_escaped(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="<img src=x>")
    store.subjects.set_tags(subject_id=subject.id, tags=["<i>arm</i>"])
    estimated(store, subject.id, Plan(), WHEN)
    app = chosen(open_page("cohort"), 0)
    page = " ".join(str(getattr(node.proto, "body", "")) for node in app.main if node.type in ("html", "markdown"))
    assert "<img src=x" not in page
    assert "<i>arm" not in page
