"""A line over a chart at the chosen time, which moves without the chart being drawn again."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent


def chart_cursor(chart: str, time_s: float, *, key: str) -> None:
    """Draw the line over a chart.

    Args:
        chart: Key of the chart.
        time_s: Where the line stands on the chart's x axis, in seconds.
        key: Key of the component.
    """
    component = st.components.v2.component(
        "fer_phq_moment_line", html="<i hidden></i>", js=chart_script("chart_cursor")
    )
    component(key=key, data={"chart": chart, "time": time_s})


def chart_script(name: str) -> str:
    """Return a component's script together with the functions that draw lines over charts.

    Scripts of components cannot import one another.

    Args:
        name: Name of the script, without its ending.
    """
    return "\n".join((FOLDER / f"{part}.js").read_text(encoding="utf-8") for part in ("chart_line", name))
