"""Trends: measures, events, periods, and what several models leave apart."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape

import pytest
from shown_pages import WHEN, answer, calm, estimated, html_of, open_page, press, words
from sqlalchemy import text
from synthetic_sessions import Plan, recording_info, seed_store, synthetic_analysis

from db.engine import normalise_url, open_engine
from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.analysis import Settings, SpeakerChoice
from fer_phq.core.phq import Provenance
from fer_phq.features.measures import MEASURES, versioned_measures
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.speakers.turn import Turn
from service.settings import AppSettings


@pytest.fixture
def person(installation: AppSettings, store: Store) -> SubjectRecord:
    """Somebody with eight sessions and four questionnaires."""
    return seed_store(store, subjects=1, sessions=8, seconds=30, now=WHEN)[0]


def test_measures_can_be_chosen(person: SubjectRecord) -> None:
    app = open_page("trends", subject=person.id)
    chooser = app.multiselect(key="trend_measures")
    assert {"Expressivity", "Speech rate"} <= set(chooser.options)
    assert "Happiness" not in chooser.options, "shares have a chart of their own"
    said = words(calm(chooser.set_value(["loudness_sd", "words_a_minute"]).run()))
    assert "Loudness variation, dB" in said
    assert "Not measured here: Words." in said, "nobody gave a transcript"
    assert "Speech rate, syllables" not in said.split("Compare two periods")[0]
    assert all(measure.description in html_of(app) for measure in MEASURES if measure.name == "loudness_sd")
    assert "Choose at least one measure that" in words(calm(app.multiselect(key="trend_measures").set_value([]).run()))


def test_a_broken_line_has_its_true_reason(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    for weeks, coverage in ((0, 0.9), (1, 0.2), (2, 0.9), (12, 0.9)):
        at = WHEN + timedelta(weeks=weeks)
        info = recording_info(weeks, 60.0)
        session = store.sessions.create(
            subject_id=subject.id, recorded_at=at, recording=info, original_name="a.mp4", media_path=None
        )
        analysis = synthetic_analysis(weeks, Plan(seconds=60, coverage=coverage), info)
        found = versioned_measures(analysis, Settings())
        store.analyses.save(session_id=session.id, analysis=analysis, measures=found)
    said = html_of(open_page("trends", subject=subject.id))
    assert "more than 21 days apart: 16 Mar 2026 to 25 May 2026." in said
    assert "Not measured: 9 Mar 2026 (face seen in 18 %)." in said
    for other in ("where another model measured", "more or less often a second:", "was seen again:"):
        assert other not in said


def test_voices_that_were_told_otherwise_are_joined_by_no_line_in_silence(
    installation: AppSettings, store: Store
) -> None:
    """By the mouth, by a transcript, and at last by nothing: turn taking is missing, and the voice is everybody's."""
    subject = store.subjects.create(label="P-1")
    choices = (SpeakerChoice.MOUTH, SpeakerChoice.MOUTH, SpeakerChoice.TRANSCRIPT, SpeakerChoice.MOUTH_STILL)
    turns = [Turn(4.0 * n, 4.0 * n + 3, 1 + n % 2, 1.0) for n in range(15)]
    for weeks, choice in enumerate(choices):
        info = recording_info(weeks, 60.0)
        session = store.sessions.create(
            subject_id=subject.id, recorded_at=WHEN + timedelta(weeks=weeks), recording=info, original_name="a.mp4",
            media_path=None,
        )  # fmt: skip
        series = turn_series(turns, None if choice is SpeakerChoice.MOUTH_STILL else 2, BY_VOICES)
        analysis = synthetic_analysis(weeks, Plan(seconds=60), info)
        analysis = replace(analysis, turns=series, speaker_choice=choice)
        found = versioned_measures(analysis, Settings()) | {"pitch_sd": 2.0}
        store.analyses.save(session_id=session.id, analysis=analysis, measures=found)
    app = open_page("trends", subject=subject.id)
    said = html_of(calm(app.multiselect(key="trend_measures").set_value(["pitch_sd", "response_time"]).run()))
    assert (
        "of turn taking are broken where who speaks, or which speaker is the person, was told in another way: " in said
    )
    assert "or everybody's was measured: 16 Mar 2026, 23 Mar 2026." in unescape(said)
    assert "turn taking are broken where who speaks, or which speaker is the person, was told in another way" in said
    assert "was told in another way: 16 Mar 2026." in said
    assert "Turn taking of the person is missing in 1 of 4 sessions" in said
    assert "a difference in turn taking may be that alone" in said
    assert "Response time, ms" in words(app)


def test_the_jump_list_leads_to_cards_that_are_there(person: SubjectRecord, store: Store) -> None:
    bare = store.subjects.create(label="P-2")
    for subject, cards in ((person, 9), (bare, 6)):
        app = open_page("trends", subject=subject.id)
        targets = re.findall(r'href="#(\w+)"', html_of(app))
        anchors = {head.proto.anchor for head in app.subheader}
        assert len(targets) == cards
        assert set(targets) <= anchors


