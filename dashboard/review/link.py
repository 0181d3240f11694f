"""The address of a session's moment: written to be copied, and read when somebody opens it."""

from __future__ import annotations

import math
from urllib.parse import urlencode

import streamlit as st

from dashboard.charts import clock
from dashboard.i18n import _
from dashboard.review.state import go_to, has_moment
from dashboard.widgets import ui

TIME = "t"
"""The address's parameter with the moment in seconds."""


def moment_link(session_id: str, time_s: float) -> None:
    """Draw the address of the chosen moment, behind a button.

    Args:
        session_id: The session's UUID.
        time_s: The chosen moment in seconds.
    """
    with st.popover(_("Link to {time}").format(time=clock(time_s)), icon=":material/link:", key=f"link_{session_id}"):
        st.code(moment_address(st.context.url or "", session_id, time_s), language=None, wrap_lines=True)
        ui.note(_("Opens this session at this moment, for everybody who may see it."))


def moment_address(page: str, session_id: str, time_s: float) -> str:
    """Return the address of a session's moment.

    Args:
        page: The address of the page, without parameters.
        session_id: The session's UUID.
        time_s: Seconds from the recording's start.
    """
    seconds = f"{max(time_s, 0.0):.1f}".removesuffix(".0")
    return f"{page}?{urlencode({'session': session_id, TIME: seconds})}"


def open_moment(session_id: str, duration_s: float) -> None:
    """Go to the moment that the address names, unless another was chosen since; say where it names none.

    Args:
        session_id: The session's UUID.
        duration_s: The recording's duration.
    """
    words = st.query_params.get(TIME)
    if words is None or has_moment(session_id):
        return
    try:
        time_s = float(words)
    except ValueError:
        time_s = math.nan
    if 0 <= time_s <= duration_s:
        go_to(session_id, time_s)
        return
    ui.warn(
        _("The address asks for the moment '{moment}', which this recording of {seconds} s does not have.").format(
            moment=words[:20], seconds=round(duration_s)
        )
    )
