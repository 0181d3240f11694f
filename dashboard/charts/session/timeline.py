"""Charts along a recording: the emotion timeline, the strip of where the face was found, and what runs beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.session.coverage import COVERAGE_LABELS, coverage_row
from dashboard.charts.session.rows import Row, position_markers, strokes, texts
from dashboard.charts.session.tracks import Tracks, episode_row, note_marks, notes_near, rows_of
from dashboard.charts.style import axis_of, clock, layout_of, legend
from dashboard.i18n import _
from dashboard.i18n.numbers import percent_writer, short
from dashboard.theme.palette import Palette
from fer_phq.core.emotions import EMOTIONS

TOP = 44
BOTTOM = 76
BETWEEN = 12
EMOTIONS_HEIGHT = 264
"""Pixels above, below and between the rows, and of the emotions."""


def emotion_timeline(
    frames: pd.DataFrame,
    colours: Palette,
    *,
    stacked: bool,
    smoothing_s: float = 0.0,
    tracks: Tracks | None = None,
    revision: str = "",
) -> go.Figure:
    """Draw emotion probabilities over the recording, the strip of face coverage, and the other tracks.

    The chosen moment is not part of the figure, because another figure would be another chart:
    `components.chart_cursor` draws it.

    Args:
        frames: A row for each sampled frame, or a bin of them: `time_s` (seconds, ascending), `from_s` and `to_s` (what
            it stands for), the seven emotions (0 to 1), `quality` (0 to 1) and `state` (one of `COVERAGE_STATES`).
        colours: The palette.
        stacked: Whether the emotions are stacked areas; if not, they are lines.
        smoothing_s: Seconds over which the frames' emotions are smoothed, which the words under the pointer say; 0 for
            none.
        tracks: What is drawn beside the emotions; None for nothing.
        revision: Names the analysis: zoom and hidden traces are kept while it stays the same.
    """
    tracks = tracks or Tracks()
    above = episode_row(tracks.episodes, frames, colours)
    rows = [*([above] if above else []), coverage_row(frames, colours), *rows_of(tracks, frames, colours)]
    traces = list(_emotion_traces(frames, tracks, colours, stacked=stacked, smoothing_s=smoothing_s))
    for number, row in enumerate(rows, start=2):
        for trace in row.traces:
            trace.update(xaxis=f"x{number}", yaxis=f"y{number}")
            traces.append(trace)
    return go.Figure(traces, _layout(frames, rows, colours, revision))


def _layout(frames: pd.DataFrame, rows: list[Row], colours: Palette, revision: str) -> dict[str, Any]:
    """Return the whole layout in one piece: to change a figure's many axes one by one takes Plotly far longer."""
    heights = [EMOTIONS_HEIGHT, *(row.height for row in rows)]
    inner = sum(heights) + BETWEEN * len(rows)
    layout = layout_of(colours, height=inner + TOP + BOTTOM, revision=revision)
    layout |= {
        "hovermode": "x", "hoverdistance": -1, "clickmode": "event+select", "barmode": "overlay",
        "legend": legend(colours, y=1 + 18 / inner),
        # From the bottom of the whole chart: Plotly keeps it clear of the axis, however many rows it has.
        "legend2": legend(colours, y=0) | {"yref": "container", "yanchor": "bottom"},
        "margin": {"l": 92, "r": 16, "t": TOP, "b": BOTTOM},
    }  # fmt: skip
    first, last = _axis_range(frames)
    times = _clock_ticks(first, last)
    ticks = {"range": [first, last], "tickvals": times, "ticktext": [clock(time) for time in times]}
    probability = {"title": _("Probability"), "tickformat": ".0%", "range": [0, 1], "fixedrange": True}
    top = float(inner)
    for i, (height, axis) in enumerate(zip(heights, [probability, *(row.axis for row in rows)], strict=True)):
        number = str(i + 1) if i else ""
        is_last = i == len(rows)
        x: dict[str, Any] = {**axis_of(colours), **ticks, "anchor": f"y{number}", "showline": True}
        x |= {"matches": "x"} if i else {}
        x |= {"showticklabels": is_last, "showgrid": not i}
        x["title"] = {**x["title"], "text": _("Time in the recording (min:s)") if is_last else ""}
        y = {**axis_of(colours), **axis, "anchor": f"x{number}", "domain": [max(top - height, 0) / inner, top / inner]}
        y["title"] = {**axis_of(colours)["title"], "text": axis.get("title", "")}
        layout[f"xaxis{number}"] = x
        layout[f"yaxis{number}"] = y | ({"automargin": False} if i else {})
        top -= height + BETWEEN
    return layout


