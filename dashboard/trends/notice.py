"""What was just done with a person, said once on the next run of the page."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets import ui

NOTICE = "person_notice"


def leave_notice(words: str) -> None:
    """Have the page say something at its next run.

    Args:
        words: What it says.
    """
    st.session_state[NOTICE] = words


def show_notice() -> None:
    """Draw what was left to be said, once."""
    notice = st.session_state.pop(NOTICE, None)
    if notice is not None:
        st.html(f'<p class="fp-done">{ui.text(notice)}</p>')
