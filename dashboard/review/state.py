"""The chosen moment of a session: one number that the player, the charts, the slider and the lists share."""

from __future__ import annotations

import streamlit as st

from dashboard.components.player import Seek
from service.views.session import AnalysisView


def current_time(session_id: str, view: AnalysisView) -> float:
    """Return the chosen time in seconds; before one is chosen the first frame with a face, else the first frame.

    Args:
        session_id: The session's UUID.
        view: The analysis under review, which holds a frame.
    """
    return float(st.session_state.get(f"moment_{session_id}", view.first_face_s))


def has_moment(session_id: str) -> bool:
    """Tell whether a moment was chosen."""
    return f"moment_{session_id}" in st.session_state


def go_to(session_id: str, time_s: float) -> None:
    """Make a time the chosen moment, for the page and for the player.

    Args:
        session_id: The session's UUID.
        time_s: Seconds from the recording's start.
    """
    turn = st.session_state[f"turn_{session_id}"] = st.session_state.get(f"turn_{session_id}", 0) + 1
    st.session_state[f"moment_{session_id}"] = time_s
    st.session_state[f"seek_{session_id}"] = Seek(time_s, turn)


def paused_at(session_id: str, time_s: float) -> None:
    """Make a time the chosen moment of the page alone: the player is there already.

    Args:
        session_id: The session's UUID.
        time_s: Seconds from the recording's start.
    """
    st.session_state[f"moment_{session_id}"] = time_s


def wish(session_id: str) -> Seek | None:
    """Return where the player was last asked to go."""
    seek: Seek | None = st.session_state.get(f"seek_{session_id}")
    return seek


def clicked(session_id: str, chart: str) -> None:
    """Make the clicked point of a chart the chosen moment.

    Args:
        session_id: The session's UUID.
        chart: The chart's key.
    """
    points = st.session_state[chart].selection.points
    if points:
        go_to(session_id, float(points[0]["x"]))


def slid(session_id: str, slider: str) -> None:
    """Make the value of a slider the chosen moment.

    Args:
        session_id: The session's UUID.
        slider: The slider's key.
    """
    go_to(session_id, float(st.session_state[slider]))
