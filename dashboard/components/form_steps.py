"""A questionnaire's running total, and on a phone one question at a time."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.i18n import _

FOLDER = Path(__file__).parent
HTML = '<p role="status"></p><div class="steps"><button type="button"></button><button type="button"></button></div>'


def form_steps(items: str, rest: tuple[str, ...], *, name: str, key: str) -> None:
    """Draw the running total of a form's items, and where the window is narrow the way from one to the next.

    Args:
        items: Key of the container that holds the items, a radio group each.
        rest: Keys of the containers that a narrow window shows behind the last item.
        name: Names the form; another one begins at its first item.
        key: Key of the component.
    """
    component = st.components.v2.component(
        "fer_phq_form_steps",
        html=HTML,
        css=(FOLDER / "form_steps.css").read_text(encoding="utf-8"),
        js=(FOLDER / "form_steps.js").read_text(encoding="utf-8"),
    )
    labels = {
        "back": _("Back"),
        "next": _("Next"),
        "running": _("Running total: {total}. Answered: {answered} of {items}."),
        "step": _("Question {step} of {items}. Running total: {total}."),
    }
    component(key=key, data={"items": items, "rest": list(rest), "name": name, "labels": labels})