def with_gap_edges(
    frames: pd.DataFrame,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the frames as steps that stop at gaps.

    Returns `(time, values, seen)`: times (k,) ascending, emotions (k, 7) and which rows show a face. At each border
    between face and gap two rows are inserted, so that a lone frame still has a width and nothing is drawn across a
    gap.
    """
    time = frames["time_s"].to_numpy(dtype=float)
    values = frames[list(EMOTIONS)].to_numpy(dtype=float)
    has_face = ~np.isnan(values).any(axis=1)
    changes = np.flatnonzero(has_face[1:] != has_face[:-1])
    border = frames["to_s"].to_numpy(dtype=float)[changes]
    inside = np.where(has_face[changes][:, None], values[changes], values[changes + 1])
    gap = np.full_like(inside, np.nan)
    first = np.where(has_face[changes][:, None], inside, gap)
    second = np.where(has_face[changes][:, None], gap, inside)
    where = np.repeat(changes + 1, 2)
    time = np.insert(time, where, np.repeat(border, 2))
    values = np.insert(values, where, np.stack([first, second], axis=1).reshape(-1, len(EMOTIONS)), axis=0)
    return time, values, ~np.isnan(values).any(axis=1)


def _emotion_traces(
    frames: pd.DataFrame, tracks: Tracks, colours: Palette, *, stacked: bool, smoothing_s: float
) -> list[go.Scatter]:
    """Build everything in the first row, the points that can be clicked among it."""
    traces = _area_traces(frames, colours) if stacked else _line_traces(frames, colours)
    if tracks.raw is not None:
        traces = [*_raw_traces(tracks.raw, colours), *traces]
    if tracks.other is not None:
        traces = [*traces, *_other_traces(tracks, colours)]
    traces.append(_position_trace(frames, notes_near(tracks.notes, frames), colours, smoothing_s))
    if tracks.notes is not None and len(tracks.notes):
        traces.append(note_marks(tracks.notes, colours))
    return traces


def _area_traces(frames: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    time, values, has_face = with_gap_edges(frames)
    filled = np.where(has_face[:, None], values, 0.0)
    return [
        go.Scatter(
            x=time,
            y=filled[:, i],
            name=_(name.capitalize()),
            mode="lines",
            line={"width": 0.7, "color": colours.card},
            fillcolor=colours.emotion(name),
            stackgroup="emotions",
            hoverinfo="skip",
        )
        for i, name in enumerate(EMOTIONS)
    ]


def _line_traces(frames: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    time, values, _has_face = with_gap_edges(frames)
    return [
        go.Scatter(
            x=time,
            y=values[:, i],
            name=_(name.capitalize()),
            mode="lines",
            line={"width": 1.75, "color": colours.emotion(name)},
            legendgroup=name,
            connectgaps=False,
            hoverinfo="skip",
        )
        for i, name in enumerate(EMOTIONS)
    ]


def _raw_traces(raw: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    """Build the values before smoothing: a dot for a frame, or a stroke from the lowest to the highest of a bin."""
    return [
        go.Scatter(
            **strokes(rows["time_s"], rows["low"], rows["high"], 0.007),
            mode="lines",
            line={"width": 3, "color": colours.emotion(str(name))},
            opacity=0.7,
            hoverinfo="skip",
            name=_("{emotion}, frames").format(emotion=_(str(name).capitalize())),
            legendgroup=name,
            showlegend=False,
        )
        for name, rows in raw.groupby("emotion", sort=False)
    ]


def _other_traces(tracks: Tracks, colours: Palette) -> list[go.Scatter]:
    """Build chosen emotions of a second analysis as dashed lines; one entry in the legend says whose they are."""
    assert tracks.other is not None
    time, values, _has_face = with_gap_edges(tracks.other)
    lines = [
        go.Scatter(
            x=time,
            y=values[:, EMOTIONS.index(name)],
            name=f"{_(name.capitalize())}, {tracks.other_label}",
            mode="lines",
            line={"width": 1.75, "color": colours.emotion(name), "dash": "dash"},
            legendgroup=name,
            showlegend=False,
            connectgaps=False,
            hoverinfo="skip",
        )
        for name in tracks.other_emotions
    ]
    key = go.Scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"width": 1.75, "color": colours.ink, "dash": "dash"},
        name=tracks.other_label,
        hoverinfo="skip",
    )
    return [*lines, key]


def _position_trace(frames: pd.DataFrame, notes: list[str], colours: Palette, smoothing_s: float) -> go.Scatter:
    """Build invisible points: they carry the words that appear under the pointer, and can be clicked.

    The words say over how many seconds the emotions are smoothed. It is the only trace of its row that reacts to the
    pointer, because Plotly selects just the first trace it finds under a click, and lines without markers cannot be
    selected.
    """
    lines = [
        f'<span style="color:{colours.emotion(name)}">■</span> {_(name.capitalize())} %{{customdata[{i}]}}'
        for i, name in enumerate(EMOTIONS)
    ]
    labels = {state: _(label) for state, label in COVERAGE_LABELS.items()}
    write = percent_writer()
    words = [
        [*("–" if value != value else write(value) for value in row), labels[state], clock(time), note]
        for row, state, time, note in zip(
            frames[list(EMOTIONS)].to_numpy(dtype=float), frames["state"], frames["time_s"], notes, strict=True
        )
    ]
    n = len(EMOTIONS)
    over = _("mean of {seconds} s").format(seconds=short(smoothing_s)) if smoothing_s else ""
    title = f"<b>%{{customdata[{n + 1}]}}</b> (%{{x:.1f}} s) · %{{customdata[{n}]}}%{{customdata[{n + 2}]}}"
    title += f" · {over}" if over else ""
    trace = position_markers(frames["time_s"], 0.5, [""] * len(frames))
    trace.customdata = texts(words)
    trace.hovertemplate = "<br>".join([title, *reversed(lines)]) + "<extra></extra>"
    return trace


def _axis_range(frames: pd.DataFrame) -> tuple[float, float]:
    """Return the range from the first row's span to the last one's."""
    if not len(frames):
        return 0.0, 1.0
    return float(frames["from_s"].iloc[0]), float(frames["to_s"].iloc[-1])


def _clock_ticks(first: float, last: float, at_most: int = 9) -> list[float]:
    """Choose round times for the axis: at most `at_most`, at whole 1, 2, 5, 10, 15, 30 seconds or minutes."""
    length = max(last - first, 1.0)
    steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600]
    step = next((s for s in steps if length / s <= at_most), 7200)
    return [float(t) for t in np.arange(np.ceil(max(first, 0) / step) * step, last + 1e-9, step)]
