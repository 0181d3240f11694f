"""What every row of a chart along a recording is made of.

A row can be clicked anywhere: it has points that cannot be seen, which carry the words under the pointer. Plotly
selects only the first trace that it finds under a click, so nothing else in a row reacts to the pointer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.style import clock

POSITIONS = "moments"
"""Name of the invisible traces whose points can be clicked to choose a moment of the timeline."""


@dataclass(frozen=True, eq=False)
class Row:
    """One row below the emotions.

    Attributes:
        name: Its name.
        height: Pixels.
        traces: What is drawn in it.
        axis: What its y axis has beyond the usual, as Plotly names it.
    """

    name: str
    height: int
    traces: list[go.Scatter | go.Bar]
    axis: dict[str, Any]


def position_markers(x: pd.Series, y: float, words: Sequence[str]) -> go.Scatter:
    """Build invisible points: they carry the words that appear under the pointer, and can be clicked.

    Args:
        x: Seconds.
        y: The points' height on the y axis.
        words: The words of each point, as HTML.
    """
    return go.Scatter(
        x=x,
        y=np.full(len(x), y),
        customdata=texts([[clock(time), text] for time, text in zip(x, words, strict=True)]),
        name=POSITIONS,
        mode="markers",
        marker={"size": 14, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
        hovertemplate="<b>%{customdata[0]}</b> (%{x:.1f} s)<br>%{customdata[1]}<extra></extra>",
    )


def texts(rows: Sequence[Sequence[str]]) -> npt.NDArray[np.object_]:
    """Return words as an array, which Plotly takes over far quicker than lists of lists."""
    return np.array(rows, dtype=object)


def strip_axis(name: str, top: float = 1.0) -> dict[str, Any]:
    """Return the y axis of a strip, which shows its name and nothing else.

    Args:
        name: The strip's name.
        top: The axis's highest value.
    """
    return {
        "range": [0, top], "tickvals": [top / 2], "ticktext": [name], "showgrid": False, "fixedrange": True,
    }  # fmt: skip


def span_bars(
    name: str,
    start: pd.Series,
    end: pd.Series,
    fill: Any,
    *,
    height: float = 1.0,
    base: Any = 0.0,
    **more: Any,
) -> go.Bar:
    """Build bars from start to end.

    Args:
        name: The bars' name.
        start: Each bar's start in seconds.
        end: Each bar's end.
        fill: One colour, or one for each bar.
        height: The bars' height on the y axis.
        base: Where the bars stand on the y axis: one number, or one for each bar.
        **more: What their markers have beyond the usual, such as a pattern.
    """
    begins = start.to_numpy(dtype=float)
    ends = end.to_numpy(dtype=float)
    marker = {"color": fill, "line": {"width": 0.6, "color": fill}, **more}
    return go.Bar(
        x=(begins + ends) / 2,
        width=ends - begins,
        y=np.full(len(begins), height),
        base=base,
        marker=marker,
        unselected={"marker": {"opacity": 1}},
        hoverinfo="skip",
        name=name,
        showlegend=False,
    )


def strokes(time_s: pd.Series, low: pd.Series, high: pd.Series, least: float) -> dict[str, npt.NDArray[np.float64]]:
    """Build x and y of upright strokes as one broken line, which draws far quicker than as many marks.

    Args:
        time_s: Where each stroke stands, in seconds.
        low: Its lower end.
        high: Its upper end.
        least: How far it reaches beyond both, so that an empty one can be seen.
    """
    x, bottom, top = (column.to_numpy(dtype=float) for column in (time_s, low, high))
    blank = np.full(len(x), np.nan)
    y = np.column_stack([bottom - least, top + least, blank])
    return {"x": np.column_stack([x, x, blank]).ravel(), "y": y.ravel()}
