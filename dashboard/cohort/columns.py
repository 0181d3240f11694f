"""How the columns of the cohort's people are named, explained and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.i18n import _, mark
from dashboard.i18n.vocabulary import heading
from dashboard.widgets import ui
from fer_phq.features.measures import BY_NAME
from fer_phq.longitudinal.change import Direction
from service.views.overview import cohort, people_table
from service.views.overview.cohort import CohortView

DAY = mark("D MMM YYYY")
"""How a column of days is written, in the letters of Moment.js."""
COURSE = "course"
"""Ends the names of columns that draw a measure session by session."""
TITLES: Mapping[str, str] = {
    "label": mark("Subject"),
    "tags": mark("Tags"),
    "sessions": mark("Sessions"),
    "first_at": mark("First session"),
    "last_at": mark("Last session"),
    "total": mark("Score"),
    "scale": mark("Scale"),
    "band": mark("Band"),
    "answered_at": mark("Answered"),
    "change": mark("Difference"),
    "rci": mark("RCI"),
    "direction": mark("Reliable"),
    "estimate": mark("Estimate"),
    "estimate_low": mark("Low"),
    "estimate_high": mark("High"),
    "estimate_scale": mark("Scale of the estimate"),
    "estimate_at": mark("Estimate of"),
    "simulated": mark("Simulated"),
    "coverage": mark("Coverage"),
    "model_id": mark("Model"),
}
DIRECTIONS = {
    Direction.IMPROVED: mark("improved"),
    Direction.WORSENED: mark("worsened"),
    Direction.NONE: mark("No"),
}
HELP: Mapping[str, str] = {
    "total": mark("Of the newest questionnaire."),
    "change": mark("Points since the first questionnaire of its scale; below 0 is better."),
    "rci": mark("Reliable change index since the first questionnaire; beyond 1.96 it is reliable."),
    "direction": mark("Whether the score has reliably changed since the first questionnaire (Jacobson & Truax 1991)."),
    "estimate": mark("The newest estimate, of a head that was trained on clinical labels."),
    "estimate_low": mark("Lower end of the estimate's interval."),
    "estimate_high": mark("Upper end of the estimate's interval."),
    "simulated": mark(
        "The newest estimate and its interval, of a head that was trained on made-up labels: it says nothing about "
        "anyone."
    ),
    "coverage": mark("Mean over the sessions."),
    "model_id": mark("Of the newest session."),
}
WIDTHS: Mapping[str, int] = {
    "tags": 90, "sessions": 68, "first_at": 96, "last_at": 96, "total": 64, "scale": 62, "band": 130,
    "answered_at": 96, "change": 76, "rci": 56, "direction": 98, "estimate": 76, "estimate_low": 46,
    "estimate_high": 46, "simulated": 90, "coverage": 76,
}  # fmt: skip
"""Pixels: what a page of 1,440 shows at first is not cut."""
DAYS = frozenset({"first_at", "last_at", "answered_at", "estimate_at"})
FORMATS: Mapping[str, str] = {
    "sessions": "%d", "total": "%d", "change": "%+d", "rci": "%.1f", "estimate": "%.0f", "estimate_low": "%.0f",
    "estimate_high": "%.0f", "coverage": "%.0f %%",
}  # fmt: skip


def title(name: str) -> str:
    """Return what a column is called.

    Args:
        name: `label`, or one of `people_table.CHOICES`.
    """
    if name in TITLES:
        return _(TITLES[name])
    return _("{measure}, mean").format(measure=heading(BY_NAME[name]))


def cells(cohort_data: CohortView, people: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Build the table as it is drawn: shares in percent, days on the viewer's clock, courses beside their means.

    Args:
        cohort_data: The cohort.
        people: Rows of `people_table.with_estimates`, in their order.
        names: The chosen columns.
    """
    table = pd.DataFrame({"label": people["label"]})
    for name in names:
        if name in BY_NAME:
            lines = cohort.sparks(cohort_data.sessions, name)
            table[f"{name}_{COURSE}"] = [lines.get(subject_id, []) for subject_id in people["subject_id"]]
            table[name] = people[name] * (100 if BY_NAME[name].is_share else 1)
        elif name in DAYS:
            table[name] = people[name].dt.tz_convert(ui.zone()).dt.date
        elif name == "coverage":
            table[name] = people[name] * 100
        elif name == "simulated":
            table[name] = [simulated_words(row) for row in people[list(people_table.SIMULATED)].to_dict("records")]
        elif name == "direction":
            table[name] = [None if pd.isna(value) else _(DIRECTIONS[Direction(value)]) for value in people[name]]
        elif name == "band":
            table[name] = [None if pd.isna(value) else _(str(value)) for value in people[name]]
        else:
            table[name] = people[name]
    return table


def drawn(cohort_data: CohortView, names: list[str]) -> dict[str, Any]:
    """Return how each column is headed and drawn.

    Args:
        cohort_data: The cohort, for the measures' ranges.
        names: The chosen columns.
    """
    config = st.column_config
    out: dict[str, Any] = {"label": config.TextColumn(title("label"), pinned=True)}
    for name in names:
        words = _(HELP.get(name, ""))
        width = WIDTHS.get(name)
        if name in BY_NAME:
            measure = BY_NAME[name]
            low, high = cohort.value_range(cohort_data.sessions, name)
            out[f"{name}_{COURSE}"] = config.LineChartColumn(
                _(measure.title), y_min=low, y_max=high, help=_("Session by session, all people on the same scale.")
            )
            form = "%.0f %%" if measure.is_share else "%.1f"
            out[name] = config.NumberColumn(title(name), format=form, help=_(measure.description))
        elif name in DAYS:
            out[name] = config.DateColumn(title(name), format=_(DAY), help=words, width=width)
        elif name in FORMATS:
            out[name] = config.NumberColumn(title(name), format=FORMATS[name], help=words, width=width)
        elif name == "tags":
            out[name] = config.ListColumn(title(name), width=width)
        else:
            out[name] = config.TextColumn(title(name), help=words, width=width)
    return out


def simulated_words(row: dict[Any, Any]) -> str:
    """Write a simulated estimate as '9 (4 to 15)'; empty without one."""
    score, low, high = (row[name] for name in people_table.SIMULATED)
    if pd.isna(score):
        return ""
    return _("{score} ({low} to {high})").format(score=f"{score:.0f}", low=f"{low:.0f}", high=f"{high:.0f}")
