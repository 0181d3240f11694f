"""Charts of one session as a whole: its emotion shares and its PHQ estimate."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.style import font, style
from dashboard.i18n import _
from dashboard.i18n.numbers import decimal, percent
from dashboard.theme.palette import Palette
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import BAND_STARTS, PhqEstimate, Provenance, bands_between


def emotion_bars(
    values: pd.DataFrame, colours: Palette, *, label: str, reference_label: str | None = None
) -> go.Figure:
    """Draw seven horizontal bars.

    The numbers stand beside the names, where neither a bar nor a reference's mark can cover them.

    Args:
        values: `emotion`, `value` (0 to 1, NaN for none) and, with a `reference_label`, `reference`.
        colours: The palette.
        label: What the bars measure.
        reference_label: What the reference's marks are; None draws none.
    """
    rows = values.set_index("emotion").reindex(EMOTIONS[::-1])
    names = [_(name.capitalize()) for name in rows.index]
    number = f'&nbsp; <span style="color:{colours.ink}">{{}}</span>'
    figure = go.Figure(
        go.Bar(
            x=rows["value"],
            y=names,
            orientation="h",
            marker={"color": [colours.emotion(name) for name in rows.index], "cornerradius": 4},
            showlegend=False,  # seven colours have no one key; the axis says what the bars are
            name=label,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    if reference_label is not None:
        figure.add_trace(_reference_marks(rows, colours, reference_label))
    style(
        figure,
        colours,
        height=268,
        layout={
            "showlegend": reference_label is not None, "bargap": 0.38, "margin": {"l": 80, "r": 24, "t": 8, "b": 44},
        },
        xaxes={"title": {"text": label}, "tickformat": ".0%", "range": [0, 1], "dtick": 0.25},
        yaxes={
            "showgrid": False, "ticks": "", "tickvals": names,
            "ticktext": [
                name + (number.format(percent(value)) if value == value else "")
                for name, value in zip(names, rows["value"], strict=True)
            ],
        },
    )  # fmt: skip
    return figure


def phq_scale(estimate: PhqEstimate, colours: Palette) -> go.Figure:
    """Draw an estimate with its interval on the whole scale, over the severity bands.

    A band is tinted only where the whole interval lies inside it; the interval's bar is what carries the colour.

    Args:
        estimate: The estimate.
        colours: The palette.
    """
    figure = go.Figure()
    touched = bands_between(estimate.low, estimate.high)
    starts = [start for start, _ in BAND_STARTS]
    ends = [*starts[1:], estimate.scale.maximum]
    for (start, band), end in zip(BAND_STARTS, ends, strict=True):
        certain = touched == (band,)
        fill = colours.accent_soft if certain else colours.inset
        figure.add_shape(type="rect", x0=start, x1=end, y0=-0.42, y1=0.42, fillcolor=fill, line_width=0, layer="below")
        words = _(str(band)).replace(" ", "<br>")
        figure.add_annotation(
            x=(start + end) / 2, y=0.95, text=words, showarrow=False, font=font(colours, 11, muted=True)
        )
    for start in starts[1:]:
        figure.add_shape(
            type="line", x0=start, x1=start, y0=-0.42, y1=0.42, line={"color": colours.card, "width": 2}, layer="below"
        )
    colour = estimate_colour(estimate.provenance, colours)
    figure.add_trace(_interval_bar(estimate, colour))
    figure.add_trace(_point_mark(estimate, colour, colours))
    style(figure, colours, height=132)
    figure.update_layout(showlegend=False, margin={"l": 12, "r": 12, "t": 6, "b": 44}, hovermode="closest")
    figure.update_xaxes(
        title_text=_("{scale} total").format(scale=estimate.scale),
        range=[-0.3, estimate.scale.maximum + 0.3],
        fixedrange=True,
        showgrid=False,
    )
    figure.update_xaxes(tickvals=[*starts, estimate.scale.maximum])
    figure.update_yaxes(visible=False, range=[-0.55, 1.4], fixedrange=True)
    return figure


def estimate_colour(provenance: Provenance, colours: Palette) -> str:
    """Choose an estimate's colour: simulated ones are grey, so that nothing about them looks like a finding.

    Args:
        provenance: The kind of labels that its head was trained on.
        colours: The palette.
    """
    return colours.muted if provenance is Provenance.SIMULATED else colours.accent


def _interval_bar(estimate: PhqEstimate, colour: str) -> go.Scatter:
    words = _("{level} interval: {low} to {high}").format(
        level=percent(estimate.level), low=decimal(estimate.low), high=decimal(estimate.high)
    )
    return go.Scatter(
        x=[estimate.low, estimate.high],
        y=[0, 0],
        mode="lines",
        line={"color": colour, "width": 10},
        opacity=0.45,
        name=_("Interval"),
        hovertemplate=f"{words}<extra></extra>",
    )


def _point_mark(estimate: PhqEstimate, colour: str, colours: Palette) -> go.Scatter:
    words = _("Estimate: {score}").format(score=decimal(estimate.score))
    return go.Scatter(
        x=[estimate.score],
        y=[0],
        mode="markers",
        marker={"size": 15, "color": colour, "line": {"width": 3, "color": colours.card}},
        name=_("Estimate"),
        hovertemplate=f"{words}<extra></extra>",
    )


def _reference_marks(rows: pd.DataFrame, colours: Palette, label: str) -> go.Scatter:
    return go.Scatter(
        x=rows["reference"],
        y=[_(name.capitalize()) for name in rows.index],
        mode="markers",
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 2.5, "color": colours.ink}},
        name=label,
        hovertemplate=f"{label}: %{{x:.1%}}<extra></extra>",
    )
