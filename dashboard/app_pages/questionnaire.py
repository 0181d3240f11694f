"""Questionnaire: PHQ-8 and PHQ-9 in their own wording, scored and stored; item 9 asks for a person."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from dashboard import context, ui
from db.records import QuestionnaireRecord, SubjectSummary
from fer_phq.phq import ANSWERS, CREDIT, ITEMS, PREAMBLE, Scale, score_items

HELP_KEY = "help_line"
HELP_DEFAULT = (
    "In immediate danger call the local emergency number (112 in the European Union, 911 in the United States). "
    "Crisis lines by country: findahelpline.com."
)
ITEM_9 = (
    "An answer to item 9 (thoughts of being better off dead, or of self-harm) is not zero. A person should speak with "
    "them now, today, whatever the total is. Do not leave this to a message or to this software."
)


def choose(subjects: list[SubjectSummary]) -> str | None:
    """The label of a known or a new subject."""
    labels = [subject.label for subject in subjects]
    if "phq_subject" not in st.session_state:
        wanted = st.query_params.get("subject")
        st.session_state.phq_subject = next((s.label for s in subjects if s.id == wanted), None)
    label = st.selectbox(
        "Subject", labels, accept_new_options=True, placeholder="Choose a subject or type a new code", key="phq_subject"
    )
    return label.strip() if label and label.strip() else None


def form(scale: Scale) -> tuple[list[int | None], datetime] | None:
    """The items; the answers and when they were given, once sent."""
    with st.form(f"items_{scale}", border=False):
        st.markdown(f"**{PREAMBLE}**")
        answers = [
            st.radio(
                f"{number}. {item}",
                range(4),
                index=None,
                format_func=ANSWERS.__getitem__,
                horizontal=True,
                key=f"{scale}_{number}",
            )
            for number, item in enumerate(ITEMS[: scale.items], start=1)
        ]
        now = datetime.now(ui.zone())
        left, right, _ = st.columns([0.25, 0.2, 0.55])
        day = left.date_input("Answered on", value=now.date(), max_value="today", format="YYYY-MM-DD")
        hour = right.time_input("At", value=now.time().replace(second=0, microsecond=0))
        if not st.form_submit_button("Save questionnaire", type="primary"):
            return None
    return answers, min(datetime.combine(day, hour, tzinfo=ui.zone()), now)


def save(label: str | None, scale: Scale, answers: list[int | None], at: datetime) -> None:
    """Score and store a complete questionnaire; otherwise say what is missing."""
    open_items = [str(i) for i, answer in enumerate(answers, start=1) if answer is None]
    if label is None:
        ui.warn("Choose or type a subject before saving.")
    elif open_items:
        ui.warn(f"Every item needs an answer. Still open: {', '.join(open_items)}.")
    else:
        items = [int(answer) for answer in answers if answer is not None]
        score_items(items, scale)
        store = context.store()
        subject = store.get_or_create_subject(label=label)
        saved = store.save_questionnaire(subject_id=subject.id, scale=scale, items=items, answered_at=at)
        for number in range(1, scale.items + 1):
            st.session_state.pop(f"{scale}_{number}", None)
        st.session_state.phq_saved = saved
        st.rerun()


def result(saved: QuestionnaireRecord) -> None:
    """What was saved."""
    with ui.card("result"):
        st.html(
            f'<p class="fp-estimate"><span class="number">{saved.total}</span><span class="interval">of '
            f'{saved.scale.maximum} points on {saved.scale}: {saved.band}<br><span class="fp-lead">Saved for '
            f"{ui.day_and_time(saved.answered_at)}. A score is not a diagnosis.</span></span></p>"
        )
        st.page_link(ui.TRENDS, label="See the trend", query_params={"subject": saved.subject_id})


def item_9(flagged: list[QuestionnaireRecord]) -> None:
    """The fixed message, until somebody says that a person has been there."""
    help_line = context.store().get_setting(key=HELP_KEY) or HELP_DEFAULT
    with ui.card("item9", "Please act now"):
        st.html(f'<p class="fp-danger">{ui.text(ITEM_9)}<br><br>{ui.text(help_line)}</p>')
        by = st.text_input(
            "Who has spoken with them?", placeholder="Your name or initials", key="item9_by", max_chars=80
        )
        dates = ", ".join(ui.day(record.answered_at) for record in flagged)
        if st.button(f"A person has spoken with them (questionnaire of {dates})", disabled=not by.strip()):
            for record in flagged:
                context.store().acknowledge_questionnaire(questionnaire_id=record.id, by=by.strip())
            st.rerun()


def earlier(records: list[QuestionnaireRecord]) -> None:
    """What was answered before, newest first."""
    with ui.card("earlier", "Earlier questionnaires"):
        if not records:
            ui.note("None yet for this subject.")
            return
        table = pd.DataFrame(
            {
                "Answered": [ui.day_and_time(r.answered_at) for r in records],
                "Scale": [str(r.scale) for r in records],
                "Total": [r.total for r in records],
                "Band": [str(r.band) for r in records],
                "Items": [" ".join(map(str, r.items)) for r in records],
                "Item 9": [item_9_words(r) for r in records],
            }
        )
        st.dataframe(table, hide_index=True)


def item_9_words(record: QuestionnaireRecord) -> str:
    """Whether item 9 was answered above zero, and who looked after it."""
    if not record.item9_flag:
        return ""
    return f"not zero; {record.acknowledged_by} was there" if record.acknowledged_by else "not zero; nobody yet"


def help_line_setting() -> None:
    """The text of local help lines, kept in the store."""
    with st.expander("Local help lines shown with item 9"):
        known = context.store().get_setting(key=HELP_KEY) or HELP_DEFAULT
        words = st.text_area("Text", value=known, max_chars=1000)
        if st.button("Save text", disabled=words.strip() == known or not words.strip()):
            context.store().set_setting(key=HELP_KEY, value=words.strip())
            st.rerun()


def page() -> None:
    """Choose the person and the scale, show what needs a person, take the answers."""
    store = context.store()
    ui.heading("Questionnaire", "PHQ-8 and PHQ-9, answered by the person themselves.")
    subjects = store.list_subjects()
    left, right = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with left:
        label = choose(subjects)
    with right:
        scale = Scale(st.segmented_control("Scale", [str(s) for s in Scale], default=str(Scale.PHQ9), required=True))
    subject = next((s for s in subjects if s.label == label), None)
    records = store.list_questionnaires(subject_id=subject.id) if subject else []
    flagged = [record for record in records if record.item9_flag and record.acknowledged_at is None]
    if flagged:
        item_9(flagged)
    saved = st.session_state.get("phq_saved")
    if saved is not None and subject is not None and saved.subject_id == subject.id:
        result(saved)
    with ui.card("form"):
        sent = form(scale)
        if sent is not None:
            save(label, scale, *sent)
        ui.note(CREDIT)
    if subject is not None:
        earlier(records)
    help_line_setting()


page()
