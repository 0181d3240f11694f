"""Charts of models: how a training goes, and two models on the same sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.style import font, style
from dashboard.i18n import _
from dashboard.theme.palette import Palette
from fer_phq.core.emotions import EMOTIONS

DASHES = ("solid", "dash", "dot", "dashdot")
"""Lines are told apart by these too, not by colour alone."""


def training_curves(steps: pd.DataFrame, colours: Palette) -> go.Figure:
    """Draw each model's error so far, over the folds that were judged, relative to always answering the mean.

    Args:
        steps: `model`, `folds` (from 1), `of` (how many there will be), `share` (RMSE over the mean's; 1 knows
            nothing).
        colours: The palette.
    """
    figure = go.Figure()
    inks = (colours.accent, colours.warning, colours.ink, colours.muted)
    for i, (model, rows) in enumerate(steps.groupby("model", sort=False)):
        figure.add_trace(
            go.Scatter(
                x=rows["folds"],
                y=rows["share"],
                name=str(model),
                mode="lines+markers",
                line={"color": inks[i % len(inks)], "width": 2, "dash": DASHES[i % len(DASHES)]},
                marker={"size": 6},
                hovertemplate=_("{model}: {error} after {folds} folds").format(
                    model="%{fullData.name}", error="%{y:.2f}", folds="%{x}"
                )
                + "<extra></extra>",
            )
        )
    style(figure, colours, height=260)
    figure.add_hline(y=1, line_width=1, line_color=colours.muted, line_dash="dash")
    figure.add_annotation(
        x=1,
        xref="x domain",
        xanchor="right",  # where a model that learns has left the line
        y=1,
        yanchor="bottom",
        text=_("always answering the mean"),
        font=font(colours, 11, muted=True),
        showarrow=False,
    )
    figure.update_layout(showlegend=True, hovermode="closest", margin={"l": 64, "r": 16, "t": 36, "b": 48})
    last = int(steps["of"].max()) if len(steps) else 1
    figure.update_xaxes(title_text=_("Folds of people left out"), range=[0.5, last + 0.5], showgrid=False)
    figure.update_yaxes(title_text=_("Error against the mean"), rangemode="tozero")
    return figure


def estimates_of_two(pairs: pd.DataFrame, names: tuple[str, str], colours: Palette) -> go.Figure:
    """Draw PHQ estimates of one model against another's, a point for each session, with both intervals.

    Args:
        pairs: `phq_score_a`, `phq_low_a`, `phq_high_a` and the same with `_b`, `maximum` (of the scale), `words` (what
            the pointer shows).
        names: The names of the first model and the second.
        colours: The palette.
    """
    figure = go.Figure()
    top = float(pairs["maximum"].max()) if len(pairs) else 24.0
    figure.add_shape(type="line", x0=0, y0=0, x1=top, y1=top, line={"color": colours.muted, "width": 1, "dash": "dash"})
    bars = {
        axis: {
            "type": "data",
            "symmetric": False,
            "array": pairs[f"phq_high_{side}"] - pairs[f"phq_score_{side}"],
            "arrayminus": pairs[f"phq_score_{side}"] - pairs[f"phq_low_{side}"],
            "color": colours.muted,
            "thickness": 0.75,
            "width": 0,
        }
        for axis, side in (("error_x", "a"), ("error_y", "b"))
    }
    figure.add_trace(
        go.Scatter(
            x=pairs["phq_score_a"],
            y=pairs["phq_score_b"],
            **bars,
            mode="markers",
            marker={"size": 8, "color": colours.accent, "line": {"width": 1, "color": colours.card}},
            customdata=pairs["words"],
            hovertemplate="%{customdata}<br>"
            + _("{first} and {second}").format(first="%{x:.1f}", second="%{y:.1f}")
            + "<extra></extra>",
        )
    )
    style(figure, colours, height=380)
    figure.update_layout(showlegend=False, hovermode="closest", margin={"l": 64, "r": 16, "t": 16, "b": 56})
    figure.update_xaxes(title_text=names[0], range=[-0.5, top + 0.5])
    figure.update_yaxes(title_text=names[1], range=[-0.5, top + 0.5])
    return figure


def share_differences(differences: pd.DataFrame, colours: Palette) -> go.Figure:
    """Draw how far two models' emotion shares differ: of each emotion the mean difference and its middle 90 %.

    Args:
        differences: `emotion`, `mean`, `low`, `high` (shares, -1 to 1; the second model less the first).
        colours: The palette.
    """
    rows = differences.set_index("emotion").reindex(EMOTIONS[::-1])
    names = [_(name.capitalize()) for name in rows.index]
    figure = go.Figure(
        go.Scatter(
            x=rows["mean"],
            y=names,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": rows["high"] - rows["mean"],
                "arrayminus": rows["mean"] - rows["low"],
                "color": colours.muted,
                "thickness": 1.5,
                "width": 4,
            },
            mode="markers",
            marker={"size": 11, "color": [colours.emotion(name) for name in rows.index]},
            hovertemplate="%{y}: %{x:+.1%}<extra></extra>",
        )
    )
    style(figure, colours, height=300)
    widest = float(np.nanmax(np.abs(rows[["low", "high"]].to_numpy(dtype=float)), initial=0.05))
    figure.add_vline(x=0, line_width=1, line_color=colours.muted)
    figure.update_layout(showlegend=False, margin={"l": 80, "r": 16, "t": 8, "b": 48})
    figure.update_xaxes(
        title_text=_("Difference of the shares"), tickformat="+.0%", range=[-1.1 * widest, 1.1 * widest]
    )
    figure.update_yaxes(showgrid=False)
    return figure