def test_sessions_without_measures_say_so(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    estimated(store, subject.id, Plan(), WHEN)
    said = words(open_page("trends", subject=subject.id))
    assert "Nothing measured yet" in said
    assert "Two days with sessions or questionnaires are needed" in said


def test_sessions_that_were_counted_by_frames_are_told(person: SubjectRecord, installation: AppSettings) -> None:
    sentence = "sessions an earlier version counted coverage and shares by frames, not by time"
    assert sentence not in words(open_page("trends", subject=person.id))
    with open_engine(normalise_url(installation.database_url)).begin() as connection:
        connection.execute(text("DROP TRIGGER analyses_written_once"))
        connection.execute(text("UPDATE analyses SET end_s = NULL WHERE coverage > 0"))
    for page in ("trends", "cohort"):
        assert f"Of 8 {sentence}" in words(open_page(page, subject=person.id))


def test_demonstration_sessions_are_told_in_a_sentence(installation: AppSettings, store: Store) -> None:
    made_up = seed_store(store, subjects=1, sessions=8, seconds=30, now=WHEN)[0]
    assert "8 sessions on this page are demonstrations: made up, of nobody." in words(
        open_page("trends", subject=made_up.id)
    )
    real = store.subjects.create(label="P-1").id
    estimated(store, real, Plan(seconds=30), WHEN)
    assert "on this page" not in words(open_page("trends", subject=real))


def test_a_withdrawn_consent_is_said_wherever_the_session_is_shown(person: SubjectRecord, store: Store) -> None:
    sentence = "of these sessions was withdrawn"
    assert sentence not in words(open_page("trends", subject=person.id))
    first, second, *_ = store.sessions.list_recent(subject_id=person.id)
    for row in (first, second):
        store.sessions.withdraw_consent(session_id=row.session.id)
    assert f"The consent to 2 {sentence}: they are shown" in words(open_page("trends", subject=person.id))
    assert "Consent withdrawn" in words(open_page("session", session=first.session.id))


def test_events_are_noted_drawn_and_removed(person: SubjectRecord, store: Store) -> None:
    app = open_page("trends", subject=person.id)
    assert "Nothing noted yet" in words(app)
    app.date_input(key="event_day").set_value(date(2026, 2, 14))
    next(box for box in app.text_input if box.label == "What happened").set_value("<b>Sertraline</b> begun")
    app = press(app, "Add event")
    (event,) = store.events.list_by_subject(subject_id=person.id)
    assert (event.at.date(), event.words) == (date(2026, 2, 14), "<b>Sertraline</b> begun")
    page = " ".join(str(getattr(node.proto, "body", "")) for node in app.main if node.type == "html")
    assert "&lt;b&gt;Sertraline&lt;/b&gt; begun" in page
    assert "<b>Sertraline" not in page
    drawn = [node for node in app.main if node.type == "plotly_chart" and "14 Feb 2026" in str(node.proto)]
    assert len(drawn) == 3, "scores, emotions and measures"
    app = press(app, "Remove")
    assert store.events.list_by_subject(subject_id=person.id) == []
    assert "Nothing noted yet" in words(app)


def test_an_event_needs_words(person: SubjectRecord, store: Store) -> None:
    app = open_page("trends", subject=person.id)
    next(button for button in app.button if button.label == "Add event").click()
    app.run()
    assert not app.exception
    assert [box.value for box in app.error] == ["Say in a few words what happened."]
    assert store.events.list_by_subject(subject_id=person.id) == []


def test_two_periods_are_compared(person: SubjectRecord) -> None:
    app = open_page("trends", subject=person.id)
    said = html_of(app)
    assert "of 4" in said
    assert "no test is made here" in said
    first, second = app.date_input(key="first_period"), app.date_input(key="second_period")
    assert first.value[1] < second.value[0]
    one_day = (second.value[1], second.value[1])
    app = calm(second.set_value(one_day).run())
    assert "Too few sessions to say" in html_of(app)
    never = date(2024, 1, 1)
    app.date_input(key="first_period").set_value((never, never))
    app = calm(app.date_input(key="second_period").set_value((never, never)).run())
    assert "Neither period has a session" in words(app)


def test_estimates_of_two_models_stay_apart(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    answer(store, subject.id, [12] * 4)
    for week, model in enumerate(("one-11111111", "one-11111111", "two-22222222", "two-22222222", "two-22222222")):
        plan = Plan(provenance=Provenance.CLINICAL, model_id=model)
        estimated(store, subject.id, plan, WHEN + timedelta(weeks=week))
    app = open_page("trends", subject=subject.id)
    said = words(app)
    assert "They are not one series" in said
    assert re.search(r"Model estimate with interval,\S+one-11111111", said), "which, in a second line"
    assert "there are 2." in said or "from 3 sessions" in said, "the baseline is of one head's estimates alone"
    chooser = next(box for box in app.selectbox if box.label == "Model")
    assert chooser.options[1:] == ["one-11111111", "two-22222222"]
    said = words(calm(chooser.set_value("one-11111111").run()))
    assert "They are not one series" not in said


def test_going_back_to_a_model_shows_its_analyses(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    info = recording_info(1, 60.0)
    session = store.sessions.create(
        subject_id=subject.id, recorded_at=WHEN, recording=info, original_name="a.mp4", media_path=None
    )
    for model, severity in (("one-11111111", 0.9), ("two-22222222", 0.1)):
        plan = Plan(seconds=60, severity=severity, model_id=model, provenance=Provenance.CLINICAL)
        store.analyses.save(session_id=session.id, analysis=synthetic_analysis(1, plan, info))
    scores = {
        one.model_id: f"{one.phq.score:.0f} ({one.phq.low:.0f}"  # type: ignore[union-attr]
        for one in store.sessions.get_detail(session_id=session.id).analyses
    }
    for model in ("two-22222222", "one-11111111"):
        store.settings.set(key="active_model", value=model)
        assert scores[model] in html_of(open_page("home"))
        assert scores[model] in html_of(open_page("trends", subject=subject.id))
