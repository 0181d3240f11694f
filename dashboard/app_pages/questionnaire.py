"""Questionnaire: PHQ-8 and PHQ-9 in their own wording, scored and stored; item 9 asks for a person."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _
from dashboard.questionnaire.answers import CORRECTING, SAVED, form_card, result_card
from dashboard.questionnaire.history import history_card
from dashboard.questionnaire.importing import importing
from dashboard.questionnaire.item9 import item9_card
from dashboard.widgets import permission, ui
from dashboard.widgets.selection import show_subject, subject_on_show
from db.records import SubjectSummary
from fer_phq.core.phq import Scale
from service.views.questionnaires import load_questionnaires_view


def choose(subjects: list[SubjectSummary]) -> str | None:
    """Draw the choice of a subject, and return the label of a known or a new one."""
    labels = [subject.label for subject in subjects]
    if "phq_subject" not in st.session_state:
        subject_id = subject_on_show({subject.id for subject in subjects})
        st.session_state.phq_subject = next((s.label for s in subjects if s.id == subject_id), None)
    label = st.selectbox(
        _("Subject"),
        labels,
        accept_new_options=True,
        placeholder=_("Choose a subject or type a new code"),
        key="phq_subject",
    )
    return label.strip() if label and label.strip() else None


def page() -> None:
    """Choose the person and the scale, show what needs a person, take the answers."""
    store = context.store()
    subjects = store.subjects.list_all()
    title, boxes = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with title:
        ui.heading(_("Questionnaire"), _("PHQ-8 and PHQ-9, answered by the person themselves."))
    with boxes:
        label = choose(subjects)
    scale = Scale(st.segmented_control(_("Scale"), [str(s) for s in Scale], default=str(Scale.PHQ9), required=True))
    subject = next((s for s in subjects if s.label == label), None)
    if subject is not None:
        show_subject(subject.id)
    history = load_questionnaires_view(store, subject.id) if subject else None
    flagged = (
        [answer for answer in history.current if answer.item9_flag and answer.acknowledged_at is None]
        if history
        else []
    )
    if flagged:
        item9_card(flagged)
    saved = st.session_state.get(SAVED)
    if saved is not None and subject is not None and saved.subject_id == subject.id:
        result_card(saved)
    correction_id = st.session_state.get(CORRECTING)
    corrected = next((answer for answer in history.current if answer.id == correction_id), None) if history else None
    if permission.may_change():
        form_card(label, corrected.scale if corrected else scale, corrected)
    if history is not None:
        history_card(history)
    if permission.may_change():
        importing()


page()
