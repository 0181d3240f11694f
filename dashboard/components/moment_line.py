"""A line over a chart at the chosen moment, which moves without the chart being drawn again."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent


def moment_line(chart: str, time_s: float, *, key: str) -> None:
    """Draw the line over the chart with the key `chart`, at a time on its x axis."""
    component = st.components.v2.component("fer_phq_moment_line", html="<i hidden></i>", js=line_script("moment_line"))
    component(key=key, data={"chart": chart, "time": time_s})


def line_script(name: str) -> str:
    """A component's script with what draws lines over charts; scripts of components cannot import one another."""
    return "\n".join((FOLDER / f"{part}.js").read_text(encoding="utf-8") for part in ("chart_line", name))
