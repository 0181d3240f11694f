"""The timeline: emotions, coverage and everything else that shares their time axis, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import charts, context, loaders
from dashboard.components.chart_cursor import chart_cursor
from dashboard.i18n import _, mark
from dashboard.i18n.numbers import short
from dashboard.review.state import clicked
from dashboard.widgets import ui
from dashboard.widgets.turns import drawn_turns
from db.records import AnalysisSummary
from fer_phq.core.emotions import EMOTIONS
from fer_phq.timeline.downsample import MAX_ROWS
from service.views.face.behaviour import BehaviourView
from service.views.review import WIDTHS_S, Window, automatic_width, window_at, within
from service.views.session import FrameDetail, SessionView

AREA = mark("Stacked")
LINES = mark("Lines")
WHOLE = mark("Whole recording")
WINDOWS: dict[str, float | None] = {
    WHOLE: None,
    mark("10 minutes"): 600.0,
    mark("2 minutes"): 120.0,
    mark("30 seconds"): 30.0,
}
"""What may be drawn at once; seconds."""
AUTOMATIC = -1.0
"""The choice of a smoothing by the length that is drawn."""


@dataclass(frozen=True)
class TimelineStyle:
    """How the timeline is drawn.

    Attributes:
        stacked: Whether the emotions are stacked areas; if not, they are lines.
        smoothing_s: Width of the smoothing in seconds; 0 for none.
        with_frames: Whether the frames as they were measured are drawn beside smoothed lines.
        window: Which part of the recording is drawn.
        compared: Which emotions of a second analysis are drawn over it.
    """

    stacked: bool
    smoothing_s: float
    with_frames: bool
    window: Window
    compared: tuple[str, ...] = ()


def timeline_key(summary: AnalysisSummary) -> str:
    """Return the key of the chart; the player moves a line over it."""
    return f"timeline_{summary.id}"


def timeline(view: SessionView, frame: FrameDetail) -> None:
    """Draw the controls and the chart; a click anywhere in it chooses a moment.

    Args:
        view: The session under review.
        frame: The frame at the chosen moment.
    """
    summary = view.analysis.summary
    session_id = view.session.id
    key = timeline_key(summary)
    style = controls(view, frame.time_s)
    frames = loaders.frames_within(summary.id, style.smoothing_s, style.window)
    figure = charts.emotion_timeline(
        frames,
        context.colours(),
        stacked=style.stacked,
        smoothing_s=style.smoothing_s,
        tracks=tracks(view, style),
        revision=f"{summary.id}-{style.stacked}-{style.window.from_s}",
    )
    st.plotly_chart(
        figure, theme=None, config=charts.CONFIG, key=key, selection_mode="points",
        on_select=lambda: clicked(session_id, key),
        alt=_(
            "Probability of seven emotions over the recording, with rows below it for expression episodes, for where "
            "the face was found, and for other people, who speaks, facial behaviour and voice where there are any"
        ),
    )  # fmt: skip
    chart_cursor(key, frame.time_s, key=f"line_{session_id}")
    explain(style, frames)
    if view.analysis.has_earlier_voice:
        earlier = _(
            "An earlier version measured this voice. Its pitch could be an octave off, or an instrument's: it is left "
            "out here and in trends, and PHQ heads do not read this voice. Analyse the recording again to have it."
        )
        ui.note(earlier)


def controls(view: SessionView, time_s: float) -> TimelineStyle:
    """Draw title, style, smoothing and window, and which emotions of the second analysis are drawn.

    Args:
        view: The session under review.
        time_s: The chosen moment in seconds, which the window holds.
    """
    summary = view.analysis.summary
    table = view.analysis.frames
    st.subheader(_("Timeline"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        drawn_as = st.segmented_control(
            _("Emotions as"), [AREA, LINES], default=AREA, required=True, format_func=_, key=f"style_{summary.id}"
        )
        window = window_at(table, time_s, WINDOWS[_length(table, summary.id)])
        width = _smoothing(window, summary.id)
        with_frames = width > 0 and st.toggle(
            _("Frames as measured"), key=f"frames_{summary.id}",
            help=_("Draws a dot or a stroke for what was measured, beside the smoothed lines."),
        )  # fmt: skip
    compared: tuple[str, ...] = ()
    if view.compared is not None:
        compared = tuple(
            st.pills(
                _("Emotions of the compared analysis, dashed"), EMOTIONS, selection_mode="multi",
                default=_first_compared(view), format_func=lambda name: _(name.capitalize()),
                key=f"compared_{summary.id}",
            )
        )  # fmt: skip
    stacked = drawn_as == AREA and not with_frames and view.compared is None
    if drawn_as == AREA and not stacked:
        ui.note(_("Drawn as lines while frames are shown or another analysis is compared."))
    return TimelineStyle(stacked, width, with_frames, window, compared)


def _smoothing(window: Window, analysis_id: str) -> float:
    """Draw the choice of the smoothing and return its width in seconds; 0 for none."""
    automatic = automatic_width(window)

    def write(width: float) -> str:
        if width == AUTOMATIC:
            text = _("Automatic ({seconds} s)") if automatic else _("Automatic (none)")
            return text.format(seconds=short(automatic))
        return f"{short(width)} s" if width else _("No smoothing")

    width = st.selectbox(
        _("Smoothing"), [AUTOMATIC, *WIDTHS_S], format_func=write, key=f"smoothing_{analysis_id}", width=190,
        help=_(
            "Each frame becomes a weighted mean of the frames around it, never across a gap: a long recording can then "
            "be read at once. Short peaks become lower."
        ),
    )  # fmt: skip
    return automatic if width == AUTOMATIC else float(width)


def _length(table: pd.DataFrame, analysis_id: str) -> str:
    """Draw a choice of how much of the recording is drawn at once; none where a window would hold all of it."""
    whole = window_at(table, 0.0, None)
    fitting = [name for name, seconds in WINDOWS.items() if seconds is None or seconds < whole.to_s - whole.from_s]
    if len(fitting) < 2:
        return WHOLE
    return st.selectbox(_("Show"), fitting, format_func=_, key=f"window_{analysis_id}", width=180)


def _first_compared(view: SessionView) -> list[str]:
    """Return the emotion that each of the two analyses found most."""
    assert view.compared is not None
    most = [view.analysis.summary.dominant_emotion, view.compared.summary.dominant_emotion]
    return [name for name in EMOTIONS if name in most]


def tracks(view: SessionView, style: TimelineStyle) -> charts.Tracks:
    """Collect what is drawn beside the emotions, within the window.

    Args:
        view: The session under review.
        style: What was chosen for the chart.
    """
    analysis = view.analysis
    compared = None if view.compared is None else view.compared.summary
    window = style.window
    return charts.Tracks(
        episodes=within(analysis.episodes, window, "onset_s", "offset_s"),
        people=within(analysis.people, window, "first_s", "last_s"),
        utterances=within(speech_rows(view), window, "start_s", "end_s"),
        voice=analysis.draw_voice(window),
        **behaviour_tracks(analysis.behaviour, window),
        notes=within(view.timed_notes, window),
        raw=loaders.raw(analysis.summary.id, window) if style.with_frames else None,
        other=None if compared is None else loaders.frames_within(compared.id, style.smoothing_s, window),
        other_emotions=style.compared,
        other_label="" if compared is None else compared.model_id,
    )


def speech_rows(view: SessionView) -> pd.DataFrame:
    """Return who speaks when: the transcript's utterances, or where there are none the turns that were heard."""
    speaking = view.analysis.speaking
    if len(view.utterances) or speaking is None:
        return view.utterances
    return drawn_turns(speaking)


