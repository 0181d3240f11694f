"""Trends: one person's sessions and questionnaires over time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import charts, context, data, ui
from db.records import SubjectSummary
from fer_phq.phq import Provenance


def choose(subjects: list[SubjectSummary]) -> SubjectSummary:
    """The subject named in the address or chosen; the address follows the choice."""
    ids = [subject.id for subject in subjects]
    by_id = dict(zip(ids, subjects, strict=True))
    if "trends_subject" not in st.session_state:
        st.session_state.trends_subject = next((i for i in ids if i == st.query_params.get("subject")), ids[0])
    chosen = st.selectbox("Subject", ids, format_func=lambda i: name(by_id[i]), key="trends_subject")
    st.query_params["subject"] = chosen
    return by_id[chosen]


def name(subject: SubjectSummary) -> str:
    """How a subject is called in a list: demonstration subjects are marked."""
    return f"{subject.label} (demonstration)" if subject.is_demo else subject.label


def choose_model(subject: SubjectSummary) -> str | None:
    """One model when a subject's sessions were analysed by several: estimates of two models are not one series."""
    models = context.store().subject_models(subject_id=subject.id)
    if len(models) < 2:
        return None
    return str(st.selectbox("Model", models, key=f"model_{subject.id}"))


def header(subject: SubjectSummary) -> None:
    """Who it is and how much there is."""
    badges = [ui.badge("Demonstration", "demo")] if subject.is_demo else []
    parts = [count(subject.sessions, "session"), count(subject.questionnaires, "questionnaire")]
    if subject.last_recorded_at is not None:
        parts.append(f"last recorded {ui.day(subject.last_recorded_at)}")
    ui.heading(subject.label, " · ".join(parts), badges)


def count(number: int, noun: str) -> str:
    """'1 session', '2 sessions'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def phq(trend: pd.DataFrame, answers: pd.DataFrame, span: charts.Span | None) -> None:
    """Estimates and questionnaire scores on one axis."""
    with ui.card("phq", "PHQ: questionnaires and model estimates"):
        if not len(answers) and trend["phq_score"].isna().all():
            ui.empty(
                "No scores yet", "Enter a questionnaire to see its score here. Estimates appear with analysed sessions."
            )
            return
        figure = charts.phq_trend(trend, answers, context.colours(), span=span)
        st.plotly_chart(
            figure,
            theme=None,
            config=charts.CONFIG,
            key="phq_trend",
            alt="PHQ estimates with intervals and questionnaire scores over time",
        )
        if (trend["phq_provenance"] == str(Provenance.SIMULATED)).any():
            ui.warn(ui.SIMULATED_SENTENCE)
        ui.note("Severity bands begin at 5, 10, 15 and 20 points (Kroenke 2001, 2009).")


def emotions(trend: pd.DataFrame, span: charts.Span | None) -> None:
    """Emotion shares, one bar a session."""
    with ui.card("emotions", "Emotion shares by session"):
        if not len(trend):
            ui.empty(
                "No analysed sessions yet", "Emotion shares appear here once a recording of this person was analysed."
            )
            return
        figure = charts.emotion_trend(trend, context.colours(), span=span)
        st.plotly_chart(
            figure,
            theme=None,
            config=charts.CONFIG,
            key="emotion_trend",
            alt="Emotion shares of each session over time",
        )


def page() -> None:
    """Load a subject's trend, then draw it."""
    store = context.store()
    subjects = store.list_subjects()
    if not subjects:
        ui.heading("Trends")
        with ui.card("none"):
            ui.empty("Nobody here yet", "A person's trend appears after the first recording or questionnaire.")
        st.page_link(ui.NEW_SESSION, label="Upload a recording")
        return
    title, boxes = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with boxes:
        subject = choose(subjects)
        model_id = choose_model(subject)
    with title:
        header(subject)
    trend = data.local_times(store.subject_trend(subject_id=subject.id, model_id=model_id), "recorded_at", ui.zone())
    answers = data.local_times(store.questionnaire_table(subject_id=subject.id), "answered_at", ui.zone())
    span = charts.date_span(trend["recorded_at"], answers["answered_at"])
    phq(trend, answers, span)
    emotions(trend, span)
    rows = store.recent_sessions(subject_id=subject.id, limit=50)
    if rows:
        with ui.card("sessions", "Sessions"):
            ui.session_rows(rows, "trends", with_subject=False)
    with st.container(horizontal=True):
        st.page_link(ui.NEW_SESSION, label="New session", icon=":material/add:", query_params={"subject": subject.id})
        st.page_link(
            ui.QUESTIONNAIRE, label="New questionnaire", icon=":material/add:", query_params={"subject": subject.id}
        )


page()
