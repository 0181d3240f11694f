"""The questionnaire's form, for a new one and for the correction of one, and what was saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import streamlit as st

from dashboard import context, ui
from dashboard.components.answer_keys import answer_keys
from db.records import QuestionnaireRecord
from fer_phq.phq import ANSWERS, CREDIT, ITEMS, PREAMBLE, Scale, score_items

CORRECTING = "phq_correcting"
SAVED = "phq_saved"
FIRST_DAY = date(1990, 1, 1)
KEYS = (
    "With the focus on an item, the keys 0 to 3 answer it and go on to the next one. Tab and the arrow keys work too."
)
NOT_KEPT = (
    "The form's last question, how difficult these problems have made work, home or getting along with people, is not "
    "part of the score and is not kept here."
)


@dataclass(frozen=True)
class Sent:
    """What was filled in. items: None where an item is open. at: when it was answered, timezone-aware."""

    items: tuple[int | None, ...]
    at: datetime
    by: str


def form(scale: Scale, corrected: QuestionnaireRecord | None = None) -> Sent | None:
    """The items, with the answers of the one that is corrected; what was filled in, once sent."""
    name = corrected.id if corrected else str(scale)
    now = datetime.now(ui.zone())
    shown = corrected.answered_at.astimezone(ui.zone()) if corrected else now
    with st.form(f"items_{name}", border=False):
        st.markdown(f"**{PREAMBLE}**")
        items = [
            st.radio(
                f"{number}. {item}",
                range(4),
                index=corrected.items[number - 1] if corrected else None,
                format_func=ANSWERS.__getitem__,
                horizontal=True,
                key=f"{name}_{number}",
            )
            for number, item in enumerate(ITEMS[: scale.items], start=1)
        ]
        left, middle, right = st.columns([0.25, 0.2, 0.55])
        day = left.date_input(
            "Answered on", value=shown.date(), min_value=FIRST_DAY, max_value=now.date(), format="YYYY-MM-DD"
        )
        hour = middle.time_input("At", value=shown.time().replace(second=0, microsecond=0))
        by = right.text_input(
            "Corrected by" if corrected else "Entered by",
            placeholder="Your name or initials",
            max_chars=80,
            key=f"{name}_by",
        )
        if not st.form_submit_button("Save correction" if corrected else "Save questionnaire", type="primary"):
            return None
    at = min(datetime.combine(day, hour, tzinfo=ui.zone()), now)
    if corrected is not None and at == shown.replace(second=0, microsecond=0):
        at = corrected.answered_at  # the form shows whole minutes
    return Sent(tuple(items), at, by.strip())


def form_card(label: str | None, scale: Scale, corrected: QuestionnaireRecord | None) -> None:
    """The form, and what comes of it."""
    with ui.card("form"):
        if corrected is not None:
            words, stop = st.columns([0.8, 0.2], vertical_alignment="center")
            words.markdown(
                f"**Correcting the {corrected.scale} of {ui.day_and_time(corrected.answered_at)}**, total "
                f"{corrected.total}. What was entered before is kept in the history."
            )
            if stop.button("Stop correcting", width="stretch"):
                st.session_state.pop(CORRECTING, None)
                st.rerun()
        sent = form(scale, corrected)
        if sent is not None:
            save(label, scale, sent, corrected)
        answer_keys("[class*=st-key-card_form]", key="answer_keys")
        ui.note(KEYS)
        ui.note(CREDIT)
        ui.note(NOT_KEPT)


def save(label: str | None, scale: Scale, sent: Sent, corrected: QuestionnaireRecord | None) -> None:
    """Score and store a complete questionnaire; otherwise say what is missing."""
    open_items = [str(i) for i, answer in enumerate(sent.items, start=1) if answer is None]
    if label is None:
        ui.warn("Choose or type a subject before saving.")
    elif open_items:
        ui.warn(f"Every item needs an answer. Still open: {', '.join(open_items)}.")
    elif corrected is not None and not sent.by:
        ui.warn("Say who corrects it: the history names them.")
    else:
        store_answers(label, scale, sent, corrected)
        st.rerun()


def store_answers(label: str, scale: Scale, sent: Sent, corrected: QuestionnaireRecord | None) -> None:
    """Keep a complete questionnaire and empty the form."""
    items = [int(answer) for answer in sent.items if answer is not None]
    score_items(items, scale)
    store = context.store()
    st.session_state[SAVED] = store.save_questionnaire(
        subject_id=store.get_or_create_subject(label=label).id,
        scale=scale,
        items=items,
        answered_at=sent.at,
        supersedes_id=corrected.id if corrected else None,
        by=sent.by,
    )
    st.session_state.pop(CORRECTING, None)
    name = corrected.id if corrected else str(scale)
    for number in range(1, scale.items + 1):
        st.session_state.pop(f"{name}_{number}", None)


def result_card(saved: QuestionnaireRecord) -> None:
    """What was saved."""
    with ui.card("result"):
        st.html(
            f'<p class="fp-estimate"><span class="number">{saved.total}</span><span class="interval">of '
            f'{saved.scale.maximum} points on {saved.scale}: {saved.band}<br><span class="fp-lead">Saved for '
            f"{ui.day_and_time(saved.answered_at)}. A score is not a diagnosis.</span></span></p>"
        )
        st.page_link(ui.TRENDS, label="See the trend", query_params={"subject": saved.subject_id})
