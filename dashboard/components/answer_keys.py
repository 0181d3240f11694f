"""Answers a form's items by the keys 0 to 3, as one types a form from paper."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

JS = Path(__file__).with_name("answer_keys.js")


def answer_keys(form: str, *, key: str) -> None:
    """Let the digit keys answer the radio groups inside the element that the CSS selector `form` names."""
    component = st.components.v2.component(
        "fer_phq_answer_keys", html="<span></span>", js=JS.read_text(encoding="utf-8")
    )
    component(key=key, data={"form": form})
