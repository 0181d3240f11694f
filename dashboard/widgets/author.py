"""The question by whom something is entered: the account's name where the viewer is logged in."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _

MAX_CHARACTERS = 80


def author_input(label: str, key: str) -> str:
    """Draw the field for the person's name.

    Args:
        label: What the field asks, such as 'Entered by'.
        key: Names the field; unique on the page.

    Returns:
        The name without spaces around it; that of the account where the viewer is logged in.
    """
    account = context.account()
    if account is not None:
        st.text_input(label, value=account.name, disabled=True, key=f"{key}_account")
        return account.name
    placeholder = _("Your name or initials")
    return st.text_input(label, placeholder=placeholder, max_chars=MAX_CHARACTERS, key=key).strip()
