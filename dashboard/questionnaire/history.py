"""Earlier questionnaires of a subject: the table, the corrections, and the way to correct one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import ui
from dashboard.questionnaire.answers import CORRECTING, SAVED
from dashboard.questionnaire.item9 import item9_words
from db.records import QuestionnaireRecord
from service.corrections import Answers, Correction


def history_card(found: Answers) -> None:
    """What was answered before, newest first, and every correction."""
    with ui.card("earlier", "Earlier questionnaires"):
        if not found.current:
            ui.note("None yet for this subject.")
            return
        table = pd.DataFrame(
            {
                "Answered": [ui.day_and_time(r.answered_at) for r in found.current],
                "Scale": [str(r.scale) for r in found.current],
                "Total": [r.total for r in found.current],
                "Band": [str(r.band) for r in found.current],
                "Items": [" ".join(map(str, r.items)) for r in found.current],
                "Item 9": [item9_words(r) for r in found.current],
                "Entered by": [found.authors.get(r.id, "") for r in found.current],
                "Source": [str(r.source) for r in found.current],
            }
        )
        st.dataframe(table, hide_index=True)
        correct(found)
        if found.corrections:
            st.markdown("**Corrections**")
            st.dataframe(_corrections(found.corrections), hide_index=True)


def correct(found: Answers) -> None:
    """Choose one and correct it; an answer to item 9 that nobody has acted on comes first."""
    by_id = {record.id: record for record in found.current}
    left, right = st.columns([0.7, 0.3], vertical_alignment="bottom")
    chosen = left.selectbox(
        "To correct",
        list(by_id),
        format_func=lambda one: _name(by_id[one]),
        index=None,
        placeholder="Choose a questionnaire",
        key="phq_to_correct",
    )
    waits = chosen is not None and by_id[chosen].item9_flag and by_id[chosen].acknowledged_at is None
    if right.button("Correct it", disabled=chosen is None or waits, width="stretch"):
        st.session_state[CORRECTING] = chosen
        st.session_state.pop(SAVED, None)
        st.rerun()
    if waits:
        ui.warn("Its answer to item 9 is not zero and nobody has acted on it yet. Do that first, above.")


def _name(record: QuestionnaireRecord) -> str:
    return f"{record.scale} of {ui.day_and_time(record.answered_at)}, total {record.total}"


def _corrections(steps: tuple[Correction, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "When": [ui.day_and_time(step.after.created_at) for step in steps],
            "Who": [step.by or "not said" for step in steps],
            "Scale": [str(step.after.scale) for step in steps],
            "Answered": [_changed(step) for step in steps],
            "Total": [f"{step.before.total} → {step.after.total}" for step in steps],
            "Items before": [" ".join(map(str, step.before.items)) for step in steps],
        }
    )


def _changed(step: Correction) -> str:
    before, after = ui.day_and_time(step.before.answered_at), ui.day_and_time(step.after.answered_at)
    return after if before == after else f"{before} → {after}"
