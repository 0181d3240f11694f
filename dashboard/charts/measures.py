"""Charts of measures: one panel each over dates, and two periods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.events import mark_events
from dashboard.charts.style import font, style
from dashboard.charts.trends import TREND_MARGIN, Span, broken, date_axis, date_span
from dashboard.palette import Palette
from fer_phq.measures import Measure

PANEL_PX = 118
PANEL = (256, 200)
"""Width and height in pixels of one of several small charts, which stand beside each other as far as there is room."""
PERIODS = ("first", "second")


def measure_trend(
    values: pd.DataFrame,
    measures: Sequence[Measure],
    colours: Palette,
    *,
    span: Span | None = None,
    events: pd.DataFrame | None = None,
) -> go.Figure:
    """One panel a measure, one below the other, over the same dates; lines stop where `segment` changes.

    `values`: `recorded_at`, `measure`, `value` (NaN where not measured), `segment`, rows of a measure by date.
    `events`: see `mark_events`.
    """
    rows = max(len(measures), 1)
    figure = make_subplots(
        rows=rows, cols=1, shared_xaxes=True, vertical_spacing=min(0.3 / rows, 0.2),
        subplot_titles=[measure.heading for measure in measures],
    )  # fmt: skip
    for row, measure in enumerate(measures, 1):
        own = values[values["measure"] == measure.name]
        for trace in _lines(own, measure, colours):
            figure.add_trace(trace, row=row, col=1)
    style(figure, colours, height=PANEL_PX * rows + 70)
    figure.update_annotations(x=0, xanchor="left", yshift=2, font=font(colours, 12))
    figure.update_layout(margin=TREND_MARGIN | {"t": 40}, hovermode="closest", showlegend=False)
    for row, measure in enumerate(measures, 1):
        figure.update_yaxes(tickformat=".0%" if measure.is_share else ".3~g", nticks=4, row=row, col=1)
        figure.update_xaxes(**date_axis(span or date_span(values["recorded_at"])) | {"title_text": ""}, row=row, col=1)
    figure.update_xaxes(title_text="Date", row=rows, col=1)
    if events is not None:
        mark_events(figure, events, colours)
    return figure


def period_panel(points: pd.DataFrame, means: pd.DataFrame, measure: Measure, colours: Palette) -> go.Figure:
    """One measure in two periods: every session as a point, and each period's mean as a line.

    `points`: `measure`, `period` (of `PERIODS`), `value`, `at`. `means`: `measure`, `period`, `mean`.
    """
    figure = go.Figure()
    for place, period in enumerate(PERIODS):
        figure.add_trace(_cloud(points, measure, period, place, colours))
        figure.add_trace(_mean(means, measure, period, place, colours))
    panel(figure, measure.heading, colours)
    figure.update_xaxes(tickvals=[0, 1], ticktext=["First", "Second"], range=[-0.6, 1.6], showgrid=False)
    figure.update_yaxes(tickformat=".0%" if measure.is_share else ".3~g", nticks=5)
    return figure


def panel(figure: go.Figure, title: str, colours: Palette) -> None:
    """Make a figure one of several small ones: its title at its left, `PANEL` pixels in size, no legend."""
    style(figure, colours, height=PANEL[1])
    figure.update_layout(
        width=PANEL[0], margin={"l": 44, "r": 8, "t": 34, "b": 30}, hovermode="closest", showlegend=False,
        title={"text": escape(title), "font": font(colours, 12), "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
    )  # fmt: skip


def _lines(own: pd.DataFrame, measure: Measure, colours: Palette) -> list[go.Scatter]:
    whole = broken(own)
    shown = [measure.said(value) for value in whole["value"]]
    return [
        go.Scatter(
            x=pd.to_datetime(whole["recorded_at"]),
            y=whole["value"],
            mode="lines+markers",
            connectgaps=False,
            line={"width": 1.75, "color": colours.accent},
            marker={"size": 7, "color": colours.accent},
            customdata=shown,
            name=escape(measure.title),
            hovertemplate="%{x|%d %b %Y}<br>%{customdata}<extra>%{fullData.name}</extra>",
        )
    ]


def _cloud(points: pd.DataFrame, measure: Measure, period: str, place: int, colours: Palette) -> go.Scatter:
    own = points[(points["measure"] == measure.name) & (points["period"] == period)]
    # Beside each other in the order of their dates, so that equal values do not hide one another.
    x = place + (np.linspace(-0.22, 0.22, len(own)) if len(own) > 1 else np.zeros(len(own)))
    return go.Scatter(
        x=x,
        y=own["value"],
        mode="markers",
        marker={"size": 7, "color": colours.accent, "opacity": 0.65, "symbol": "circle" if place else "circle-open"},
        customdata=[[f"{at:%d %b %Y}", measure.said(value)] for at, value in zip(own["at"], own["value"], strict=True)],
        name=escape(measure.title),
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )


def _mean(means: pd.DataFrame, measure: Measure, period: str, place: int, colours: Palette) -> go.Scatter:
    own = means[(means["measure"] == measure.name) & (means["period"] == period)]
    level = float(own["mean"].iloc[0]) if len(own) else np.nan
    return go.Scatter(
        x=[place - 0.36, place + 0.36],
        y=[level, level],
        mode="lines",
        line={"width": 2.5, "color": colours.ink},
        name="Mean",
        hovertemplate=f"Mean {measure.said(level)}<extra></extra>",
    )
