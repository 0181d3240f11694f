"""Charts of measures: one panel each over dates, and two periods side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.events import mark_events
from dashboard.charts.style import font, merged, style
from dashboard.charts.trends import TREND_MARGIN, Span, broken, date_axis, date_span
from dashboard.i18n import _, dates
from dashboard.i18n.vocabulary import heading, measure_text
from dashboard.theme.palette import Palette
from fer_phq.features.measures import Measure

Trace = dict[str, Any]
"""A trace as a plain dictionary, which Plotly checks once, in the figure."""
PANEL_PX = 118
TITLE_PX = 34
"""Of a panel's height, what its title and the space above it take."""
PANEL = (256, 200)
"""Width and height in pixels of one of several small charts, which stand beside each other as far as there is room."""
EDGE = 0.03
"""Beyond 0 and 100 %, so that points there are drawn whole."""
PERIODS = ("first", "second")


def measure_trend(
    values: pd.DataFrame,
    measures: Sequence[Measure],
    colours: Palette,
    *,
    span: Span | None = None,
    events: pd.DataFrame | None = None,
) -> go.Figure:
    """Draw a panel for each measure, one below the other, over the same dates.

    Args:
        values: `recorded_at`, `measure`, `value` (NaN where not measured), `segment`; rows of a measure by date. A line
            stops where `segment` changes.
        measures: The measures, from the top.
        colours: The palette.
        span: First and last moment of the time axis; None for what the values need.
        events: `at`, `mark`, `words`, as `mark_events` takes them; None for none.
    """
    axis = date_axis(span or date_span(values["recorded_at"]))
    traces = []
    notes = []
    layout = {}
    room = TITLE_PX / (PANEL_PX * max(len(measures), 1))
    for row, measure in enumerate(measures, 1):
        rows = values[values["measure"] == measure.name]
        traces.append(_line(rows, measure, colours, row))
        last = row == len(measures)
        # From the top: a panel's share of the height, less the room for its title.
        bottom = 1 - row / len(measures)
        top = 1 - (row - 1) / len(measures) - room
        layout[f"xaxis{row}"] = axis | {
            "anchor": f"y{row}",
            "showticklabels": last,
            "matches": "x" if row > 1 else None,
        }
        layout[f"xaxis{row}"] |= {} if last else {"title": {"text": ""}}
        layout[f"yaxis{row}"] = value_axis(measure, 4) | {"anchor": f"x{row}", "domain": [bottom, top]}
        notes.append(
            {
                "text": escape(heading(measure)), "x": 0, "xanchor": "left", "xref": "paper", "y": top, "yref": "paper",
                "yanchor": "bottom", "showarrow": False, "font": font(colours, 12),
                "bgcolor": colours.card,  # over the lines of events
            }
        )  # fmt: skip
    figure = go.Figure(traces, layout)
    marker = {
        "margin": TREND_MARGIN | {"t": 40},
        "hovermode": "closest",
        "showlegend": False,
        "annotations": notes,
    }
    style(figure, colours, height=PANEL_PX * max(len(measures), 1) + 70, layout=marker)
    if events is not None:
        mark_events(figure, events, colours)
    return figure


def value_axis(measure: Measure, ticks: int) -> dict[str, Any]:
    """Return the axis of a measure's values; one of shares goes no further than shares can.

    Args:
        measure: The measure.
        ticks: About how many ticks it has.
    """
    axis: dict[str, Any] = {"tickformat": ".1~%" if measure.is_share else ".3~g", "nticks": ticks}
    return axis | ({"autorangeoptions": {"clipmin": -EDGE, "clipmax": 1 + EDGE}} if measure.is_share else {})


