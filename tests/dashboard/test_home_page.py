"""Home: who needs attention, with the reasons in words and the way to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shown_pages import answer, estimated, html_of, open_page, press, words
from streamlit.testing.v1 import AppTest
from synthetic_sessions import Plan

from dashboard.home.people import SHOWN, due_words
from db.store import Store
from fer_phq.core.phq import Provenance, Scale
from service.settings import AppSettings

NOW = datetime.now(UTC)
WEEKS_AGO = NOW - timedelta(weeks=2)


def people_of(app: AppTest) -> list[str]:
    """Whose trends the card leads to, from the top."""
    links = app.main.get("page_link")
    return [link.label.replace("\\", "") for link in links if link.proto.page.endswith("trends")]


def test_reasons_are_said_in_words(installation: AppSettings, store: Store) -> None:
    worse = store.subjects.create(label="P-1")
    answer(store, worse.id, [9, 17], first=WEEKS_AGO)
    late = store.subjects.create(label="P-2")
    answer(store, late.id, [8], first=NOW - timedelta(days=40))
    flagged = store.subjects.create(label="P-3")
    store.questionnaires.save(subject_id=flagged.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=NOW)
    store.subjects.create(label="P-4")
    app = open_page("home")
    said = html_of(app)
    assert "17 points, 8 more than on " in said
    assert "(RCI 2.4)" in said
    assert ", 40 days ago." in said
    assert "A person should speak with them now." in said
    assert people_of(app) == ["P-3", "P-1", "P-2"]
    questionnaires = [link.proto.query_string for link in app.get("page_link") if link.label == "Open questionnaire"]
    assert questionnaires == [f"subject={flagged.id}", f"subject={late.id}"]
    assert "at least 7 points above the first one" in words(app)


def test_clinical_estimates_are_a_reason_and_simulated_ones_never(installation: AppSettings, store: Store) -> None:
    for label, provenance in (("clinic", Provenance.CLINICAL), ("made up labels", Provenance.SIMULATED)):
        subject = store.subjects.create(label=label)
        for weeks, severity in ((2, 0.05), (0, 0.95)):
            plan = Plan(seconds=10, severity=severity, provenance=provenance)
            estimated(store, subject.id, plan, NOW - timedelta(weeks=weeks, hours=1))
    app = open_page("home")
    assert people_of(app) == ["clinic"]
    assert "All of its interval lies above that of " in html_of(app)


def test_nobody_is_said_with_the_rules(filled: AppSettings) -> None:
    said = words(open_page("home"))
    assert "Nobody, by the rules below." in said
    assert "By which rules" in said


def test_many_people_are_shown_on_demand(installation: AppSettings, store: Store) -> None:
    for number in range(SHOWN + 2):
        subject = store.subjects.create(label=f"P{number}")
        answer(store, subject.id, [20], first=NOW - timedelta(hours=number))
    app = open_page("home")
    assert people_of(app) == [f"P{number}" for number in range(SHOWN)]
    app = press(app, "Show 2 more people")
    assert len(people_of(app)) == SHOWN + 2


def test_labels_are_escaped(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="[x](javascript:1) <b>")
    answer(store, subject.id, [20], first=NOW)
    link = next(link for link in open_page("home").get("page_link") if link.proto.page.endswith("trends"))
    assert link.label == r"\[x\]\(javascript\:1\) \<b\>"


def test_an_installation_that_asks_nobody_says_so() -> None:
    assert due_words(None).startswith("never; Settings can say")
    assert due_words(1) == "the last questionnaire is older than 1 day, as Settings say."
