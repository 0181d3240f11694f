"""The cohort's people as a table with sparklines, and what can be done with those chosen in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark, n_
from dashboard.i18n.vocabulary import heading
from dashboard.widgets import permission, ui
from fer_phq.core.errors import StoreError
from fer_phq.core.phq import Provenance
from fer_phq.features.measures import BY_NAME
from service.views.overview import cohort
from service.views.overview.cohort import CohortView

HEIGHT = 440
SIMULATED = mark(
    "Estimates marked “simulated” come from heads that were trained on made-up labels: they demonstrate the software "
    "and say nothing about anyone."
)
LISTED = mark(
    "Estimates are listed with their intervals and never averaged over people. Choose rows to open or tag people."
)
DAY = mark("D MMM YYYY")
"""How a column of days is written, in the letters of Moment.js."""


def people_table(cohort_data: CohortView, names: Sequence[str]) -> list[str]:
    """Draw a table with a row for each person.

    Args:
        cohort_data: The cohort.
        names: The measures that become columns.

    Returns:
        The UUIDs of the people whose rows are selected.
    """
    people = cohort_data.people
    table = pd.DataFrame(
        {
            "label": people["label"],
            "tags": people["tags"],
            "sessions": people["sessions"],
            "estimate": [estimate_words(row) for row in people.to_dict("records")],
            "questionnaire": [answer_words(row) for row in people.to_dict("records")],
        }
    )
    for name in names:
        lines = cohort.sparks(cohort_data.sessions, name)
        table[f"{name}_line"] = [lines.get(subject_id, []) for subject_id in people["subject_id"]]
        table[name] = people[name] * (100 if BY_NAME[name].is_share else 1)
    table["coverage"] = people["coverage"] * 100
    table["first"] = people["first_at"].dt.tz_convert(ui.zone()).dt.date
    table["last"] = people["last_at"].dt.tz_convert(ui.zone()).dt.date
    table["model"] = people["model_id"]
    selection = st.dataframe(
        table, hide_index=True, height=min(HEIGHT, 38 + 35 * len(table)), column_config=columns(cohort_data, names),
        key="cohort_table", on_select="rerun", selection_mode="multi-row", alt=_("The people of the cohort"),
    )  # fmt: skip
    if (people["phq_provenance"] == str(Provenance.SIMULATED)).any():
        ui.warn(_(SIMULATED))
    ui.note(_(LISTED))
    return [str(people["subject_id"].iloc[row]) for row in selection["selection"]["rows"] if row < len(people)]


def columns(cohort_data: CohortView, names: Sequence[str]) -> dict[str, Any]:
    """Return how the table's columns are headed and drawn.

    Args:
        cohort_data: The cohort, for the measures' ranges.
        names: The measures that become columns.
    """
    config = st.column_config
    out: dict[str, Any] = {
        "label": config.TextColumn(_("Subject"), pinned=True),
        "tags": config.ListColumn(_("Tags")),
        "sessions": config.NumberColumn(_("Sessions"), width="small"),
        "first": config.DateColumn(_("First"), format=_(DAY)),
        "last": config.DateColumn(_("Last"), format=_(DAY)),
        "coverage": config.NumberColumn(_("Coverage"), format="%.0f %%", help=_("Mean over the sessions.")),
        "estimate": config.TextColumn(_("Newest PHQ estimate (interval)"), width=250),
        "questionnaire": config.TextColumn(_("Newest questionnaire"), width=270),
        "model": config.TextColumn(_("Model"), help=_("Of the newest session.")),
    }
    for name in names:
        measure = BY_NAME[name]
        low, high = cohort.value_range(cohort_data.sessions, name)
        out[f"{name}_line"] = config.LineChartColumn(
            _(measure.title), y_min=low, y_max=high, help=_("Session by session, all people on the same scale.")
        )
        out[name] = config.NumberColumn(
            _("{measure}, mean").format(measure=heading(measure)),
            format="%.0f %%" if measure.is_share else "%.1f",
            help=_(measure.description),
        )
    return out


def estimate_words(row: dict[Any, Any]) -> str:
    """Write an estimate as '9 (4 to 15) PHQ-8, simulated'; empty without an estimate."""
    if pd.isna(row["phq_score"]):
        return ""
    words = _("{score} ({low} to {high}) {scale}, clinical labels")
    if row["phq_provenance"] == str(Provenance.SIMULATED):
        words = _("{score} ({low} to {high}) {scale}, simulated")
    score, low, high = (f"{row[name]:.0f}" for name in ("phq_score", "phq_low", "phq_high"))
    return words.format(score=score, low=low, high=high, scale=row["phq_scale"])


def answer_words(row: dict[Any, Any]) -> str:
    """Write a questionnaire as '12 PHQ-9, moderate, 3 Nov 2026'; empty without a questionnaire."""
    if pd.isna(row["total"]):
        return ""
    return f"{row['total']:.0f} {row['scale']}, {_(str(row['band']))}, {ui.day(row['answered_at'])}"


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
