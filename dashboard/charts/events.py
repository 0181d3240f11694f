"""Events of a person's life as vertical lines in charts over dates."""

from __future__ import annotations

from html import escape

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.style import font
from dashboard.palette import Palette


def mark_events(figure: go.Figure, events: pd.DataFrame, colours: Palette) -> None:
    """Draw each event over the whole height, its mark on top and its words under the pointer.

    `events`: `at` (datetimes on the figure's time axis), `mark` (a number or letter) and `words`.
    """
    if len(events):
        figure.update_layout(legend_y=1.1)  # above the marks
    for at, mark, words in zip(pd.to_datetime(events["at"]), events["mark"], events["words"], strict=True):
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, xref="x", yref="paper",
            line={"width": 1.5, "color": colours.muted, "dash": "dash"}, name="event",
        )  # fmt: skip
        figure.add_annotation(
            x=at, y=1, xref="x", yref="paper", yanchor="bottom", showarrow=False, text=f"<b>{escape(str(mark))}</b>",
            font=font(colours, 11), bgcolor=colours.inset, bordercolor=colours.line, borderpad=2, name="event",
            hovertext=f"{at:%d %b %Y}<br>{escape(words)}",
        )  # fmt: skip
