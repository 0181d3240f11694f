"""Charts along a recording: the emotion timeline and the strip that shows where the face was found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.style import clock, legend, style
from dashboard.palette import Palette
from fer_phq.emotions import EMOTIONS

COVERAGE_STATES: tuple[str, ...] = ("gap", "low", "face")
COVERAGE_LABELS = {"gap": "No face found", "low": "Face, low quality", "face": "Face found"}
MOMENTS = "moments"
"""Name of the invisible trace whose points can be clicked to choose a moment of the timeline."""


def emotion_timeline(
    frames: pd.DataFrame, colours: Palette, *, stacked: bool, moment_s: float | None = None, revision: str = ""
) -> go.Figure:
    """Emotion probabilities over the recording above a strip that shows where the face was found.

    `frames`: one row a sampled frame with `time_s` (seconds, ascending), the seven emotions (0 to 1), `quality`
    (0 to 1) and `state` (one of `COVERAGE_STATES`). `moment_s` is marked by a vertical line. `revision` names the
    analysis: zoom and hidden traces are kept while it stays the same.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.9, 0.1], vertical_spacing=0.06)
    for trace in _area_traces(frames, colours) if stacked else _line_traces(frames, colours):
        figure.add_trace(trace, row=1, col=1)
    figure.add_trace(_moment_trace(frames, colours), row=1, col=1)
    figure.add_trace(_coverage_trace(frames, colours), row=2, col=1)
    for state in COVERAGE_STATES:
        figure.add_trace(_coverage_key(state, colours), row=2, col=1)
    style(figure, colours, height=400, revision=revision)
    figure.update_layout(hovermode="x", hoverdistance=-1, clickmode="event+select")
    figure.update_layout(legend2=legend(colours, y=-0.2), margin={"l": 56, "r": 16, "t": 44, "b": 72})
    figure.update_yaxes(title_text="Probability", tickformat=".0%", range=[0, 1], row=1, col=1)
    figure.update_yaxes(visible=False, fixedrange=True, row=2, col=1)
    times = _clock_ticks(frames["time_s"].to_numpy(dtype=float))
    figure.update_xaxes(range=_axis_range(frames), tickvals=times, ticktext=[clock(t) for t in times])
    figure.update_xaxes(title_text="Time in the recording (min:s)", showgrid=False, row=2, col=1)
    if moment_s is not None:
        figure.add_vline(x=moment_s, line_width=1.5, line_color=colours.ink, opacity=0.8)
    return figure


