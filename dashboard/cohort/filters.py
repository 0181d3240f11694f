"""Who belongs to the cohort on show, and by which tags it is grouped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from dashboard import context
from dashboard.i18n import _
from dashboard.widgets import ui
from db.records import CohortFilter, SubjectSummary


def filters(subjects: Sequence[SubjectSummary], tags: Mapping[str, tuple[str, ...]]) -> tuple[CohortFilter, list[str]]:
    """Draw the cohort's filter.

    Args:
        subjects: All subjects.
        tags: The tags of each subject that has any, by its id.

    Returns:
        The chosen filter, and the tags to group by.
    """
    known_tags = sorted({tag for some in tags.values() for tag in some})
    models = context.store().cohort.list_models()
    with ui.card("cohort_filter"):
        left, centre, right = st.columns(3)
        selected_tags = left.multiselect(
            _("Tags"), known_tags, key="cohort_tags", placeholder=_("All people"), help=_("Any of these tags.")
        )
        days = centre.date_input(_("Recorded between"), [], key="cohort_days")
        model = right.selectbox(
            _("Model"), [None, *models], key="cohort_model",
            format_func=lambda name: name or _("Active model, others where it has not analysed"),
        )  # fmt: skip
        left, centre, right = st.columns(3, vertical_alignment="bottom")
        groups = left.multiselect(
            _("Group by tags"), known_tags, key="cohort_groups", placeholder=_("Everybody in one group")
        )
        floor = centre.slider(
            _("Face seen in at least"), 0, 100, 0, step=5, format="%d %%", key="cohort_coverage",
            help=_("Sessions with a lower coverage are left out."),
        )  # fmt: skip
        demo = right.toggle(
            _("With demonstrations"), not any(not subject.is_demo for subject in subjects), key="cohort_demo",
            help=_("Made-up people, who are left out beside real ones."),
        )  # fmt: skip
    since, until = edges(days)
    return CohortFilter(tuple(selected_tags), since, until, model, floor / 100, demo), groups


def edges(days: object) -> tuple[datetime | None, datetime | None]:
    """Return the beginning of the first day and the end of the last one on the viewer's clock; None while open."""
    bounds = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    since = midnight(bounds[0]) if bounds else None
    return since, midnight(bounds[1] + timedelta(days=1)) if len(bounds) == 2 else None


def midnight(day: date) -> datetime:
    """Return when a day begins on the viewer's clock."""
    return datetime.combine(day, time(), ui.zone()).astimezone(UTC)
