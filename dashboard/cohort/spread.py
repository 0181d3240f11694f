"""How measures are spread over people, and people's courses beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import charts, context
from dashboard.i18n import _, mark, render
from dashboard.trends.measures import choose
from dashboard.widgets import ui
from fer_phq.features.measures import BY_NAME
from service.views.overview import cohort
from service.views.overview.cohort import EVERYBODY, FEW, REST, CohortView
from service.views.speech.voices import voice_notes
from service.views.trends import local_times, mixed_gaze, mixed_rates

PAGE = 8
NOBODY = mark("This measure is known of nobody here.")
GROUPS = {EVERYBODY: mark("Everybody"), REST: mark("Others")}
PLAIN = {"displayModeBar": False}
SPREAD = mark(
    "A point is a person: the mean over their sessions. Boxes are quartiles, for groups of at least {few} people; "
    "whiskers end at the outermost person within one and a half times the box. Click a point to open that "
    "person's trends."
)


def spread(cohort_data: CohortView, groups: Sequence[str]) -> None:
    """Draw the distribution of each chosen measure, by group.

    Args:
        cohort_data: The cohort.
        groups: The tags that make groups; empty for one group of everybody.
    """
    with ui.card("cohort_spread", _("Distribution over people")):
        names = choose("cohort_measures", list(BY_NAME), cohort_data.names, _("Measures"))
        if not names:
            return
        members = cohort.group_by_tag(cohort_data.people, groups)
        members["group"] = members["group"].replace({name: _(words) for name, words in GROUPS.items()})
        with st.container(horizontal=True):
            for name in names:
                alt = _("{measure} of each person, by group").format(measure=_(BY_NAME[name].title))
                points, boxes = cohort.distribution(cohort_data.people, members, name)
                figure = charts.distribution_panel(points, boxes, BY_NAME[name], context.colours())
                event = st.plotly_chart(
                    figure, theme=None, width="content", config=PLAIN, key=f"spread_{name}", on_select="rerun",
                    selection_mode="points", alt=alt,
                )  # fmt: skip
                if (subject_id := clicked(event)) is not None:
                    st.switch_page(ui.TRENDS, query_params={"subject": subject_id})
        mixtures(cohort_data, names)
        ui.note(_(SPREAD).format(few=FEW))


def mixtures(cohort_data: CohortView, names: Sequence[str]) -> None:
    """Say where measures were taken in different ways: of faces, of looks, of the voice and of turns.

    Args:
        cohort_data: The cohort.
        names: The measures on show.
    """
    if rates := mixed_rates(names, cohort_data.rates):
        ui.warn(render(rates))
    if gaze := mixed_gaze(names, mixes=cohort_data.mixes_gaze):
        ui.warn(render(gaze))
    for note in voice_notes(names, cohort_data.sessions).values():
        ui.warn(render(note))


def clicked(event: Any) -> str | None:
    """Return the id of the person whose point was clicked; None without a click."""
    points = event["selection"]["points"] if event else []
    for point in points:
        if point.get("customdata"):
            return str(point["customdata"][0])
    return None


@st.fragment
def courses(cohort_data: CohortView) -> None:
    """Draw a few people at a time, each in a small chart of their own on the same axes."""
    with ui.card("cohort_courses", _("Course of each person")):
        left, right = st.columns([0.35, 0.65], vertical_alignment="bottom")
        name = left.selectbox(
            _("Measure"), list(BY_NAME), key="course_measure", format_func=lambda option: _(BY_NAME[option].title)
        )
        if name not in cohort_data.names:
            ui.note(_(NOBODY))
            return
        people = cohort_data.people[cohort_data.people[name].notna()]
        pages = max(-(-len(people) // PAGE), 1)
        with right.container(horizontal=True, horizontal_alignment="right"):
            number = st.pagination(pages, key=f"course_page_{pages}") if pages > 1 else 1
        page = people.iloc[(number - 1) * PAGE : number * PAGE]
        limits = cohort.value_range(cohort_data.sessions, name)
        local = local_times(
            cohort.lines(cohort_data.sessions, list(page["subject_id"]), name), "recorded_at", ui.zone()
        )
        span = charts.date_span(local_times(cohort_data.sessions, "recorded_at", ui.zone())["recorded_at"])
        with st.container(horizontal=True):
            for subject_id, label in zip(page["subject_id"], page["label"], strict=True):
                person(subject_id, label, name, local[local["subject_id"] == subject_id], limits, span)
        mixtures(cohort_data, [name])
        ui.note(
            _(
                "All panels have the same axes. Lines are broken at gaps in time, where another model measured, "
                "for facial behaviour where the face was looked at more or less often a second, for looks where the "
                "gaze was hardly seen any more, or was seen again, and for voice, words and turn taking where who "
                "speaks, which voice is the person's, or what is said was told in another way."
            )
        )


def person(
    subject_id: str, label: str, name: str, rows: pd.DataFrame, limits: tuple[float, float], span: charts.Span | None
) -> None:
    """Draw one person's panel, with the link to their trends above it.

    Args:
        subject_id: The subject's UUID.
        label: The subject's label.
        name: The measure.
        rows: `recorded_at`, `value`, `segment` of the person's sessions.
        limits: Lowest and highest value of the y axis.
        span: First and last moment of the time axis; None for what the rows need.
    """
    with st.container(width=charts.PANEL[0], gap=None):
        st.page_link(ui.TRENDS, label=ui.md(label), query_params={"subject": subject_id})
        figure = charts.person_panel(rows, BY_NAME[name], context.colours(), limits=limits, span=span)
        st.plotly_chart(
            figure, theme=None, width="content", config=charts.dated(PLAIN), key=f"course_{subject_id}",
            alt=_("{measure} of {label} over sessions").format(measure=_(BY_NAME[name].title), label=label),
        )  # fmt: skip
