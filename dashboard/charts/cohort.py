"""Charts of a cohort: how a measure is spread over people, and one person's course as one of many small charts."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.measures import PANEL, panel
from dashboard.charts.trends import Span, broken
from dashboard.palette import Palette
from fer_phq.measures import Measure

GROUP_PX = 90
"""Room for a group beside others."""
PEOPLE = "People"
"""The name of the trace whose points are people and can be clicked."""


def distribution_panel(points: pd.DataFrame, boxes: pd.DataFrame, measure: Measure, colours: Palette) -> go.Figure:
    """One measure: a point a person in their group's column, with the quartiles of groups that have them.

    `points`: `group`, `label`, `subject_id`, `sessions`, `value`, groups in their order. `boxes`: `group`, `low`, `q1`,
    `median`, `q3`, `high`.
    """
    groups = list(dict.fromkeys(points["group"]))
    figure = go.Figure()
    if len(boxes):
        figure.add_trace(
            go.Box(
                x=[groups.index(group) for group in boxes["group"]],
                lowerfence=boxes["low"],
                q1=boxes["q1"],
                median=boxes["median"],
                q3=boxes["q3"],
                upperfence=boxes["high"],
                width=0.62,
                name="Quartiles",
                hoverinfo="skip",
                line={"color": colours.muted, "width": 1.25},
                fillcolor=colours.inset,
                whiskerwidth=0.4,
            )
        )
    figure.add_trace(_people(points, groups, measure, colours))
    panel(figure, measure.heading, colours)
    figure.update_layout(
        width=max(PANEL[0], GROUP_PX * len(groups)), margin_b=44, clickmode="event+select", dragmode=False
    )
    counts = points["group"].value_counts()
    figure.update_xaxes(
        tickvals=list(range(len(groups))), ticktext=[f"{_short(group)}<br>{counts[group]}" for group in groups],
        range=[-0.6, len(groups) - 0.4], showgrid=False, tickangle=0,
    )  # fmt: skip
    figure.update_yaxes(tickformat=".0%" if measure.is_share else ".3~g", nticks=5)
    return figure


def person_panel(
    rows: pd.DataFrame,
    measure: Measure,
    colours: Palette,
    *,
    limits: tuple[float, float],
    span: Span | None,
) -> go.Figure:
    """One person's course in one measure. `rows`: `recorded_at`, `value`, `segment`; `limits` and `span`: the axes."""
    whole = broken(rows)
    figure = go.Figure(
        go.Scatter(
            x=pd.to_datetime(whole["recorded_at"]), y=whole["value"], mode="lines+markers", connectgaps=False,
            line={"width": 1.5, "color": colours.accent}, marker={"size": 5, "color": colours.accent},
            customdata=[measure.said(value) for value in whole["value"]],
            hovertemplate="%{x|%d %b %Y}<br>%{customdata}<extra></extra>", name=measure.title,
        )
    )  # fmt: skip
    panel(figure, "", colours)
    figure.update_layout(height=PANEL[1] - 50, margin_t=8)
    figure.update_yaxes(range=list(limits), tickformat=".0%" if measure.is_share else ".3~g", nticks=4)
    figure.update_xaxes(type="date", range=None if span is None else list(span), showgrid=False, nticks=4)
    return figure


def _people(points: pd.DataFrame, groups: list[str], measure: Measure, colours: Palette) -> go.Scatter:
    place = points["group"].map({group: i for i, group in enumerate(groups)}).to_numpy(dtype=float)
    # Spread by a fixed rule, so that a person's point stays where it is from one drawing to the next.
    aside = (np.arange(len(points)) * 0.618) % 1 * 0.4 - 0.2
    solid = {"marker": {"opacity": 0.7}}
    return go.Scatter(
        x=place + aside,
        y=points["value"],
        mode="markers",
        marker={"size": 6, "color": colours.accent, "opacity": 0.7},
        selected=solid,
        unselected=solid,
        customdata=[
            [subject_id, escape(label), measure.said(value), str(sessions)]
            for subject_id, label, value, sessions in zip(
                points["subject_id"], points["label"], points["value"], points["sessions"], strict=True
            )
        ],
        name=PEOPLE,
        hovertemplate="<b>%{customdata[1]}</b><br>%{customdata[2]}<br>sessions: %{customdata[3]}<extra></extra>",
    )


def _short(words: str) -> str:
    return escape(words if len(words) <= 14 else f"{words[:13]}…")
