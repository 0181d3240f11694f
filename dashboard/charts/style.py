"""What every chart shares: fonts, legend, axes, and how a time in a recording is written."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboard.palette import Palette

FONT_FAMILY = "Inter, sans-serif"
CONFIG: dict[str, Any] = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
"""Plotly's own options for every chart of the dashboard."""


def style(figure: go.Figure, colours: Palette, *, height: int, revision: str = "fixed") -> None:
    """Dress a figure that has its axes."""
    figure.update_layout(**layout_of(colours, height=height, revision=revision))
    figure.update_xaxes(**axis_of(colours), showline=True, showspikes=False)
    figure.update_yaxes(**axis_of(colours))


def layout_of(colours: Palette, *, height: int, revision: str) -> dict[str, Any]:
    """Everything but the axes, as Plotly's layout names it."""
    return {
        "height": height,
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": font(colours, 12),
        "legend": legend(colours, y=1.02),
        "hoverlabel": {"bgcolor": colours.card, "bordercolor": colours.line, "font": font(colours, 12)},
        "uirevision": revision,
        "dragmode": "zoom",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.muted, "activecolor": colours.accent},
    }


def axis_of(colours: Palette) -> dict[str, Any]:
    """What every axis has."""
    return {
        "gridcolor": colours.line,
        "zeroline": False,
        "linecolor": colours.line,
        "tickfont": font(colours, 11, muted=True),
        "title": {"font": font(colours, 12, muted=True), "standoff": 10},
        "automargin": True,
    }


def font(colours: Palette, size: int, *, muted: bool = False) -> dict[str, Any]:
    return {"family": FONT_FAMILY, "size": size, "color": colours.muted if muted else colours.ink}


def legend(colours: Palette, *, y: float) -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": y,
        "yanchor": "bottom" if y > 0 else "top",
        "font": font(colours, 12),
        "bgcolor": "rgba(0,0,0,0)",
        "traceorder": "normal",
        "itemwidth": 30,
    }


def clock(seconds: float) -> str:
    """Seconds as 'm:ss', or 'h:mm:ss' from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
