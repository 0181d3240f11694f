"""What every chart shares: fonts, legend, axes, and how a time in a recording is written."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from dashboard.i18n import language, marks
from dashboard.theme.palette import Palette

FONT_FAMILY = "Inter, sans-serif"
CONFIG: dict[str, Any] = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
"""Plotly's own options for every chart of the dashboard."""
KEY_LETTERS = 38
"""Letters in a line of a legend."""


def style(
    figure: go.Figure,
    colours: Palette,
    *,
    height: int,
    revision: str = "fixed",
    layout: Mapping[str, Any] | None = None,
    xaxes: Mapping[str, Any] | None = None,
    yaxes: Mapping[str, Any] | None = None,
) -> None:
    """Give a figure the usual fonts, legend and axes, and its own settings over them.

    Args:
        figure: The chart, which is changed.
        colours: The palette.
        height: Pixels.
        revision: While it stays the same, Plotly keeps a viewer's zoom and hidden traces.
        layout: What the layout has beyond the usual, as Plotly names it.
        xaxes: What all x axes have beyond the usual.
        yaxes: What all y axes have beyond the usual.
    """
    house = layout_of(colours, height=height, revision=revision)
    finish(
        figure,
        layout=merged(house, layout or {}),
        xaxes=merged(axis_of(colours) | {"showline": True, "showspikes": False}, xaxes or {}),
        yaxes=merged(axis_of(colours), yaxes or {}),
    )


def layout_of(colours: Palette, *, height: int, revision: str) -> dict[str, Any]:
    """Return the usual layout without axes, as Plotly names it.

    Args:
        colours: The palette.
        height: Pixels.
        revision: While it stays the same, Plotly keeps a viewer's zoom and hidden traces.
    """
    return {
        "height": height,
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": font(colours, 12),
        "legend": legend(colours, y=1.02),
        "hoverlabel": {"bgcolor": colours.card, "bordercolor": colours.line, "font": font(colours, 12)},
        "uirevision": revision,
        "separators": "".join(marks(language())),
        "dragmode": "zoom",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.muted, "activecolor": colours.accent},
    }


def finish(
    figure: go.Figure,
    *,
    layout: Mapping[str, Any] | None = None,
    xaxes: Mapping[str, Any] | None = None,
    yaxes: Mapping[str, Any] | None = None,
) -> None:
    """Merge settings into a figure's layout and into all of its axes, in one assignment.

    What Plotly's own `update_layout` and its kin do property by property takes ten times as long. Shapes and
    annotations are added to those that are there.

    Args:
        figure: The chart, which is changed.
        layout: Settings of the layout, as Plotly names them.
        xaxes: Settings of all x axes.
        yaxes: Settings of all y axes.
    """
    whole: dict[str, Any] = {"xaxis": {}, "yaxis": {}} | figure.layout.to_plotly_json()
    for name, value in (layout or {}).items():
        if name in ("shapes", "annotations"):
            whole[name] = [*whole.get(name, ()), *value]
        else:
            whole[name] = merged(whole.get(name), value)
    for name in whole:
        if name.startswith("xaxis"):
            whole[name] = merged(whole[name], xaxes or {})
        elif name.startswith("yaxis"):
            whole[name] = merged(whole[name], yaxes or {})
    figure.layout = whole


def merged(old: Any, new: Any) -> Any:
    """Merge two values dictionary by dictionary.

    Args:
        old: A value, often a dictionary.
        new: What takes precedence.
    """
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}


def axis_of(colours: Palette) -> dict[str, Any]:
    """Return what every axis has."""
    return {
        "gridcolor": colours.line,
        "zeroline": False,
        "linecolor": colours.line,
        "tickfont": font(colours, 11, muted=True),
        "title": {"font": font(colours, 12, muted=True), "standoff": 10},
        "automargin": True,
    }


def font(colours: Palette, size: int, *, muted: bool = False) -> dict[str, Any]:
    """Return a font, as Plotly names it.

    Args:
        colours: The palette.
        size: Pixels.
        muted: Whether it is in the colour of things that matter less.
    """
    return {"family": FONT_FAMILY, "size": size, "color": colours.muted if muted else colours.ink}


def legend(colours: Palette, *, y: float) -> dict[str, Any]:
    """Return a horizontal legend, as Plotly names it.

    Args:
        colours: The palette.
        y: Its height on the figure: above 0 it grows upwards from there, else downwards.
    """
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


def key(words: str) -> str:
    """Escape a legend's words and break them into lines that a chart on a telephone has room for."""
    return "<br>".join(escape(line) for line in wrap(words, KEY_LETTERS, break_on_hyphens=False))


def clock(seconds: float) -> str:
    """Write seconds as 'm:ss', or 'h:mm:ss' from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
