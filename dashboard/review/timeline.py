"""The timeline: emotions, coverage and everything else that shares their time axis, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import charts, context, loaders
from dashboard.components.chart_cursor import chart_cursor
from dashboard.i18n import _, mark
from dashboard.i18n.numbers import short
from dashboard.review.choose import AnalysisChoice
from dashboard.review.state import clicked
from dashboard.widgets import ui
from db.records import AnalysisSummary, NoteRecord
from fer_phq.core.emotions import EMOTIONS
from fer_phq.timeline.downsample import MAX_ROWS
from service.views.review import Window, note_table, other_people, voice_table, window_at, within

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
WIDEST_S = 5.0
"""Of the smoothing: wider, and an expression of ordinary length would vanish."""


@dataclass(frozen=True)
class TimelineView:
    """How the timeline is drawn: stacked areas or lines, smoothed over so many seconds, which window of it, and which
    emotions of a second analysis."""

    stacked: bool
    smoothing_s: float
    window: Window
    compared: tuple[str, ...] = ()


def timeline_key(summary: AnalysisSummary) -> str:
    """Key of the chart; the player moves a line over it."""
    return f"timeline_{summary.id}"


def timeline(
    choice: AnalysisChoice,
    session_id: str,
    frame: loaders.FrameDetail,
    notes: list[NoteRecord],
    utterances: pd.DataFrame,
) -> None:
    """The controls and the chart; a click anywhere in it chooses a moment."""
    summary = choice.summary
    key = timeline_key(choice.summary)
    view = controls(choice, frame.time_s)
    frames = loaders.frames_within(summary.id, view.smoothing_s, view.window)
    figure = charts.emotion_timeline(
        frames,
        context.colours(),
        stacked=view.stacked,
        tracks=tracks(choice, view, notes, utterances),
        revision=f"{summary.id}-{view.stacked}-{view.window.from_s}",
    )
    st.plotly_chart(
        figure, theme=None, config=charts.CONFIG, key=key, selection_mode="points",
        on_select=lambda: clicked(session_id, key),
        alt=_(
            "Probability of seven emotions over the recording, with rows below it for expression episodes, for where "
            "the face was found, and for other people, transcript and voice where there are any"
        ),
    )  # fmt: skip
    chart_cursor(key, frame.time_s, key=f"line_{session_id}")
    explain(view, frames)


def controls(choice: AnalysisChoice, time_s: float) -> TimelineView:
    """Title, style, smoothing and window, and which emotions of the second analysis are drawn."""
    summary = choice.summary
    table = loaders.frames(summary.id)
    st.subheader(_("Timeline"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        style = st.segmented_control(
            _("Emotions as"), [AREA, LINES], default=AREA, required=True, format_func=_, key=f"style_{summary.id}"
        )
        width = st.slider(
            _("Smoothing"), 0.0, WIDEST_S, 0.0, step=0.5, format="%.1f s", key=f"smoothing_{summary.id}", width=190,
            help=_(
                "Each frame becomes a weighted mean of the frames around it, never across a gap. The frames "
                "themselves stay visible as dots."
            ),
        )  # fmt: skip
        length = _length(table, summary.id)
    compared: tuple[str, ...] = ()
    if choice.compared is not None:
        compared = tuple(
            st.pills(
                _("Emotions of the compared analysis, dashed"), EMOTIONS, selection_mode="multi",
                default=_first_compared(choice), format_func=lambda name: _(name.capitalize()),
                key=f"compared_{summary.id}",
            )
        )  # fmt: skip
    stacked = style == AREA and not width and choice.compared is None
    if style == AREA and not stacked:
        ui.note(_("Drawn as lines while it is smoothed or compared."))
    return TimelineView(stacked, float(width), window_at(table, time_s, WINDOWS[length]), compared)


def _length(table: pd.DataFrame, analysis_id: str) -> str:
    """How much of the recording is drawn at once; not asked where a window would hold all of it."""
    whole = window_at(table, 0.0, None)
    fitting = [name for name, seconds in WINDOWS.items() if seconds is None or seconds < whole.to_s - whole.from_s]
    if len(fitting) < 2:
        return WHOLE
    return st.selectbox(_("Show"), fitting, format_func=_, key=f"window_{analysis_id}", width=180)


def _first_compared(choice: AnalysisChoice) -> list[str]:
    """The emotion that each of the two analyses found most."""
    assert choice.compared is not None
    most = [choice.summary.dominant_emotion, choice.compared.dominant_emotion]
    return [name for name in EMOTIONS if name in most]


def tracks(
    choice: AnalysisChoice, view: TimelineView, notes: list[NoteRecord], utterances: pd.DataFrame
) -> charts.Tracks:
    """What runs beside the emotions, within the window."""
    summary = choice.summary
    window = view.window
    return charts.Tracks(
        episodes=within(loaders.episodes(summary.id), window, "onset_s", "offset_s"),
        people=within(other_people(loaders.analysis(summary.id)), window, "first_s", "last_s"),
        utterances=within(utterances, window, "start_s", "end_s"),
        voice=voice_table(loaders.voice(summary.id), window),
        notes=within(note_table(notes), window),
        raw=loaders.raw(summary.id, window) if view.smoothing_s else None,
        other=loaders.frames_within(choice.compared.id, view.smoothing_s, window)
        if choice.compared is not None
        else None,
        other_emotions=view.compared,
        other_label=choice.compared.model_id if choice.compared is not None else "",
    )


def explain(view: TimelineView, frames: pd.DataFrame) -> None:
    """How to choose a moment, and what is drawn otherwise than it was measured."""
    how = _(
        "Click anywhere in the chart, or pause the recording, to choose a moment. With the slider beside the recording "
        "in focus, the left and right arrow keys go from frame to frame. Drag over the chart to zoom in; double-click "
        "to see all of it again."
    )
    ui.note(how)
    if view.smoothing_s:
        smooth = _(
            "Lines are smoothed over {seconds} s; dots and strokes are the frames as they were measured. Episodes, "
            "shares and estimates are never taken from smoothed values."
        )
        ui.note(smooth.format(seconds=short(view.smoothing_s)))
    if len(frames) >= MAX_ROWS:
        many = _(
            "So many frames are drawn together: each point is the mean of its frames, and the strip below shows the "
            "worst of them. Show a shorter stretch to see every frame."
        )
        ui.note(many)
