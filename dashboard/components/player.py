"""Player of a session's recording from the ranged media route. Streamlit never holds its bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard.components.chart_cursor import chart_script
from dashboard.i18n import _

HTML = '<video controls playsinline preload="metadata"></video><p hidden></p>'
CSS = """
video { width: 100%; max-height: 420px; border-radius: 12px; background: #000; display: block; }
p { font-family: var(--st-font); color: var(--st-text-color); font-size: 0.9rem; }
"""


@dataclass(frozen=True)
class Seek:
    """A request that the player go to a time.

    Attributes:
        time: In seconds.
        turn: Number of the request, so that the same time can be requested twice.
    """

    time: float
    turn: int


def player(
    src: str,
    *,
    seek: Seek | None,
    codec: str,
    chart: str,
    key: str,
    on_pause: Callable[[float], None],
    on_expiry: Callable[[], None],
) -> None:
    """Draw the player.

    Args:
        src: Address of the recording.
        seek: Where it should go; None leaves it where it is.
        codec: Name of the recording's codec, for the message that a browser cannot play it.
        chart: Key of the chart over which a line moves while the recording plays.
        key: Key of the component.
        on_pause: Receives the time in seconds at which the viewer pauses, before the rerun.
        on_expiry: Called before the rerun that must give another address, because this one does not work any more.
    """
    component = st.components.v2.component("fer_phq_player", html=HTML, css=CSS, js=chart_script("player"))

    def changed() -> None:
        time_s = st.session_state[key].get("moment")
        if time_s is not None:
            on_pause(float(time_s))

    if codec:
        fails = _("This browser cannot play the recording ({codec}). Its analysis is not affected.")
    else:
        fails = _("This browser cannot play the recording. Its analysis is not affected.")
    labels = {"label": _("Recording of the session"), "fails": fails.format(codec=codec)}
    data = {"src": src, "seek": asdict(seek) if seek else None, "chart": chart, "labels": labels}
    component(key=key, data=data, on_moment_change=changed, on_expiry_change=on_expiry)
