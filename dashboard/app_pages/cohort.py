"""Cohort: many people side by side. Filter, group, compare, and open one of them."""

from __future__ import annotations

import functools
from dataclasses import replace

import streamlit as st

from dashboard import context
from dashboard.cohort.filters import Choices, filters
from dashboard.cohort.spread import courses, mixtures, spread
from dashboard.cohort.study import study_button
from dashboard.cohort.table import draw_people, selected_people
from dashboard.exports.downloads import cohort_downloads
from dashboard.i18n import _, mark, n_
from dashboard.trends.measures import explained
from dashboard.widgets import permission, ui
from db.store import Store
from fer_phq.features.measures import BY_NAME
from service.views.overview.cohort import CohortView, load_cohort_view

MODELS = mark(
    "These sessions were measured by {models} models. Face measures of two models differ even where nothing has "
    "changed: choose one model to compare like with like."
)


def counts(cohort: CohortView) -> str:
    """Return how much there is, as '34 people · 121 sessions'."""
    people = n_("{n} person", "{n} people", len(cohort.people))
    sessions = n_("{n} analysed session", "{n} analysed sessions", len(cohort.sessions))
    return f"{people} · {sessions}"


def marked(cohort: CohortView) -> CohortView:
    """Return the cohort with demonstration people named as such."""
    people = cohort.people
    names = [ui.display_name(label, demo) for label, demo in zip(people["label"], people["is_demo"], strict=True)]
    return replace(cohort, people=people.assign(label=names))


def _load(store: Store, choices: Choices, prefer_model: str | None) -> CohortView:
    return load_cohort_view(store, choices.cohort, prefer_model).narrowed(choices.words, choices.directions)


def page() -> None:
    """Load what the filter lets through, then draw it."""
    store = context.store()
    subjects = store.subjects.list_all()
    heading = st.empty()
    if not any(subject.analysed_sessions for subject in subjects):
        with heading.container():
            ui.heading(_("Cohort"))
        with ui.card("none"):
            ui.empty(_("No analysed sessions yet"), _("People appear here once recordings of them were analysed."))
        if permission.may_change():
            st.page_link(ui.NEW_SESSION, label=_("Upload a recording"))
        return
    tags = store.subjects.tags()
    choices = filters(subjects, tags)
    load = functools.partial(_load, store, choices, context.preferred_model())
    cohort = marked(load())
    with heading.container():
        ui.heading(_("Cohort"), counts(cohort))
    if left_out := ui.left_out_sentence(cohort.withdrawn):
        ui.warn(left_out)
    if not len(cohort.people):
        with ui.card("nobody"):
            ui.empty(
                _("Nobody matches"), _("Choose other words, tags or dates, or let sessions with a lower coverage in.")
            )
        return
    if len(cohort.models) > 1:
        ui.warn(_(MODELS).format(models=len(cohort.models)))
    if counting := ui.counting_sentence(cohort.sessions):
        ui.warn(counting)
    with ui.card("cohort_people", _("People")):
        selection = draw_people(cohort)
        mixtures(cohort, selection.names)
        with st.container(horizontal=True):
            cohort_downloads(load, selection.table)
            study_button(choices.cohort, is_narrowed=bool(choices.words.strip() or choices.directions))
    if selection.subject_ids:
        selected_people(cohort, selection.subject_ids, sorted({tag for some in tags.values() for tag in some}))
    if cohort.names:
        spread(cohort, choices.groups)
        courses(cohort)
        explained([BY_NAME[name] for name in cohort.names])


page()
