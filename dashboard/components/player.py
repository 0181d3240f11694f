"""Plays a session's recording from the ranged media route; Streamlit never holds its bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard.components.moment_line import line_script
from dashboard.i18n import _

HTML = '<video controls playsinline preload="metadata"></video><p hidden></p>'
CSS = """
video { width: 100%; max-height: 420px; border-radius: 12px; background: #000; display: block; }
p { font-family: var(--st-font); color: var(--st-text-color); font-size: 0.9rem; }
"""


@dataclass(frozen=True)
class Seek:
    """A wish that the player go to `time` seconds; each wish has another `turn`."""

    time: float
    turn: int


def player(
    src: str, *, seek: Seek | None, codec: str, chart: str, key: str, on_moment: Callable[[float], None]
) -> None:
    """Draw the player; `on_moment` hears where the viewer pauses, before the rerun.

    chart: key of the chart over which a line moves while the recording plays.
    """
    component = st.components.v2.component("fer_phq_player", html=HTML, css=CSS, js=line_script("player"))

    def changed() -> None:
        time_s = st.session_state[key].get("moment")
        if time_s is not None:
            on_moment(float(time_s))

    if codec:
        fails = _("This browser cannot play the recording ({codec}). Its analysis is not affected.")
    else:
        fails = _("This browser cannot play the recording. Its analysis is not affected.")
    words = {"label": _("Recording of the session"), "fails": fails.format(codec=codec)}
    given = {"src": src, "seek": asdict(seek) if seek else None, "chart": chart, "words": words}
    component(key=key, data=given, on_moment_change=changed)
