"""Charts over dates: a subject's emotion shares, PHQ estimates and questionnaires, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.estimates import estimate_colour
from dashboard.charts.events import mark_events
from dashboard.charts.style import font, key, style
from dashboard.i18n import _, mark
from dashboard.theme.palette import Palette
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import BAND_STARTS, Provenance, Scale

TREND_MARGIN = {"l": 64, "r": 84, "t": 44, "b": 48}
"""The same for every chart over dates, to be read one below the other; the bands' names stand at the right."""
TREND_LEGEND = {"x": -0.001}
"""Left of zero, however little: Plotly then breaks the legend's rows only where margin and plot together end."""
LEGEND_ROW = 19
"""Pixels: long words in a legend take a row each, whose height the chart has besides its own."""
Span = tuple[pd.Timestamp, pd.Timestamp]
HEAD_FORMS = ("circle", "triangle-up", "hexagon", "triangle-down", "star", "pentagon")
"""How the estimates of several heads are told apart."""
CHANGE_LABELS = {"reliable": mark("Reliable change since baseline")}
"""How a questionnaire's change may be marked, and what the legend says."""


def emotion_trend(
    trend: pd.DataFrame, colours: Palette, *, span: Span | None = None, events: pd.DataFrame | None = None
) -> go.Figure:
    """Draw stacked emotion shares, a bar for each session at its date.

    Args:
        trend: `recorded_at` (datetimes, ascending) and the seven emotions (0 to 1; NaN where a session has none).
        colours: The palette.
        span: First and last moment of the time axis; None for what the sessions need.
        events: `at`, `mark`, `words`, as `mark_events` takes them; None for none.
    """
    dates = pd.to_datetime(trend["recorded_at"])
    span = span or date_span(dates)
    width = _bar_width_ms(dates, span)
    bars = [
        go.Bar(
            x=dates,
            y=trend[name],
            width=[width] * len(trend),
            name=_(name.capitalize()),
            marker={"color": colours.emotion(name), "line": {"color": colours.card, "width": 1}},
            hovertemplate="%{y:.0%}",
        )
        for name in EMOTIONS
    ]
    # Below bars alone Plotly puts the ticks at the bars; with a point, be it nowhere, they are those of other charts.
    nowhere = go.Scatter(x=dates[:1], y=[None], showlegend=False, hoverinfo="skip")
    figure = go.Figure([*bars, nowhere])
    style(
        figure,
        colours,
        height=360,
        layout={"barmode": "stack", "hovermode": "x unified", "margin": TREND_MARGIN, "legend": TREND_LEGEND},
        xaxes=date_axis(span),
        yaxes={"title": {"text": _("Share of the session")}, "tickformat": ".0%", "range": [0, 1]},
    )
    if events is not None:
        mark_events(figure, events, colours)
    return figure


