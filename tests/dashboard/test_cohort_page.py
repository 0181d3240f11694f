"""Cohort: filters, groups, tags, the way to one person, and estimates that are listed with their marks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shown_pages import WHEN, calm, estimated, html_of, open_page, plain, words
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
    app.session_state["cohort_table"] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
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


def test_a_cohort_of_demonstrations_alone_is_shown(filled: AppSettings) -> None:
    assert labels(open_page("cohort")) == [f"DEMO-0{i} (demonstration)" for i in (1, 2, 3)]


@pytest.mark.usefixtures("people")
def test_estimates_are_listed_with_interval_and_provenance() -> None:
    table = with_everybody().dataframe[0].value
    estimates = dict(zip(table["label"], table["estimate"], strict=True))
    assert estimates["P-0"].endswith("PHQ-8, clinical labels")
    assert " to " in estimates["P-0"]
    assert estimates["DEMO-01 (demonstration)"].endswith("PHQ-8, simulated")
    answers = dict(zip(table["label"], table["questionnaire"], strict=True))
    assert answers["P-0"] == "12 PHQ-8, moderate, 2 Mar 2026"
    assert answers["P-1"] == ""
    line = dict(zip(table["label"], table["expressivity_line"], strict=True))["DEMO-02 (demonstration)"]
    assert len(line) >= 2
    assert all(0 < value < 1 for value in line)


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
    assert "Distribution over people" not in words(app)


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
