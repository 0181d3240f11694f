"""Earlier questionnaires of a subject: the table, the corrections, and the way to correct one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.i18n import _
from dashboard.questionnaire.answers import CORRECTING, SAVED
from dashboard.questionnaire.difficulty import difficulty_words
from dashboard.questionnaire.item9 import item9_words
from dashboard.widgets import permission, ui
from dashboard.widgets.selection import unique_labels
from db.records import QuestionnaireRecord
from service.views.questionnaires import Correction, QuestionnairesView


def history_card(history: QuestionnairesView) -> None:
    """Draw what was answered before, newest first, and every correction."""
    with ui.card("earlier", _("Earlier questionnaires")):
        if not history.current:
            ui.note(_("None yet for this subject."))
            return
        table = pd.DataFrame(
            {
                _("Answered"): [ui.day_and_time(r.answered_at) for r in history.current],
                _("Scale"): [str(r.scale) for r in history.current],
                _("Total"): [r.total for r in history.current],
                _("Band"): [_(str(r.band)) for r in history.current],
                _("Items"): [" ".join(map(str, r.items)) for r in history.current],
                _("Item 9"): [item9_words(r) for r in history.current],
                _("Difficulty"): [
                    "" if r.difficulty is None else difficulty_words(r.difficulty) for r in history.current
                ],
                _("Entered by"): [history.authors.get(r.id, "") for r in history.current],
                _("Source"): [_(str(r.source)) for r in history.current],
            }
        )
        st.dataframe(table, hide_index=True)
        if permission.may_change():
            correct(history)
        if history.corrections:
            st.markdown(_("**Corrections**"))
            st.dataframe(_corrections(history.corrections), hide_index=True)


def correct(history: QuestionnairesView) -> None:
    """Choose one and correct it; an answer to item 9 that nobody has acted on comes first."""
    by_id = {record.id: record for record in history.current}
    left, right = st.columns([0.7, 0.3], vertical_alignment="bottom")
    selection = left.selectbox(
        _("To correct"),
        list(by_id),
        format_func=unique_labels({record.id: _name(record) for record in history.current}).__getitem__,
        index=None,
        placeholder=_("Choose a questionnaire"),
        key="phq_to_correct",
    )
    waits = selection is not None and by_id[selection].item9_flag and by_id[selection].acknowledged_at is None
    if right.button(_("Correct it"), disabled=selection is None or waits, width="stretch"):
        st.session_state[CORRECTING] = selection
        st.session_state.pop(SAVED, None)
        st.rerun()
    if waits:
        ui.warn(_("Its answer to item 9 is not zero and nobody has acted on it yet. Do that first, above."))


def _name(record: QuestionnaireRecord) -> str:
    when = ui.day_and_time(record.answered_at)
    return _("{scale} of {when}, total {total}").format(scale=record.scale, when=when, total=record.total)


def _corrections(steps: tuple[Correction, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("When"): [ui.day_and_time(step.after.created_at) for step in steps],
            _("Who"): [step.by or _("not said") for step in steps],
            _("Scale"): [str(step.after.scale) for step in steps],
            _("Answered"): [_changed(step) for step in steps],
            _("Total"): [f"{step.before.total} → {step.after.total}" for step in steps],
            _("Items before"): [" ".join(map(str, step.before.items)) for step in steps],
            _("Difficulty"): [_difficulty(step) for step in steps],
        }
    )


def _difficulty(step: Correction) -> str:
    if step.before.difficulty == step.after.difficulty:
        return "" if step.after.difficulty is None else difficulty_words(step.after.difficulty)
    return f"{difficulty_words(step.before.difficulty)} → {difficulty_words(step.after.difficulty)}"


def _changed(step: Correction) -> str:
    before = ui.day_and_time(step.before.answered_at)
    after = ui.day_and_time(step.after.answered_at)
    return after if before == after else f"{before} → {after}"