def phq_trend(
    trend: pd.DataFrame,
    questionnaires: pd.DataFrame,
    colours: Palette,
    *,
    span: Span | None = None,
    events: pd.DataFrame | None = None,
) -> go.Figure:
    """Draw PHQ estimates with their intervals and questionnaire scores, on one axis with the severity bands' borders.

    Estimates are never joined by a line, and those of several heads are several series.

    Args:
        trend: `recorded_at`, `phq_score`, `phq_low`, `phq_high`, `phq_scale`, `phq_provenance`, `phq_model_id`; NaN or
            None where there is no estimate. May be empty.
        questionnaires: `answered_at`, `total`, `scale`, `change` (a key of `CHANGE_LABELS`, or empty: no mark), `words`
            (what the pointer shows below the total, or empty) and `segment` (a line stops where it changes). May be
            empty.
        colours: The palette.
        span: First and last moment of the time axis; None for what the rows need.
        events: `at`, `mark`, `words`, as `mark_events` takes them; None for none.
    """
    top = max([Scale.PHQ8.maximum, *(Scale(name).maximum for name in _scales(trend, questionnaires))])
    traces: list[go.Scatter] = []
    heads = sorted(trend.loc[trend["phq_score"].notna(), "phq_model_id"].unique())
    for change in CHANGE_LABELS:  # first, so that no estimate lies under a ring
        rows = questionnaires[questionnaires["change"] == change]
        if len(rows):
            traces.append(_change_trace(rows, change, colours))
    for provenance in (Provenance.CLINICAL, Provenance.SIMULATED):
        rows = trend[(trend["phq_provenance"] == str(provenance)) & trend["phq_score"].notna()]
        for head, head_rows in rows.groupby("phq_model_id", sort=True):
            traces.append(_estimate_trace(head_rows, provenance, str(head), heads, colours))
    for scale in Scale:
        rows = questionnaires[questionnaires["scale"].astype(str) == str(scale)]
        if len(rows):
            traces.append(_questionnaire_trace(rows, scale, colours))
    figure = go.Figure(traces)
    dates = pd.concat([pd.to_datetime(trend["recorded_at"]), pd.to_datetime(questionnaires["answered_at"])])
    style(
        figure,
        colours,
        height=300 + LEGEND_ROW * sum(1 + trace.name.count("<br>") for trace in traces),
        layout={"margin": TREND_MARGIN, "hovermode": "closest", "legend": TREND_LEGEND, **_bands(colours)},
        xaxes=date_axis(span or date_span(dates)),
        yaxes={
            "title": {"text": _("PHQ total")}, "range": [-0.6, top + 0.6], "tickvals": [0, 5, 10, 15, 20, top],
            "showgrid": False,
        },
    )  # fmt: skip
    if events is not None:
        mark_events(figure, events, colours)
    return figure


def _bands(colours: Palette) -> dict[str, Any]:
    """Return the severity bands' borders and, at the right, their names."""
    starts = [start for start, _band in BAND_STARTS if start]
    return {
        "shapes": [
            {
                "type": "line", "x0": 0, "x1": 1, "xref": "x domain", "y0": start, "y1": start, "layer": "below",
                "line": {"width": 1, "color": colours.line},
            }
            for start in starts
        ],
        "annotations": [
            {
                "x": 1.0, "xref": "x domain", "xanchor": "left", "xshift": 8, "y": start, "yanchor": "bottom",
                "text": _(str(band)).replace(" ", "<br>"), "align": "left", "showarrow": False,
                "font": font(colours, 11, muted=True),
            }
            for start, band in BAND_STARTS
        ],
    }  # fmt: skip


def broken(rows: pd.DataFrame) -> pd.DataFrame:
    """Put an empty row between two of another `segment`, so that a line through them stops there."""
    segment = rows["segment"].to_numpy()
    ends = np.flatnonzero(segment[1:] != segment[:-1]) + 1
    # A place that the rows do not have becomes an empty row.
    return rows.reset_index(drop=True).reindex(np.insert(np.arange(len(rows)), ends, -1))


def date_span(*dates: pd.Series) -> Span | None:
    """Return the first and last of the dates with air at both ends, a week around a single one; None without any."""
    instants = pd.concat([pd.to_datetime(series) for series in dates if len(series)]) if any(map(len, dates)) else None
    if instants is None:
        return None
    first = instants.min()
    last = instants.max()
    air = max((last - first) * 0.06, pd.Timedelta(days=4))
    return first - air, last + air


