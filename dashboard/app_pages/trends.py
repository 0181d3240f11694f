"""Trends: one person over time. Scores, estimates, emotions and measures, what has changed, and what happened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import charts, context, loaders
from dashboard.exports.downloads import trend_downloads
from dashboard.i18n import _, n_
from dashboard.trends.events import event_table, events_card
from dashboard.trends.measures import measures, periods
from dashboard.trends.phq import change, own_baseline, phq, scores_of, with_change
from dashboard.widgets import ui
from db.records import SubjectSummary
from fer_phq.features.measures import MEASURES
from fer_phq.longitudinal.change import changes_since_baseline
from service.views import trends

NAMES = [measure.name for measure in MEASURES]


def choose(subjects: list[SubjectSummary]) -> SubjectSummary:
    """Draw the choice of a subject and return it; the page's address names it."""
    ids = [subject.id for subject in subjects]
    by_id = dict(zip(ids, subjects, strict=True))
    if "trends_subject" not in st.session_state:
        st.session_state.trends_subject = next((i for i in ids if i == st.query_params.get("subject")), ids[0])
    selection = st.selectbox(
        _("Subject"), ids, format_func=lambda i: ui.display_name(by_id[i].label, by_id[i].is_demo), key="trends_subject"
    )
    st.query_params["subject"] = selection
    return by_id[selection]


def choose_model(subject: SubjectSummary) -> str | None:
    """Draw the choice of a model where several analysed the sessions; None is the active one, then any.

    What others found stands for sessions that the active model has not analysed.
    """
    models: list[str | None] = [None, *context.store().trends.list_models(subject_id=subject.id)]
    if len(models) < 3:
        return None
    return st.selectbox(
        _("Model"), models, key=f"model_{subject.id}",
        format_func=lambda option: option or _("Active model, others where it has not analysed"),
    )  # fmt: skip


def header(subject: SubjectSummary) -> None:
    """Draw who the subject is and how much there is of them."""
    badges = [ui.badge(_("Demonstration"), "demo")] if subject.is_demo else []
    parts = [
        n_("{n} session", "{n} sessions", subject.sessions),
        n_("{n} questionnaire", "{n} questionnaires", subject.questionnaires),
    ]
    if subject.last_recorded_at is not None:
        parts.append(_("last recorded {day}").format(day=ui.day(subject.last_recorded_at)))
    ui.heading(subject.label, " · ".join(parts), badges)


def emotions(trend: pd.DataFrame, span: charts.Span | None, events: pd.DataFrame) -> None:
    """Draw the emotion shares, a bar for each session.

    Args:
        trend: A row for each session, with `recorded_at` and the seven emotions.
        span: First and last moment of the time axis; None for what the sessions need.
        events: A row for each event, with `at`, `mark` and `words`.
    """
    with ui.card("emotions", _("Emotion shares by session")):
        if not len(trend):
            ui.empty(
                _("No analysed sessions yet"),
                _("Emotion shares appear here once a recording of this person was analysed."),
            )
            return
        figure = charts.emotion_trend(trend, context.colours(), span=span, events=events)
        st.plotly_chart(
            figure, theme=None, config=charts.dated(charts.CONFIG), key="emotion_trend",
            alt=_("Emotion shares of each session over time"),
        )  # fmt: skip


def page() -> None:
    """Load a subject's trend, then draw it."""
    store = context.store()
    subjects = store.subjects.list_all()
    if not subjects:
        ui.heading(_("Trends"))
        with ui.card("none"):
            ui.empty(_("Nobody here yet"), _("A person's trend appears after the first recording or questionnaire."))
        st.page_link(ui.NEW_SESSION, label=_("Upload a recording"))
        return
    title, boxes = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with boxes:
        subject = choose(subjects)
        model_id = choose_model(subject)
    with title:
        header(subject)
    preferred = context.preferred_model()
    trend = store.trends.load(subject_id=subject.id, model_id=model_id, prefer_model=preferred, measures=NAMES)
    answers = store.trends.questionnaires(subject_id=subject.id)
    changes = changes_since_baseline(scores_of(answers))
    baseline = own_baseline(trend, store.questionnaires.list_by_subject(subject_id=subject.id))
    happened = store.events.list_by_subject(subject_id=subject.id)
    answers = trends.with_breaks(with_change(loaders.local_times(answers, "answered_at", ui.zone()), changes))
    trend = loaders.local_times(trend, "recorded_at", ui.zone())
    events = event_table(happened)
    span = charts.date_span(trend["recorded_at"], answers["answered_at"], events["at"])
    phq(trend, answers, span, events)
    change(changes, baseline)
    emotions(trend, span, events)
    if len(trend):
        measures(trend, span, events)
    events_card(subject.id, happened)
    if len(trend):
        periods(trend, answers)
    rows = store.sessions.list_recent(subject_id=subject.id, limit=50, prefer_model=preferred)
    if rows:
        with ui.card("sessions", _("Sessions")):
            ui.session_rows(rows, "trends", with_subject=False)
    with ui.card("take_away"), st.container(horizontal=True, vertical_alignment="center"):
        trend_downloads(subject, preferred, model_id)
    with st.container(horizontal=True):
        st.page_link(
            ui.NEW_SESSION, label=_("New session"), icon=":material/add:", query_params={"subject": subject.id}
        )
        st.page_link(
            ui.QUESTIONNAIRE, label=_("New questionnaire"), icon=":material/add:", query_params={"subject": subject.id}
        )


page()
