"""The cohort's people as a table of chosen columns, and what can be done with those chosen in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from dashboard import context
from dashboard.cohort import columns
from dashboard.i18n import _, mark, n_
from dashboard.widgets import permission, ui
from fer_phq.core.errors import StoreError
from fer_phq.features.measures import BY_NAME
from service.views.overview import people_table
from service.views.overview.cohort import CohortView

HEIGHT = 440
SIMULATED = mark(
    "Simulated estimates come from heads that were trained on made-up labels: they demonstrate the software, say "
    "nothing about anyone, and nobody is ordered by them."
)
LISTED = mark(
    "Differences are since the first questionnaire of the same scale. Estimates are listed and never averaged over "
    "people. Choose rows to open or tag people."
)


@dataclass(frozen=True, eq=False)
class Selection:
    """What is chosen in the table of people.

    Attributes:
        subject_ids: The UUIDs of the people whose rows are selected.
        names: The columns.
        sort_by: The column by which the rows are ordered.
        descending: Whether the highest come first.
    """

    subject_ids: list[str]
    names: list[str]
    sort_by: str
    descending: bool

    def table(self, people: pd.DataFrame) -> pd.DataFrame:
        """Return the table of these columns and this order, to be taken away.

        Args:
            people: Rows of `summarise_subjects`.
        """
        rows = people_table.ordered(people_table.with_estimates(people), self.sort_by, descending=self.descending)
        return people_table.people_table(rows, self.names)


def draw_people(cohort_data: CohortView) -> Selection:
    """Draw the choice of columns and of an order, and a table with a row for each person.

    Args:
        cohort_data: The cohort.

    Returns:
        What is chosen.
    """
    names, sort_by, descending = choose_columns(cohort_data)
    people = people_table.ordered(people_table.with_estimates(cohort_data.people), sort_by, descending=descending)
    present = [name for name in names if name not in BY_NAME or name in people]
    table = columns.cells(cohort_data, people, present)
    selection = st.dataframe(
        table, hide_index=True, height=min(HEIGHT, 38 + 35 * len(table)),
        column_config=columns.drawn(cohort_data, present), key=table_key(people["subject_id"]),
        on_select="rerun", selection_mode="multi-row", alt=_("The people of the cohort"), placeholder="–",
    )  # fmt: skip
    if "simulated" in present and people["simulated_estimate"].notna().any():
        ui.warn(_(SIMULATED))
    ui.note(_(LISTED))
    rows = [row for row in selection["selection"]["rows"] if row < len(people)]
    return Selection([str(people["subject_id"].iloc[row]) for row in rows], names, sort_by, descending)


def table_key(subject_ids: Iterable[str]) -> str:
    """Name the table of these people in this order: a row that was selected in another one is somebody else's.

    Args:
        subject_ids: The UUIDs of the people, in the rows' order.
    """
    return f"cohort_table_{crc32(' '.join(subject_ids).encode()):08x}"


def choose_columns(cohort_data: CohortView) -> tuple[list[str], str, bool]:
    """Draw the choice of columns and of the rows' order.

    Args:
        cohort_data: The cohort, which says what there is at first.

    Returns:
        The columns in the table's order, the one by which rows are ordered, and whether the highest come first.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.popover(_("Columns"), icon=":material/view_column:"):
            picked = st.multiselect(
                _("Columns"), people_table.CHOICES, default=people_table.first_choice(cohort_data.people),
                key="cohort_columns", format_func=columns.title,
            )  # fmt: skip
        names = [name for name in people_table.CHOICES if name in picked]
        options = ["label", *(name for name in names if name not in people_table.UNORDERED)]
        sort_by = st.selectbox(
            _("Ordered by"), options, key="cohort_order", format_func=columns.title, width=240,
        )  # fmt: skip
        descending = st.toggle(_("Highest first"), key="cohort_descending")
    return names, sort_by, descending


def selected_people(cohort: CohortView, ids: Sequence[str], all_tags: Sequence[str]) -> None:
    """Draw what can be done with the selected people: links for a single one, and their tags.

    Args:
        cohort: The cohort.
        ids: The UUIDs of the selected people.
        all_tags: The tags that are in use.
    """
    people = cohort.people[cohort.people["subject_id"].isin(ids)]
    many = n_("{n} person chosen", "{n} people chosen", len(people))
    with ui.card("cohort_chosen", ui.md(people["label"].iloc[0]) if len(people) == 1 else many):
        if len(people) == 1:
            person = people.iloc[0]
            with st.container(horizontal=True):
                st.page_link(ui.TRENDS, label=_("Open trends"), query_params={"subject": person["subject_id"]})
                st.page_link(
                    ui.SESSION, label=_("Open newest session"), query_params={"session": person["newest_session"]}
                )
            if permission.may_change():
                tags_of_one(person, all_tags)
        elif permission.may_change():
            tags_of_many(people, all_tags)


def tags_of_one(person: pd.Series[Any], all_tags: Sequence[str]) -> None:
    """Draw a form for all tags of one person.

    Args:
        person: The person's row of the cohort.
        all_tags: The tags that are in use.
    """
    with st.form(f"tags_{person['subject_id']}", border=False):
        tag_column, send = st.columns([0.8, 0.2], vertical_alignment="bottom")
        options = sorted({*all_tags, *person["tags"]})
        tags = tag_column.multiselect(
            _("Tags"),
            options,
            default=person["tags"],
            accept_new_options=True,
            placeholder=_("Type a new tag or choose one"),
        )
        if send.form_submit_button(_("Save tags"), width="stretch"):
            keep({person["subject_id"]: tags})


def tags_of_many(people: pd.DataFrame, all_tags: Sequence[str]) -> None:
    """Draw a form that gives a tag to all selected people, or takes it from them.

    Args:
        people: The people's rows of the cohort.
        all_tags: The tags that are in use.
    """
    with st.form("tags_of_many", border=False):
        tag_column, give, take = st.columns([0.6, 0.2, 0.2], vertical_alignment="bottom")
        tag = tag_column.selectbox(
            _("Tag"),
            all_tags,
            index=None,
            accept_new_options=True,
            placeholder=_("Type a new tag or choose one"),
            key="many_tag",
        )
        is_added = give.form_submit_button(_("Add to all"), width="stretch")
        is_removed = take.form_submit_button(_("Remove from all"), width="stretch")
    if (is_added or is_removed) and tag:
        tags_by_subject = zip(people["subject_id"], people["tags"], strict=True)
        keep(
            {
                subject_id: [*has, tag] if is_added else [t for t in has if t != tag]
                for subject_id, has in tags_by_subject
            }
        )


def keep(tags: dict[str, list[str]]) -> None:
    """Store tags by subject; what is no tag is reported, and what was stored before it stays."""
    try:
        for subject_id, some in tags.items():
            context.store().subjects.set_tags(subject_id=subject_id, tags=some)
    except StoreError as error:
        ui.problem(error)
        return
    st.rerun()
