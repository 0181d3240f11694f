"""Trends: one person over time. Scores, estimates, emotions and measures, what has changed, and what happened."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard import charts, context
from dashboard.exports.downloads import trend_downloads
from dashboard.i18n import _, n_
from dashboard.trends.events import events_card
from dashboard.trends.measures import measures, periods
from dashboard.trends.notice import show_notice
from dashboard.trends.person import person_card
from dashboard.trends.phq import change, phq, with_change
from dashboard.trends.sharing import sharing_button
from dashboard.widgets import permission, ui
from dashboard.widgets.selection import show_subject, subject_on_show, unique_labels
from db.records import SubjectSummary
from service.views.trends import TrendsView, load_trends_view


def choose(subjects: list[SubjectSummary]) -> SubjectSummary:
    """Draw the choice of a subject and return it; the page's address names it."""
    ids = [subject.id for subject in subjects]
    by_id = dict(zip(ids, subjects, strict=True))
    labels = unique_labels({subject.id: ui.display_name(subject.label, subject.is_demo) for subject in subjects})
    if "trends_subject" not in st.session_state:
        st.session_state.trends_subject = subject_on_show(ids) or ids[0]
    selection = st.selectbox(_("Subject"), ids, format_func=labels.__getitem__, key="trends_subject")
    st.query_params["subject"] = selection
    show_subject(selection)
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


def emotions(view: TrendsView, span: charts.Span | None) -> None:
    """Draw the emotion shares, a bar for each session.

    Args:
        view: The subject over time.
        span: First and last moment of the time axis; None for what the sessions need.
    """
    with ui.card("emotions", _("Emotion shares by session"), anchor=True):
        if not len(view.sessions):
            ui.empty(
                _("No analysed sessions yet"),
                _("Emotion shares appear here once a recording of this person was analysed."),
            )
            return
        figure = charts.emotion_trend(view.local_sessions, context.colours(), span=span, events=view.local_events)
        st.plotly_chart(
            figure, theme=None, config=charts.dated(charts.CONFIG), key="emotion_trend",
            alt=_("Emotion shares of each session over time"),
        )  # fmt: skip


def targets(view: TrendsView) -> list[tuple[str, str]]:
    """Return the cards of the page that the jump list leads to, each with its word.

    Args:
        view: The subject over time.
    """
    cards = [("phq", _("PHQ")), ("change", _("Change over time")), ("emotions", _("Emotions"))]
    if len(view.sessions):
        cards.append(("measures", _("Measures")))
    cards.append(("events", _("Events")))
    if len(view.sessions):
        cards.append(("periods", _("Two periods")))
    if view.recent:
        cards.append(("sessions", _("Sessions")))
    cards.append(("take_away", _("Reports and data")))
    if permission.may_change():
        cards.append(("person", _("All data of this person")))
    return cards


def page() -> None:
    """Load a subject's trend, then draw it."""
    store = context.store()
    subjects = store.subjects.list_all()
    show_notice()
    if not subjects:
        ui.heading(_("Trends"))
        with ui.card("none"):
            ui.empty(_("Nobody here yet"), _("A person's trend appears after the first recording or questionnaire."))
        if permission.may_change():
            st.page_link(ui.NEW_SESSION, label=_("Upload a recording"))
        return
    title, boxes = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with boxes:
        subject = choose(subjects)
        model_id = choose_model(subject)
    with title:
        header(subject)
    load = functools.partial(
        load_trends_view, store, subject, ui.zone(), model_id=model_id, prefer_model=context.preferred_model()
    )
    view = load()
    ui.jumps(targets(view))
    if counting := ui.counting_sentence(view.sessions):
        ui.warn(counting)
    if made_up := ui.demonstration_sentence(view.demonstrations):
        ui.warn(made_up)
    if withdrawal := ui.withdrawn_sentence(view.withdrawn):
        ui.warn(withdrawal)
    answers = with_change(view)
    span = charts.date_span(view.local_sessions["recorded_at"], answers["answered_at"], view.local_events["at"])
    phq(view, answers, span)
    change(view)
    emotions(view, span)
    if len(view.sessions):
        measures(view, span)
    events_card(subject.id, view.events)
    if len(view.sessions):
        periods(view)
    if view.recent:
        with ui.card("sessions", _("Sessions"), anchor=True):
            ui.session_rows(view.recent, with_subject=False)
    with (
        ui.card("take_away", _("Reports and data"), anchor=True),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        trend_downloads(subject, load)
        sharing_button(subject)
    person_card(subject, subjects)
    if permission.may_change():
        new_links(subject)


def new_links(subject: SubjectSummary) -> None:
    """Draw the ways to another session and another questionnaire of the subject."""
    with st.container(horizontal=True):
        st.page_link(
            ui.NEW_SESSION, label=_("New session"), icon=":material/add:", query_params={"subject": subject.id}
        )
        st.page_link(
            ui.QUESTIONNAIRE, label=_("New questionnaire"), icon=":material/add:", query_params={"subject": subject.id}
        )


page()