def period_panel(points: pd.DataFrame, means: pd.DataFrame, measure: Measure, colours: Palette) -> go.Figure:
    """Draw one measure in two periods: every session as a point, and each period's mean as a line.

    Args:
        points: `measure`, `period` (of `PERIODS`), `value`, `at`.
        means: `measure`, `period`, `mean`.
        measure: The measure.
        colours: The palette.
    """
    places = list(enumerate(PERIODS))
    clouds = [_cloud(points, measure, period, position, colours) for position, period in places]
    levels = [_mean(means, measure, period, position, colours) for position, period in places]
    figure = go.Figure([clouds[0], levels[0], clouds[1], levels[1]])
    panel(
        figure, heading(measure), colours, yaxis=value_axis(measure, 5),
        xaxis={"tickvals": [0, 1], "ticktext": [_("First"), _("Second")], "range": [-0.6, 1.6], "showgrid": False},
    )  # fmt: skip
    return figure


def panel(
    figure: go.Figure,
    title: str,
    colours: Palette,
    *,
    xaxis: Mapping[str, Any],
    yaxis: Mapping[str, Any],
    **layout: Any,
) -> None:
    """Make a figure one of several small ones: its title at its left, `PANEL` pixels in size, no legend.

    Args:
        figure: The chart, which is changed.
        title: Its title.
        colours: The palette.
        xaxis: What its x axis has beyond the usual, as Plotly names it.
        yaxis: What its y axis has beyond the usual.
        **layout: What its layout has beyond the usual.
    """
    axes = {
        "width": PANEL[0], "margin": {"l": 44, "r": 8, "t": 34, "b": 30}, "hovermode": "closest", "showlegend": False,
        "title": {"text": escape(title), "font": font(colours, 12), "x": 0, "xref": "paper", "y": 0.97,
                  "yanchor": "top"},
    }  # fmt: skip
    style(figure, colours, height=PANEL[1], layout=merged(axes, layout), xaxes=xaxis, yaxes=yaxis)


def _line(rows: pd.DataFrame, measure: Measure, colours: Palette, row: int) -> Trace:
    whole = broken(rows)
    return {
        "type": "scatter",
        "x": pd.to_datetime(whole["recorded_at"]),
        "y": whole["value"],
        "xaxis": f"x{row}",
        "yaxis": f"y{row}",
        "mode": "lines+markers",
        "connectgaps": False,
        "line": {"width": 1.75, "color": colours.accent},
        "marker": {"size": 7, "color": colours.accent},
        "customdata": [measure_text(measure, value) for value in whole["value"]],
        "name": escape(_(measure.title)),
        "hovertemplate": "%{x|%d %b %Y}<br>%{customdata}<extra>%{fullData.name}</extra>",
    }


def _cloud(points: pd.DataFrame, measure: Measure, period: str, position: int, colours: Palette) -> Trace:
    rows = points[(points["measure"] == measure.name) & (points["period"] == period)]
    # Beside each other in the order of their dates, so that equal values do not hide one another.
    x = position + (np.linspace(-0.22, 0.22, len(rows)) if len(rows) > 1 else np.zeros(len(rows)))
    return {
        "type": "scatter",
        "x": x,
        "y": rows["value"],
        "mode": "markers",
        "marker": {
            "size": 7,
            "color": colours.accent,
            "opacity": 0.65,
            "symbol": "circle" if position else "circle-open",
        },
        "customdata": [
            [dates.day(at), measure_text(measure, value)] for at, value in zip(rows["at"], rows["value"], strict=True)
        ],
        "name": escape(_(measure.title)),
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    }


def _mean(means: pd.DataFrame, measure: Measure, period: str, position: int, colours: Palette) -> Trace:
    rows = means[(means["measure"] == measure.name) & (means["period"] == period)]
    level = float(rows["mean"].iloc[0]) if len(rows) else np.nan
    return {
        "type": "scatter",
        "x": [position - 0.36, position + 0.36],
        "y": [level, level],
        "mode": "lines",
        "line": {"width": 2.5, "color": colours.ink},
        "name": _("Mean"),
        "hovertemplate": _("Mean {value}").format(value=measure_text(measure, level)) + "<extra></extra>",
    }
