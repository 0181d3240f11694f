"""Charts of a cohort: how a measure is spread over people, and one person's course as one of many small charts."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.measures import PANEL, Trace, panel, value_axis
from dashboard.charts.trends import Span, broken
from dashboard.i18n import _
from dashboard.i18n.vocabulary import heading, measure_text
from dashboard.theme.palette import Palette
from fer_phq.features.measures import Measure

GROUP_PX = 80
"""Room for a group beside others."""
PEOPLE = "People"
"""The name of the trace whose points are people and can be clicked."""


def distribution_panel(points: pd.DataFrame, boxes: pd.DataFrame, measure: Measure, colours: Palette) -> go.Figure:
    """Draw one measure: a point for each person in their group's column, and the quartiles of groups that have them.

    Args:
        points: `group`, `label`, `subject_id`, `sessions`, `value`; groups in their order.
        boxes: `group`, `low`, `q1`, `median`, `q3`, `high`.
        measure: The measure.
        colours: The palette.
    """
    groups = list(dict.fromkeys(points["group"]))
    traces: list[Trace] = [_people(points, groups, measure, colours)]
    if len(boxes):
        traces.insert(0, _boxes(boxes, groups, colours))
    figure = go.Figure(traces)
    counts = points["group"].value_counts()
    panel(
        figure, heading(measure), colours,
        xaxis={
            "tickvals": list(range(len(groups))),
            "ticktext": [f"{_short(group)}<br>{counts[group]}" for group in groups],
            "range": [-0.6, len(groups) - 0.4], "showgrid": False, "tickangle": 0,
        },
        yaxis=value_axis(measure, 5) | {"showticklabels": len(points) > 0},
        width=max(PANEL[0], GROUP_PX * len(groups)), margin={"b": 44}, clickmode="event+select", dragmode=False,
    )  # fmt: skip
    return figure


def person_panel(
    rows: pd.DataFrame,
    measure: Measure,
    colours: Palette,
    *,
    limits: tuple[float, float],
    span: Span | None,
) -> go.Figure:
    """Draw one person's course in one measure.

    Args:
        rows: `recorded_at`, `value`, `segment`; the line stops where `segment` changes.
        measure: The measure.
        colours: The palette.
        limits: Lowest and highest value of the y axis.
        span: First and last moment of the time axis; None for what the rows need.
    """
    whole = broken(rows)
    line = {
        "type": "scatter",
        "x": pd.to_datetime(whole["recorded_at"]),
        "y": whole["value"],
        "mode": "lines+markers",
        "connectgaps": False,
        "line": {"width": 1.5, "color": colours.accent},
        "marker": {"size": 5, "color": colours.accent},
        "customdata": [measure_text(measure, value) for value in whole["value"]],
        "hovertemplate": "%{x|%d %b %Y}<br>%{customdata}<extra></extra>",
        "name": escape(_(measure.title)),
    }
    figure = go.Figure([line])
    panel(
        figure, "", colours, yaxis=value_axis(measure, 4) | {"range": list(limits)},
        xaxis={"type": "date", "range": None if span is None else list(span), "showgrid": False, "nticks": 4},
        height=PANEL[1] - 50, margin={"t": 8},
    )  # fmt: skip
    return figure


def _boxes(boxes: pd.DataFrame, groups: list[str], colours: Palette) -> Trace:
    return {
        "type": "box",
        "x": [groups.index(group) for group in boxes["group"]],
        "lowerfence": boxes["low"],
        "q1": boxes["q1"],
        "median": boxes["median"],
        "q3": boxes["q3"],
        "upperfence": boxes["high"],
        "width": 0.62,
        "whiskerwidth": 0.4,
        "line": {"color": colours.muted, "width": 1.25},
        "fillcolor": colours.inset,
        "name": _("Quartiles"),
        "hoverinfo": "skip",
    }


def _people(points: pd.DataFrame, groups: list[str], measure: Measure, colours: Palette) -> Trace:
    position = points["group"].map({group: i for i, group in enumerate(groups)}).to_numpy(dtype=float)
    # Spread by a fixed rule, so that a person's point stays where it is from one drawing to the next.
    aside = (np.arange(len(points)) * 0.618) % 1 * 0.4 - 0.2
    solid = {"marker": {"opacity": 0.7}}
    return {
        "type": "scatter",
        "x": position + aside,
        "y": points["value"],
        "mode": "markers",
        "marker": {"size": 6, "color": colours.accent, "opacity": 0.7},
        "selected": solid,
        "unselected": solid,
        "customdata": [
            [subject_id, escape(label), measure_text(measure, value), str(sessions)]
            for subject_id, label, value, sessions in zip(
                points["subject_id"], points["label"], points["value"], points["sessions"], strict=True
            )
        ],
        "name": PEOPLE,
        "hovertemplate": "<b>%{customdata[1]}</b><br>%{customdata[2]}<br>"
        + _("sessions: {sessions}").format(sessions="%{customdata[3]}")
        + "<extra></extra>",
    }


def _short(words: str) -> str:
    return escape(words if len(words) <= 14 else f"{words[:13]}…")
