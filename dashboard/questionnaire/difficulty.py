"""The form's last question, which is not scored: how difficult the problems have made daily life."""

from __future__ import annotations

import streamlit as st

from dashboard.i18n import _, mark
from db.records import QuestionnaireRecord
from fer_phq.core.phq import DIFFICULTY, DIFFICULTY_ANSWERS

ABOUT_DIFFICULTY = mark(
    "The form's last question, how difficult the problems have made daily life, appears once an item is above 0. Its "
    "answer is kept beside the score and is not part of it."
)
NO_ANSWER = mark("No answer")


def difficulty_question(name: str, corrected: QuestionnaireRecord | None) -> int | None:
    """Draw the form's last question, which may be left open.

    It is there from the start, for a form is one piece; the style sheet shows it once an item is above 0.

    Args:
        name: Names its widget; unique on the page.
        corrected: The questionnaire that is corrected, whose answer it starts with; None for a new one.

    Returns:
        The answer, 0 to 3; None while it is open.
    """
    with st.container(key="phq_difficulty"):
        selection = st.radio(
            _(DIFFICULTY),
            range(len(DIFFICULTY_ANSWERS) + 1),
            index=corrected.difficulty if corrected else None,
            format_func=lambda answer: _((*DIFFICULTY_ANSWERS, NO_ANSWER)[answer]),
            horizontal=True,
            key=f"{name}_difficulty",
        )
    return selection if selection in range(len(DIFFICULTY_ANSWERS)) else None


def difficulty_words(difficulty: int | None) -> str:
    """Write an answer in its own words; 'no answer' where there is none."""
    return _("no answer") if difficulty is None else _(DIFFICULTY_ANSWERS[difficulty])
