"""Keys 0 to 3 that answer a form's items, for typing in a form from paper."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

JS = Path(__file__).with_name("answer_keys.js")


def answer_keys(form: str, *, key: str) -> None:
    """Let the digit keys answer the radio groups of a form.

    Args:
        form: CSS selector of the element that holds the groups.
        key: Key of the component.
    """
    component = st.components.v2.component(
        "fer_phq_answer_keys", html="<span></span>", js=JS.read_text(encoding="utf-8")
    )
    component(key=key, data={"form": form})
