"""Every page over an empty and over a filled store, run by Streamlit's own test runner."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from shown_pages import MAIN, WHEN, answer, calm, estimated, html_of, open_page, plain, press, words
from streamlit.testing.v1 import AppTest
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from db.records import AttentionKind, JobState
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.messages import literal
from fer_phq.core.phq import PhqEstimate, PhqUnavailable, Provenance, Scale, UnavailableReason
from fer_phq.models.checkpoint import find_bundle
from service.demo.content import CLIPS, LABEL
from service.settings import AppSettings

ROOT = Path(__file__).parents[2]
PAGES = ["home", "new_session", "live", "session", "trends", "cohort", "models", "questionnaire", "settings"]


def images(app: AppTest) -> int:
    """How many pictures a page shows."""
    return sum(node.type in ("image", "imgs") for node in app.main)


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("name", PAGES)
def test_pages_of_an_empty_store_say_what_to_do(name: str) -> None:
    said = words(open_page(name))
    assert "Not a diagnosis" in said
    expected = {
        "home": "Upload a recording",
        "new_session": "Choose a subject or type a new code",
        "live": "Nothing is stored unless you keep it",
        "session": "Upload a recording",
        "trends": "Upload a recording",
        "cohort": "No analysed sessions yet",
        "questionnaire": "Over the last 2 weeks",
        "models": "Train from your sessions",
        "settings": "Keep new recordings for (days)",
    }
    assert expected[name] in said


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("name", PAGES)
def test_pages_of_a_filled_store_show_no_error(name: str) -> None:
    assert "Not a diagnosis" in words(open_page(name))


@pytest.mark.usefixtures("filled")
def test_home_lists_sessions_and_low_coverage(store: Store) -> None:
    said = words(open_page("home"))
    assert "DEMO-01" in said
    assert "Low coverage" in said
    assert any(item.kind is AttentionKind.LOW_COVERAGE for item in store.triage.list_items())


def test_the_empty_home_loads_the_demonstration(installation: AppSettings, store: Store) -> None:
    app = press(open_page("home"), "Load the demonstration")
    (subject,) = store.subjects.list_all()
    assert subject.is_demo
    queued = store.jobs.list_newest(states=[JobState.QUEUED])
    assert sorted(view.original_name for view in queued) == [clip.path.name for clip in CLIPS]
    said = words(app)
    assert "Being analysed" in said
    assert "Load the demonstration" not in said


def test_a_name_that_is_in_use_is_said_and_nothing_is_queued(installation: AppSettings, store: Store) -> None:
    store.subjects.create(label=LABEL)
    app = open_page("home")
    next(button for button in app.button if button.label == "Load the demonstration").click().run()
    assert "is not the demonstration" in app.error[0].value
    assert store.jobs.list_newest() == []


def test_home_shows_a_failed_job_with_its_sentence(installation: AppSettings, store: Store) -> None:
    session_id = bare_session(store)
    job = store.jobs.create(session_id=session_id)
    store.jobs.set_state(
        job_id=job.id, state=JobState.FAILED, error=literal("This file holds no video; choose another one.")
    )
    assert "This file holds no video" in words(open_page("home"))
    assert "This file holds no video" in words(open_page("session", session=session_id))


@pytest.mark.usefixtures("filled")
def test_a_simulated_estimate_never_stands_alone(store: Store) -> None:
    row = next(
        r for r in store.sessions.list_recent(limit=50) if r.analysis and isinstance(r.analysis.phq, PhqEstimate)
    )
    said = words(open_page("session", session=row.session.id))
    assert "Demonstration only: this head was trained on simulated labels" in said
    assert "Simulated labels" in said
    assert "interval" in said


def test_no_band_is_named_when_the_interval_spans_several(installation: AppSettings, store: Store) -> None:
    session_id = bare_session(store)
    store.analyses.save(session_id=session_id, analysis=analysis(Plan(provenance=Provenance.CLINICAL)))
    said = words(open_page("session", session=session_id))
    assert "no single band can be named" in said
    assert "Demonstration only" not in said


def test_a_withheld_estimate_says_why(installation: AppSettings, store: Store) -> None:
    session_id = bare_session(store)
    found = analysis(Plan(coverage=0.1))
    assert isinstance(found.phq, PhqUnavailable)
    assert found.phq.reason is UnavailableReason.LOW_COVERAGE
    store.analyses.save(session_id=session_id, analysis=found)
    said = words(open_page("session", session=session_id))
    assert "No estimate" in said
    assert "The face was seen in too little of the recording." in said


def test_analyses_of_two_models_can_be_chosen(installation: AppSettings, store: Store) -> None:
    session_id = bare_session(store)
    for model_id in ("first-11111111", "second-22222222"):
        store.analyses.save(session_id=session_id, analysis=analysis(Plan(model_id=model_id)), settings=Settings())
    app = open_page("session", session=session_id)
    chooser = next(box for box in app.selectbox if box.label == "Analysis")
    assert len(chooser.options) == 2
    calm(chooser.select_index(1).run())


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_lines_instead_of_areas(store: Store) -> None:
    app = open_page("session")
    calm(app.segmented_control[0].set_value("Lines").run())


@pytest.mark.usefixtures("installation")
def test_an_unknown_session_is_an_error_in_words() -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.query_params["session"] = "00000000-0000-0000-0000-000000000000"
    app.run()
    app.switch_page("app_pages/session.py")
    app.query_params["session"] = "00000000-0000-0000-0000-000000000000"
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert "There is no session" in app.error[0].value
    assert "Not a diagnosis" in words(app)


@pytest.mark.usefixtures("filled")
def test_trends_of_the_subject_in_the_address(store: Store) -> None:
    subject = store.subjects.find(label="DEMO-02")
    assert subject is not None
    app = open_page("trends", subject=subject.id)
    assert app.title[0].value == "DEMO-02"
    assert "Demonstration" in words(app)


def test_trends_of_a_subject_without_sessions(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    said = words(open_page("trends", subject=subject.id))
    assert "No scores yet" in said
    assert "No analysed sessions yet" in said


def test_change_since_the_first_questionnaire_is_judged_by_one_rule(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    answer(store, subject.id, [18, 17, 13, 6])
    app = open_page("trends", subject=subject.id)
    said = words(app)
    assert "Change since baseline" in said
    assert facts_of(app) == [
        ("PHQ-9 baseline", "18 points, 2 Mar 2026"),
        ("Latest PHQ-9", "6 points, 13 Apr 2026"),
        ("Difference", "12 points lower"),
        ("Reliable change", "Yes, improved (RCI −3.7)"),
        ("Since the one before, 30 Mar 2026", "7 points lower. Reliable change: Yes, improved (RCI −2.1)"),
    ]
    for source in ("Jacobson & Truax 1991", "Kroenke 2001", "7 points"):
        assert source in html_of(app)
    assert "ersonal baseline" not in said, "there is no estimate that it could be about"
    assert "Reliable change since baseline" in said
    assert "Since the baseline of 2 Mar 2026: 5 points lower,<br>not a reliable change" in plain(said)


def test_a_small_change_is_called_none(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    answer(store, subject.id, [9, 10])
    facts = dict(facts_of(open_page("trends", subject=subject.id)))
    assert facts["Difference"] == "1 point higher"
    assert facts["Reliable change"] == "No (RCI 0.3)"
    assert "5 points or more" not in facts


def test_one_questionnaire_of_each_scale_is_no_change(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    assert "A change needs two on the same scale" in words(open_page("trends", subject=subject.id))
    answer(store, subject.id, [18])
    answer(store, subject.id, [3], Scale.PHQ8)
    app = open_page("trends", subject=subject.id)
    assert facts_of(app) == []
    assert "PHQ-8: one questionnaire so far" in words(app)
    assert "PHQ-9: one questionnaire so far" in words(app)
    assert "Jacobson" not in words(app)


def test_estimates_of_a_clinical_head_get_a_personal_baseline(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    answer(store, subject.id, [12, 12])
    for week in (0, 2, 4):
        estimated(store, subject.id, Plan(provenance=Provenance.CLINICAL), WHEN + timedelta(weeks=week))
    said = words(open_page("trends", subject=subject.id))
    assert "needs 3 sessions with a PHQ-8 score within 14 days; there are 2." in said
    answer(store, subject.id, [12], first=WHEN + timedelta(weeks=4))
    said = words(open_page("trends", subject=subject.id))
    # The plan's seed estimates the same in each session; three pairs leave three quarters of the difference.
    found = analysis(Plan(provenance=Provenance.CLINICAL)).phq
    assert isinstance(found, PhqEstimate)
    offset = 0.75 * (12 - found.score)
    side = "above" if offset > 0 else "below"
    assert f"lie {abs(offset):.1f} points {side} those of {found.model_id}, the head of the last recorded" in said
    assert "(standard error 2.1), from 3 sessions" in said


def test_estimates_of_a_simulated_head_get_none(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    answer(store, subject.id, [12, 12, 12])
    for week in (0, 2, 4):
        estimated(store, subject.id, Plan(), WHEN + timedelta(weeks=week))
    said = words(open_page("trends", subject=subject.id))
    assert "There is no personal baseline of the estimates" in said
    assert "standard error" not in said


def test_a_questionnaire_is_scored_and_stored(installation: AppSettings, store: Store) -> None:
    store.subjects.create(label="P-1")
    app = open_page("questionnaire")
    app.selectbox(key="phq_subject").set_value("P-1")
    for radio in app.radio:
        radio.set_value(1)
    app.radio[8].set_value(0)
    app.button[0].click()
    calm(app.run())
    subject = store.subjects.find(label="P-1")
    assert subject is not None
    saved = store.questionnaires.list_by_subject(subject_id=subject.id)
    assert [(q.total, q.scale, q.item9_flag) for q in saved] == [(8, Scale.PHQ9, False)]
    assert "of 27 points on PHQ-9: mild" in words(app)
    assert "Please act now" not in words(app)


def test_an_incomplete_questionnaire_is_not_stored(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    app = open_page("questionnaire", subject=subject.id)
    for radio in app.radio[:7]:
        radio.set_value(1)
    app.button[0].click()
    calm(app.run())
    assert "Still open: 8, 9." in words(app)
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == []


def test_item_9_asks_for_a_person_until_one_was_there(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    store.settings.set(key="help_line", value="Call the ward on extension 12.")
    store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=WHEN)
    app = open_page("questionnaire", subject=subject.id)
    said = words(app)
    assert "A person should speak with them now" in said
    assert "Call the ward on extension 12." in said
    assert "Item 9 answered" in words(open_page("home"))
    app.text_input(key="item9_by").set_value("AB").run()
    next(button for button in app.button if "has spoken" in button.label).click()
    calm(app.run())
    assert "A person should speak with them now" not in words(app)
    assert not store.triage.list_items()


def test_upload_needs_subject_consent_and_a_name(installation: AppSettings, store: Store) -> None:
    app = open_page("new_session")
    app.button[0].click()
    calm(app.run())
    assert "Choose or type a subject. Confirm the consent. Say who recorded the consent." in words(app)
    assert store.subjects.list_all() == []


def test_upload_begins_with_consent(installation: AppSettings, store: Store) -> None:
    store.subjects.create(label="P-7")
    app = open_page("new_session")
    app.selectbox[0].set_value("P-7")
    app.checkbox(key="agreed").set_value(True)
    app.text_input(key="operator_input").set_value("AB")
    app.button[0].click()
    calm(app.run())
    said = words(app)
    assert "Consent recorded by AB" in said
    assert "P\\\\-7" in said or "P-7" in said


@pytest.mark.slow
def test_what_the_model_looked_at_is_shown_on_request(filled: AppSettings, store: Store) -> None:
    session_id = looked_at_with(store, find_bundle().model_id)
    app = open_page("session", session=session_id)
    before = images(app)
    assert "It shows where, not why" not in words(app)
    (looks,) = (toggle for toggle in app.toggle if "looked at" in toggle.label)
    looks.set_value(True).run(timeout=180)
    said = words(calm(app))
    assert images(app) == before + 1
    assert "on a grid of 6 by 6. It shows where, not why" in said
    assert "linear-gradient(90deg,#440154" in said


def test_a_model_that_is_gone_cannot_say_what_it_looked_at(filled: AppSettings, store: Store) -> None:
    app = open_page("session", session=looked_at_with(store, "gone-01234567"))
    before = images(app)
    (looks,) = (toggle for toggle in app.toggle if "looked at" in toggle.label)
    looks.set_value(True).run()
    assert "The model gone-01234567 that made this analysis is not on this machine any more" in words(calm(app))
    assert images(app) == before


def test_erasing_a_session_asks_first(filled: AppSettings, store: Store) -> None:
    before = len(store.sessions.list_recent(limit=50))
    app = open_page("session")
    next(button for button in app.button if button.label == "Erase session").click()
    calm(app.run())
    assert next(button for button in app.button if button.label == "Erase").disabled
    assert len(store.sessions.list_recent(limit=50)) == before


def test_consent_given_later_is_recorded(installation: AppSettings, store: Store) -> None:
    session_id = bare_session(store)
    app = open_page("session", session=session_id)
    assert "No consent recorded" in words(app)
    app.text_input(key="late_consent_by").set_value("AB").run()
    next(button for button in app.button if button.label == "The person has agreed").click()
    assert "No consent recorded" not in words(calm(app.run()))
    consent = store.sessions.get(session_id=session_id).consent
    assert consent is not None
    assert consent.by == "AB"


@pytest.mark.slow
def test_labels_cannot_smuggle_markup(installation: AppSettings, store: Store) -> None:
    session_id = bare_session(store, label="<img src=x onerror=alert(1)>")
    store.jobs.create(session_id=session_id)
    for name in PAGES:
        page = open_page(name, session=session_id)
        html = " ".join(str(getattr(node.proto, "body", "")) for node in page.main if node.type == "html")
        assert "<img src=x" not in html


@pytest.mark.slow
def test_the_dashboard_starts_without_what_few_pages_need() -> None:
    heavy = ("torch", "dbos", "scipy", "sklearn", "matplotlib")
    code = (
        "import sys; import dashboard.launch, dashboard.loaders, dashboard.review.admin, dashboard.widgets.jobs; "
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def facts_of(app: AppTest) -> list[tuple[str, str]]:
    """The names and values that a page shows in grids."""
    return re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html_of(app))


def analysis(plan: Plan) -> SessionAnalysis:
    return synthetic_analysis(5, plan, recording_info(5, plan.seconds))


def looked_at_with(store: Store, model_id: str) -> str:
    """A session with the filled store's recording and an analysis by this model."""
    source = next(r for r in store.sessions.list_recent(limit=50) if r.session.media_path).session
    info = recording_info(8, source.duration_s)
    session = store.sessions.create(
        subject_id=source.subject_id,
        recorded_at=WHEN,
        recording=info,
        original_name="looked.mp4",
        media_path=source.media_path,
    )
    plan = Plan(seconds=info.duration_s, model_id=model_id, coverage=1.0)
    store.analyses.save(session_id=session.id, analysis=synthetic_analysis(8, plan, info))
    return session.id


def bare_session(store: Store, label: str = "P-1") -> str:
    """A session without an analysis and without its recording's file."""
    subject = store.subjects.get_or_create(label=label)
    session = store.sessions.create(
        subject_id=subject.id,
        recorded_at=WHEN,
        recording=recording_info(5, 90.0),
        original_name="one.mp4",
        media_path=None,
    )
    assert np.isfinite(session.duration_s)
    return session.id