def with_gap_edges(
    frames: pd.DataFrame,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The frames as steps that stop at gaps.

    Returns `(time, values, seen)`: times (k,) ascending, emotions (k, 7) and which rows show a face. At each border
    between face and gap two rows are inserted half a sampling step away, so that a lone frame still has a width and
    nothing is drawn across a gap.
    """
    time = frames["time_s"].to_numpy(dtype=float)
    values = frames[list(EMOTIONS)].to_numpy(dtype=float)
    seen = ~np.isnan(values).any(axis=1)
    changes = np.flatnonzero(seen[1:] != seen[:-1])
    middle = (time[changes] + time[changes + 1]) / 2
    inside = np.where(seen[changes][:, None], values[changes], values[changes + 1])
    gap = np.full_like(inside, np.nan)
    first = np.where(seen[changes][:, None], inside, gap)
    second = np.where(seen[changes][:, None], gap, inside)
    where = np.repeat(changes + 1, 2)
    time = np.insert(time, where, np.repeat(middle, 2))
    values = np.insert(values, where, np.stack([first, second], axis=1).reshape(-1, len(EMOTIONS)), axis=0)
    return time, values, ~np.isnan(values).any(axis=1)


def _area_traces(frames: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    time, values, seen = with_gap_edges(frames)
    filled = np.where(seen[:, None], values, 0.0)
    return [
        go.Scatter(
            x=time,
            y=filled[:, i],
            name=name.capitalize(),
            mode="lines",
            line={"width": 0.7, "color": colours.card},
            fillcolor=colours.emotion(name),
            stackgroup="emotions",
            hoverinfo="skip",
        )
        for i, name in enumerate(EMOTIONS)
    ]


def _line_traces(frames: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    time, values, _ = with_gap_edges(frames)
    return [
        go.Scatter(
            x=time,
            y=values[:, i],
            name=name.capitalize(),
            mode="lines",
            line={"width": 1.75, "color": colours.emotion(name)},
            connectgaps=False,
            hoverinfo="skip",
        )
        for i, name in enumerate(EMOTIONS)
    ]


def _moment_trace(frames: pd.DataFrame, colours: Palette) -> go.Scatter:
    """Points that cannot be seen: they carry the words that appear under the pointer, and can be clicked.

    It is the only trace of the timeline that reacts to the pointer, because Plotly selects just the first trace
    it finds under a click, and lines without markers cannot be selected.
    """
    lines = [
        f'<span style="color:{colours.emotion(name)}">■</span> {name.capitalize()} %{{customdata[{i}]}}'
        for i, name in enumerate(EMOTIONS)
    ]
    words = [
        [*("–" if value != value else f"{value:.0%}" for value in row), COVERAGE_LABELS[state]]
        for row, state in zip(frames[list(EMOTIONS)].to_numpy(dtype=float), frames["state"], strict=True)
    ]
    title = f"<b>%{{x:.1f}} s</b> · %{{customdata[{len(EMOTIONS)}]}}"
    return go.Scatter(
        x=frames["time_s"],
        y=np.full(len(frames), 0.5),
        customdata=words,
        name=MOMENTS,
        mode="markers",
        marker={"size": 14, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
        hovertemplate="<br>".join([title, *reversed(lines)]) + "<extra></extra>",
    )


def _coverage_trace(frames: pd.DataFrame, colours: Palette) -> go.Heatmap:
    time = frames["time_s"].to_numpy(dtype=float)
    middle = (time[1:] + time[:-1]) / 2
    before, after = _span(frames)
    level = frames["state"].map({state: i for i, state in enumerate(COVERAGE_STATES)}).to_numpy(dtype=float)
    fills = [colours.gap, colours.low, colours.good]
    scale = [[edge, fill] for i, fill in enumerate(fills) for edge in (i / 3, (i + 1) / 3)]
    words = [_coverage_words(s, q) for s, q in zip(frames["state"], frames["quality"], strict=True)]
    return go.Heatmap(
        x=np.concatenate([[before], middle, [after]]),
        y=[0, 1],
        z=level[None, :],
        zmin=-0.5,
        zmax=2.5,
        colorscale=scale,
        showscale=False,
        name="Coverage",
        text=[words],
        hovertemplate="%{text}<extra></extra>",
    )


def _coverage_words(state: str, quality: float) -> str:
    return COVERAGE_LABELS[state] if quality != quality else f"{COVERAGE_LABELS[state]} (quality {quality:.2f})"


def _coverage_key(state: str, colours: Palette) -> go.Scatter:
    """A legend entry for one state of the coverage strip."""
    fill = {"gap": colours.gap, "low": colours.low, "face": colours.good}[state]
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker={"symbol": "square", "size": 11, "color": fill, "line": {"width": 1, "color": colours.muted}},
        name=COVERAGE_LABELS[state],
        legend="legend2",
        hoverinfo="skip",
    )


def _span(frames: pd.DataFrame) -> list[float]:
    """First and last time, half a sampling step wider on both sides."""
    time = frames["time_s"].to_numpy(dtype=float)
    if not len(time):
        return [0.0, 1.0]
    half = float(time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    return [float(time[0]) - half, float(time[-1]) + half]


def _axis_range(frames: pd.DataFrame) -> list[float]:
    """First and last sampled time with a little air."""
    first, last = _span(frames)
    if len(frames) < 2:
        return [first, last]
    time = frames["time_s"].to_numpy(dtype=float)
    air = 0.005 * float(time[-1] - time[0])
    return [float(time[0]) - air, float(time[-1]) + air]


def _clock_ticks(time: npt.NDArray[np.float64], at_most: int = 9) -> list[float]:
    """Round times for the axis: at most `at_most` of them, at whole 1, 2, 5, 10, 15, 30 seconds or minutes."""
    if not len(time):
        return []
    length = max(float(time[-1] - min(time[0], 0.0)), 1.0)
    steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600]
    step = next((s for s in steps if length / s <= at_most), 7200)
    return [float(t) for t in np.arange(0, float(time[-1]) + 1e-9, step)]
