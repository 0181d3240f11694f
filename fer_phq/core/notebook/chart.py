"""The chart of an analysis: emotions over time, and head pose, eyes and mouth where they were measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fer_phq.core import texts
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fer_phq.core.analysis import SessionAnalysis
    from fer_phq.core.feature_series import FeatureSeries

EMOTION_COLOURS = ("#C53E53", "#1B5D00", "#76426F", "#B49100", "#8E8E8C", "#0067D1", "#00A2C2")
"""A colour for each emotion, in the order of `EMOTIONS`, on white, chosen as `dashboard.theme.palette` says."""
MOST_POINTS = 4000
"""Most points of a line: of longer series, neighbouring rows are averaged."""

_INK = "#1B2A30"
_LINE = "#DDE4E5"
_ANGLES = {"pitch_deg": "pitch", "yaw_deg": "yaw", "roll_deg": "roll"}
_OPENINGS = {"eye_open_left": "left eye", "eye_open_right": "right eye", "mouth_open": "mouth"}
_COLOURS = ("#1D6670", "#9A6100", "#76426F")


def analysis_chart(analysis: SessionAnalysis) -> go.Figure:
    """Draw an analysis over time; a gap is where the face was not seen.

    Args:
        analysis: The analysis.

    Raises:
        FerPhqError: Plotly is not installed.
    """
    try:
        from plotly.subplots import make_subplots
    except ModuleNotFoundError:
        raise FerPhqError(texts.PACKAGE_MISSING(package="plotly")) from None
    timeline = analysis.timeline
    rows: list[tuple[str, npt.NDArray[np.float64], dict[str, Any], tuple[str, ...]]] = [
        ("probability", timeline.time_s, dict(zip(EMOTIONS, timeline.emotions.T, strict=True)), EMOTION_COLOURS)
    ]
    series = analysis.behaviour
    if series is not None and series.time_s is not None:
        rows.append(("degrees", series.time_s, _columns(series, _ANGLES), _COLOURS))
        rows.append(("opening", series.time_s, _columns(series, _OPENINGS), _COLOURS))
    figure = make_subplots(rows=len(rows), shared_xaxes=True, vertical_spacing=0.06)
    for number, (title, time_s, lines, colours) in enumerate(rows, 1):
        for (name, values), colour in zip(lines.items(), colours, strict=False):
            points = _averaged(time_s), _averaged(values)
            legend = f"legend{number}" if number > 1 else "legend"
            line = {"color": colour, "width": 1.5}
            figure.add_scatter(
                x=points[0], y=points[1], name=name, line=line, mode="lines", legend=legend, row=number, col=1
            )
        figure.update_yaxes(title=title, gridcolor=_LINE, zeroline=False, row=number, col=1)
        top = figure.layout[f"yaxis{number}" if number > 1 else "yaxis"].domain[1]
        figure.update_layout({f"legend{number}" if number > 1 else "legend": {"y": top, "yanchor": "top"}})
    figure.update_xaxes(gridcolor=_LINE, zeroline=False)
    figure.update_xaxes(title="seconds", row=len(rows), col=1)
    figure.update_layout(
        title=Path(analysis.recording.path).name.replace("<", "&lt;"),
        template="none",
        height=160 + 180 * len(rows),
        font={"family": "Inter, sans-serif", "size": 12, "color": _INK},
        paper_bgcolor="#FFFFFF",
        plot_bgcolor="#FFFFFF",
    )
    return figure


def _columns(series: FeatureSeries, names: dict[str, str]) -> dict[str, Any]:
    return {title: series.values[:, series.names.index(name)] for name, title in names.items() if name in series.names}


def _averaged(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the means of as many neighbouring values as are needed, NaN where one of them is missing."""
    size = -(-len(values) // MOST_POINTS)
    if size <= 1:
        return values.astype(np.float64)
    starts = np.arange(0, len(values), size)
    counts = np.diff(np.r_[starts, len(values)])
    means: npt.NDArray[np.float64] = np.add.reduceat(values.astype(np.float64), starts) / counts
    return means
