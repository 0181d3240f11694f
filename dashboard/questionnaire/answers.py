"""The questionnaire's form, for a new one and for the correction of one, and what was saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from html import escape

import streamlit as st

from dashboard import context
from dashboard.components.answer_keys import answer_keys
from dashboard.components.form_steps import form_steps
from dashboard.i18n import _, mark
from dashboard.questionnaire.difficulty import ABOUT_DIFFICULTY, difficulty_question, difficulty_words
from dashboard.widgets import ui
from dashboard.widgets.author import author_input
from db.records import QuestionnaireRecord
from fer_phq.core.phq import ANSWERS, CREDIT, ITEMS, PREAMBLE, Scale, asks_difficulty, score_items

CORRECTING = "phq_correcting"
SAVED = "phq_saved"
FORMS = "phq_forms"
"""How many forms were saved: only radio buttons of another name are empty again in a browser."""
ITEM_ROWS = "phq_items"
"""Key of the container of the items, which the style sheet makes rows of a grid."""
FIRST_DAY = date(1990, 1, 1)
KEYS = mark(
    "With the focus on an item, the keys 0 to 3 answer it and go on to the next one. Tab and the arrow keys work too."
)


@dataclass(frozen=True)
class Sent:
    """A questionnaire as the form was filled in.

    Attributes:
        items: The answers in the form's order, 0 to 3 each; None where an item is open.
        difficulty: The answer to the last question, 0 to 3; None where it is open or is not asked.
        at: When it was answered, timezone-aware.
        by: The person who entered or corrected it.
    """

    items: tuple[int | None, ...]
    difficulty: int | None
    at: datetime
    by: str


def form(scale: Scale, corrected: QuestionnaireRecord | None = None) -> Sent | None:
    """Draw the items as a form, with the answers of the questionnaire that is corrected.

    Args:
        scale: PHQ-8 or PHQ-9.
        corrected: The questionnaire that is corrected; None for a new one.

    Returns:
        What was filled in, once it is sent; None before.
    """
    name = corrected.id if corrected else str(scale)
    answers = f"{name}_{st.session_state.get(FORMS, 0)}"
    now = datetime.now(ui.zone())
    answered_at = corrected.answered_at.astimezone(ui.zone()) if corrected else now
    with st.form(f"items_{name}", border=False):
        st.markdown(f"**{_(PREAMBLE)}**")
        st.html(head_html())
        with st.container(key=ITEM_ROWS, gap=None):
            items = [
                st.radio(
                    f"{number}. {_(item)}",
                    range(4),
                    index=corrected.items[number - 1] if corrected else None,
                    format_func=lambda answer: _(ANSWERS[answer]),
                    horizontal=True,
                    width="stretch",
                    key=f"{answers}_{number}",
                )
                for number, item in enumerate(ITEMS[: scale.items], start=1)
            ]
        form_steps(ITEM_ROWS, ("phq_difficulty", "phq_rest"), name=answers, key="form_steps")
        difficulty = difficulty_question(answers, corrected)
        with st.container(key="phq_rest"):
            left, middle, right = st.columns([0.25, 0.2, 0.55])
            day = left.date_input(
                _("Answered on"), value=answered_at.date(), min_value=FIRST_DAY, max_value=now.date(),
                format="YYYY-MM-DD",
            )  # fmt: skip
            hour = middle.time_input(_("At"), value=answered_at.time().replace(second=0, microsecond=0))
            with right:
                by = author_input(_("Corrected by") if corrected else _("Entered by"), f"{name}_by")
            save_it = _("Save correction") if corrected else _("Save questionnaire")
            if not st.form_submit_button(save_it, type="primary"):
                return None
    at = min(datetime.combine(day, hour, tzinfo=ui.zone()), now)
    if corrected is not None and at == answered_at.replace(second=0, microsecond=0):
        at = corrected.answered_at  # the form shows whole minutes
    return Sent(tuple(items), difficulty if asks_difficulty(items) else None, at, by)


def head_html() -> str:
    """Write the answers above their columns, for who sees the items as rows; each option has its words as well."""
    cells = "".join(f"<span>{escape(_(words))}</span>" for words in ANSWERS)
    return f'<div class="fp-answers" aria-hidden="true"><span></span>{cells}</div>'


def form_card(label: str | None, scale: Scale, corrected: QuestionnaireRecord | None) -> None:
    """Draw the form's card, and store what is sent.

    Args:
        label: The subject's label; None while none is chosen.
        scale: PHQ-8 or PHQ-9.
        corrected: The questionnaire that is corrected; None for a new one.
    """
    with ui.card("form"):
        if corrected is not None:
            words, stop = st.columns([0.8, 0.2], vertical_alignment="center")
            words.markdown(
                _(
                    "**Correcting the {scale} of {when}**, total {total}. What was entered before is kept in the "
                    "history."
                ).format(scale=corrected.scale, when=ui.day_and_time(corrected.answered_at), total=corrected.total)
            )
            if stop.button(_("Stop correcting"), width="stretch"):
                st.session_state.pop(CORRECTING, None)
                st.rerun()
        sent = form(scale, corrected)
        if sent is not None:
            save(label, scale, sent, corrected)
        answer_keys("[class*=st-key-card_form]", key="answer_keys")
        ui.note(_(KEYS))
        ui.note(_(CREDIT))
        ui.note(_(ABOUT_DIFFICULTY))


def save(label: str | None, scale: Scale, sent: Sent, corrected: QuestionnaireRecord | None) -> None:
    """Score and store a complete questionnaire; otherwise say what is missing.

    Args:
        label: The subject's label; None while none is chosen.
        scale: PHQ-8 or PHQ-9.
        sent: What was filled in.
        corrected: The questionnaire that is corrected; None for a new one.
    """
    open_items = [str(i) for i, answer in enumerate(sent.items, start=1) if answer is None]
    if label is None:
        ui.warn(_("Choose or type a subject before saving."))
    elif open_items:
        ui.warn(_("Every item needs an answer. Still open: {items}.").format(items=", ".join(open_items)))
    elif corrected is not None and not sent.by:
        ui.warn(_("Say who corrects it: the history names them."))
    else:
        store_answers(label, scale, sent, corrected)
        st.rerun()


def store_answers(label: str, scale: Scale, sent: Sent, corrected: QuestionnaireRecord | None) -> None:
    """Store a complete questionnaire and empty the form.

    Args:
        label: The subject's label; a new subject is created where it is not known.
        scale: PHQ-8 or PHQ-9.
        sent: What was filled in; no item is open.
        corrected: The questionnaire that is corrected; None for a new one.

    Raises:
        StoreError: The store refuses it, for example because it was corrected already.
    """
    items = [int(answer) for answer in sent.items if answer is not None]
    score_items(items, scale)
    store = context.store()
    st.session_state[SAVED] = store.questionnaires.save(
        subject_id=store.subjects.get_or_create(label=label).id,
        scale=scale,
        items=items,
        difficulty=sent.difficulty,
        answered_at=sent.at,
        supersedes_id=corrected.id if corrected else None,
        by=sent.by,
    )
    st.session_state.pop(CORRECTING, None)
    st.session_state[FORMS] = st.session_state.get(FORMS, 0) + 1


def result_card(saved: QuestionnaireRecord) -> None:
    """Draw what was saved."""
    text = _("of {maximum} points on {scale}: {band}").format(
        maximum=saved.scale.maximum, scale=saved.scale, band=_(str(saved.band))
    )
    when = _("Saved for {when}. A score is not a diagnosis.").format(when=ui.day_and_time(saved.answered_at))
    with ui.card("result"):
        st.html(
            f'<p class="fp-estimate"><span class="number">{saved.total}</span><span class="interval">{escape(text)}'
            f'<br><span class="fp-lead">{escape(when)}</span></span></p>'
        )
        if asks_difficulty(saved.items):
            ui.note(_("Difficulty in daily life: {answer}").format(answer=difficulty_words(saved.difficulty)))
        st.page_link(ui.TRENDS, label=_("See the trend"), query_params={"subject": saved.subject_id})
