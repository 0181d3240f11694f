"""Events of a person's life as vertical lines in charts over dates."""

from __future__ import annotations

from html import escape

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.style import finish, font
from dashboard.i18n import dates
from dashboard.theme.palette import Palette


def mark_events(figure: go.Figure, events: pd.DataFrame, colours: Palette) -> None:
    """Draw each event over the whole height, its mark on top and its words under the pointer.

    Args:
        figure: The chart, which is changed.
        events: `at` (datetimes on the figure's time axis), `mark` (a number or letter) and `words`.
        colours: The palette.
    """
    if not len(events):
        return
    shapes = []
    notes = []
    for at, mark, words in zip(pd.to_datetime(events["at"]), events["mark"], events["words"], strict=True):
        shapes.append(
            {
                "type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "xref": "x", "yref": "paper", "name": "event",
                "line": {"width": 1.5, "color": colours.muted, "dash": "dash"},
            }
        )  # fmt: skip
        notes.append(
            {
                "x": at, "y": 1, "xref": "x", "yref": "paper", "yanchor": "bottom", "showarrow": False, "name": "event",
                "text": f"<b>{escape(str(mark))}</b>", "hovertext": f"{dates.day(at)}<br>{escape(words)}",
                "font": font(colours, 11), "bgcolor": colours.inset, "bordercolor": colours.line, "borderpad": 2,
            }
        )  # fmt: skip
    # The legend makes room for the marks.
    finish(figure, layout={"shapes": shapes, "annotations": notes, "legend": {"y": 1.12}})
