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
    _style_panels(figure, colours, height=PANEL_PX * rows + 70)
    figure.update_annotations(x=0, xanchor="left")
    figure.update_layout(margin=TREND_MARGIN | {"t": 40}, hovermode="closest", showlegend=False)
    for row, measure in enumerate(measures, 1):
        figure.update_yaxes(tickformat=".0%" if measure.is_share else ".3~g", nticks=4, row=row, col=1)
        figure.update_xaxes(**date_axis(span or date_span(values["recorded_at"])) | {"title_text": ""}, row=row, col=1)
    figure.update_xaxes(title_text="Date", row=rows, col=1)
    if events is not None:
        mark_events(figure, events, colours)
    return figure


def period_panels(
    points: pd.DataFrame, means: pd.DataFrame, measures: Sequence[Measure], colours: Palette, *, columns: int = 4
) -> go.Figure:
    """Small panels, one a measure: every session of both periods as a point, and each period's mean as a line.

    `points`: `measure`, `period` (of `PERIODS`), `value`, `at`. `means`: `measure`, `period`, `mean`.
    """
    rows = max(-(-len(measures) // columns), 1)
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=[measure.heading for measure in measures],
        vertical_spacing=min(0.35 / rows, 0.2), horizontal_spacing=0.07,
    )  # fmt: skip
    for i, measure in enumerate(measures):
        row, col = i // columns + 1, i % columns + 1
        for place, period in enumerate(PERIODS):
            figure.add_trace(_cloud(points, measure, period, place, colours), row=row, col=col)
            figure.add_trace(_mean(means, measure, period, place, colours), row=row, col=col)
        figure.update_xaxes(
            tickvals=[0, 1], ticktext=["First", "Second"], range=[-0.6, 1.6], showgrid=False, row=row, col=col
        )
        figure.update_yaxes(tickformat=".0%" if measure.is_share else ".3~g", nticks=5, row=row, col=col)
    _style_panels(figure, colours, height=170 * rows + 60)
    figure.update_layout(margin={"l": 48, "r": 16, "t": 44, "b": 36}, hovermode="closest", showlegend=False)
    return figure


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


def _style_panels(figure: go.Figure, colours: Palette, *, height: int) -> None:
    """The house's style; titles of panels at their left, in the size of a label."""
    titles = [note.text for note in figure.layout.annotations]
    style(figure, colours, height=height)
    for note, title in zip(figure.layout.annotations, titles, strict=True):
        note.update(text=title, font=font(colours, 12), yshift=2)
