"""Who belongs to the cohort on show, and by which tags it is grouped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from dashboard import context
from dashboard.cohort.columns import DIRECTIONS
from dashboard.i18n import _
from dashboard.widgets import ui
from db.records import CohortFilter, SubjectSummary
from fer_phq.longitudinal.change import Direction


@dataclass(frozen=True)
class Choices:
    """Who belongs to the cohort on show, and how they are grouped.

    Attributes:
        cohort: Which sessions, for the store.
        words: What a label or a tag has in it.
        directions: How the newest questionnaire may have changed, of `Direction`; empty for anybody.
        groups: The tags that make groups.
    """

    cohort: CohortFilter
    words: str
    directions: tuple[str, ...]
    groups: tuple[str, ...]


def filters(subjects: Sequence[SubjectSummary], tags: Mapping[str, tuple[str, ...]]) -> Choices:
    """Draw the cohort's filter.

    Args:
        subjects: All subjects.
        tags: The tags of each subject that has any, by its id.

    Returns:
        What is chosen.
    """
    known_tags = sorted({tag for some in tags.values() for tag in some})
    models = context.store().cohort.list_models()
    with ui.card("cohort_filter"):
        find, tag_column, change, made_up = st.columns(4, vertical_alignment="bottom")
        words = find.text_input(_("Find"), key="cohort_words", placeholder=_("Subject or tag"), max_chars=200)
        selected_tags = tag_column.multiselect(
            _("Tags"), known_tags, key="cohort_tags", placeholder=_("All people"), help=_("Any of these tags.")
        )
        directions = change.multiselect(
            _("Reliable change"), [str(direction) for direction in Direction], key="cohort_directions",
            placeholder=_("Everybody"), format_func=lambda direction: _(DIRECTIONS[Direction(direction)]),
            help=_("Of the newest questionnaire since the first one of its scale."),
        )  # fmt: skip
        demo = made_up.toggle(
            _("With demonstrations"), not any(not subject.is_demo for subject in subjects), key="cohort_demo",
            help=_("Made-up people, who are left out beside real ones."),
        )  # fmt: skip
        dates, model_column, coverage, grouping = st.columns(4)
        days = dates.date_input(_("Recorded between"), [], key="cohort_days")
        model = model_column.selectbox(
            _("Model"), [None, *models], key="cohort_model",
            format_func=lambda name: name or _("Active model, others where it has not analysed"),
        )  # fmt: skip
        floor = coverage.slider(
            _("Face seen in at least"), 0, 100, 0, step=5, format="%d %%", key="cohort_coverage",
            help=_("Sessions with a lower coverage are left out."),
        )  # fmt: skip
        groups = grouping.multiselect(
            _("Group by tags"), known_tags, key="cohort_groups", placeholder=_("Everybody in one group")
        )
    since, until = edges(days)
    cohort = CohortFilter(tuple(selected_tags), since, until, model, floor / 100, demo)
    return Choices(cohort, words, tuple(directions), tuple(groups))


def edges(days: object) -> tuple[datetime | None, datetime | None]:
    """Return the beginning of the first day and the end of the last one on the viewer's clock; None while open."""
    bounds = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    since = midnight(bounds[0]) if bounds else None
    return since, midnight(bounds[1] + timedelta(days=1)) if len(bounds) == 2 else None


def midnight(day: date) -> datetime:
    """Return when a day begins on the viewer's clock."""
    return datetime.combine(day, time(), ui.zone()).astimezone(UTC)