def _estimate_trace(
    rows: pd.DataFrame, provenance: Provenance, head: str, heads: Sequence[str], colours: Palette
) -> go.Scatter:
    """Build the estimates of one head; of several, each has a form of its own and its name in the legend."""
    simulated = provenance is Provenance.SIMULATED
    form = HEAD_FORMS[heads.index(head) % len(HEAD_FORMS)]
    colour = estimate_colour(provenance, colours)
    return go.Scatter(
        x=pd.to_datetime(rows["recorded_at"]),
        y=rows["phq_score"],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": rows["phq_high"] - rows["phq_score"],
            "arrayminus": rows["phq_score"] - rows["phq_low"],
            "color": colour,
            "thickness": 1.5,
            "width": 5,
        },
        mode="markers",
        marker={
            "size": 9,
            "symbol": f"{form}-open" if simulated else form,
            "color": colour,
            "line": {"width": 2, "color": colour},
        },
        name=_estimate_name(simulated, head if len(heads) > 1 else None),
        customdata=np.stack([rows["phq_low"], rows["phq_high"]], axis=1),
        hovertemplate="%{x|%d %b %Y}<br>"
        + _("{score} ({low} to {high})").format(
            score="%{y:.1f}", low="%{customdata[0]:.1f}", high="%{customdata[1]:.1f}"
        )
        + "<extra>%{fullData.name}</extra>",
    )


def _estimate_name(simulated: bool, head: str | None) -> str:
    """Write what the legend says of a series of estimates; `head` where there are several."""
    if head is None:
        return key(_("Model estimate (demonstration only)") if simulated else _("Model estimate with interval"))
    words = (
        _("Model estimate (demonstration only), {model}") if simulated else _("Model estimate with interval, {model}")
    )
    return key(words.format(model=head))


def _questionnaire_trace(rows: pd.DataFrame, scale: Scale, colours: Palette) -> go.Scatter:
    rows = broken(rows)
    return go.Scatter(
        x=pd.to_datetime(rows["answered_at"]),
        y=rows["total"],
        mode="lines+markers",
        connectgaps=False,
        line={"color": colours.ink, "width": 1.5, "dash": "solid" if scale is Scale.PHQ9 else "dot"},
        marker={"size": 10, "symbol": "diamond" if scale is Scale.PHQ9 else "square", "color": colours.ink},
        name=_("{scale} questionnaire").format(scale=scale),
        customdata=[f"<br>{words}" if words else "" for words in rows["words"]],
        hovertemplate="%{x|%d %b %Y}<br>"
        + _("{points} points on {scale}").format(points="%{y}", scale=scale)
        + "%{customdata}<extra></extra>",
        hoverlabel={"align": "left"},
    )


def _change_trace(rows: pd.DataFrame, change: str, colours: Palette) -> go.Scatter:
    """Build rings around questionnaires whose change is marked. Last in the legend."""
    return go.Scatter(
        x=pd.to_datetime(rows["answered_at"]),
        y=rows["total"],
        mode="markers",
        marker={
            "size": 24,
            "symbol": "circle",
            "color": "rgba(0,0,0,0)",
            "line": {"width": 3.5, "color": colours.ink},
        },
        name=key(_(CHANGE_LABELS[change])),
        legendrank=2000,
        hoverinfo="skip",
    )


def _scales(trend: pd.DataFrame, questionnaires: pd.DataFrame) -> Sequence[str]:
    return [str(s) for s in [*trend["phq_scale"].dropna().unique(), *questionnaires["scale"].dropna().unique()]]


def _bar_width_ms(dates: pd.Series, span: Span | None) -> float:
    """Return a bar's width in ms: most of the smallest distance, at most a week, at least 1/60 of the axis."""
    days = np.sort((dates - dates.min()).dt.total_seconds().to_numpy() / 86_400) if len(dates) else np.zeros(1)
    closest = float(np.diff(days).min()) if len(days) > 1 else 2.0
    axis = (span[1] - span[0]).total_seconds() / 86_400 if span is not None else 1.0
    return 86_400_000.0 * max(min(closest * 0.7, 7.0), axis / 60)


def date_axis(span: Span | None) -> dict[str, Any]:
    """Return the time axis of every chart over dates; without a span it has no dates to show.

    Plotly chooses as many ticks as there is room for: the same in charts of one width, one below the other.
    """
    axis: dict[str, Any] = {"title": {"text": _("Date")}, "type": "date", "showgrid": False, "tickformat": "%-d %b\n%Y"}
    return axis | ({"showticklabels": False} if span is None else {"range": list(span)})