def behaviour_tracks(behaviour: BehaviourView | None, window: Window) -> dict[str, Any]:
    """Collect what is drawn of facial behaviour; nothing where the face mesh was not followed.

    Args:
        behaviour: The facial behaviour.
        window: From when to when.
    """
    if behaviour is None:
        return {}
    return {
        "behaviour": behaviour.draw(window),
        "blinks": within(behaviour.blinks, window, "onset_s", "offset_s"),
        "counts_blinks": behaviour.counts_blinks,
        "behaviour_episodes": within(behaviour.episodes, window, "onset_s", "offset_s"),
    }


def explain(style: TimelineStyle, frames: pd.DataFrame) -> None:
    """Say how to choose a moment, and what is drawn otherwise than it was measured.

    Args:
        style: What was chosen for the chart.
        frames: The frames that are drawn.
    """
    how = _(
        "Click anywhere in the chart, or pause the recording, to choose a moment. With the slider beside the recording "
        "in focus, the left and right arrow keys go from frame to frame. Drag over the chart to zoom in; double-click "
        "to see all of it again."
    )
    ui.note(how)
    if style.smoothing_s:
        smooth = _(
            "Emotions are smoothed over {seconds} s, so short peaks are lower than they were measured. Episodes, "
            "shares and estimates are never taken from smoothed values."
        )
        ui.note(smooth.format(seconds=short(style.smoothing_s)))
    if len(frames) >= MAX_ROWS:
        many = _(
            "So many frames are drawn together: each point is the mean of its frames, and the strip below shows the "
            "worst of them. Show a shorter stretch to see every frame."
        )
        ui.note(many)
