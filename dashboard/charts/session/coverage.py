"""The strip that shows where along a recording the face was found, well or badly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.session.rows import Row, position_markers, span_bars, strip_axis
from dashboard.i18n import _, mark
from dashboard.i18n.numbers import decimal
from dashboard.theme.palette import Palette

COVERAGE_STATES: tuple[str, ...] = ("gap", "low", "face")
COVERAGE_LABELS = {"gap": mark("No face found"), "low": mark("Face, low quality"), "face": mark("Face found")}


def coverage_row(frames: pd.DataFrame, colours: Palette) -> Row:
    """Build the row of face coverage: faces full and plain, low quality half as high and hatched, gaps crossed.

    Args:
        frames: A row for each frame or bin of frames: `time_s`, `from_s`, `to_s`, `quality`, `state`.
        colours: The palette.
    """
    traces: list[go.Scatter | go.Bar] = []
    styles = {
        "gap": (1.0, colours.gap, {"pattern": _hatch("x", colours.muted)}),
        "low": (0.55, colours.low, {"pattern": _hatch("/", colours.card)}),
        "face": (1.0, colours.good, {}),
    }
    runs = _runs(frames)
    labels = {state: _(label) for state, label in COVERAGE_LABELS.items()}
    for state in COVERAGE_STATES:
        height, fill, more = styles[state]
        mine = runs[runs["state"] == state]
        bars = span_bars(labels[state], mine["from_s"], mine["to_s"], fill, height=height, **more)
        traces.append(bars)
        key = go.Bar(x=[None], y=[None], marker={"color": fill, **more}, name=labels[state], legend="legend2")
        traces.append(key)
    hover_texts = [_coverage_words(labels[s], q) for s, q in zip(frames["state"], frames["quality"], strict=True)]
    traces.append(position_markers(frames["time_s"], 0.5, hover_texts))
    return Row("Coverage", 18, traces, strip_axis(_("Face")))


def _hatch(shape: str, colour: str) -> dict[str, object]:
    """Return lines over a bar's own colour."""
    return {"shape": shape, "size": 5, "solidity": 0.3, "fgcolor": colour, "fillmode": "overlay"}


def _runs(frames: pd.DataFrame) -> pd.DataFrame:
    """Join neighbouring rows of one state into one span."""
    state = frames["state"].to_numpy()
    begins = np.flatnonzero(np.r_[True, state[1:] != state[:-1]]) if len(frames) else np.zeros(0, int)
    spans = [(first, last - 1) for first, last in pairwise([*begins.tolist(), len(frames)])]
    return pd.DataFrame(
        {
            "state": [state[first] for first, _last in spans],
            "from_s": [float(frames["from_s"].iloc[first]) for first, _last in spans],
            "to_s": [float(frames["to_s"].iloc[last]) for _first, last in spans],
        }
    )


def _coverage_words(label: str, quality: float) -> str:
    if quality != quality:
        return label
    return _("{face} (quality {quality})").format(face=label, quality=decimal(quality, 2))
