"""Cohort: many people side by side. Filter, group, compare, and open one of them."""

from __future__ import annotations

import functools
from dataclasses import replace

import streamlit as st

from dashboard import context
from dashboard.cohort.filters import filters
from dashboard.cohort.spread import courses, spread
from dashboard.cohort.table import people_table, selected_people
from dashboard.exports.downloads import cohort_downloads
from dashboard.i18n import _, mark, n_, render
from dashboard.trends.measures import choose, explained
from dashboard.widgets import permission, ui
from fer_phq.features.measures import BY_NAME
from service.views.overview.cohort import CohortView, load_cohort_view
from service.views.trends import mixed_gaze, mixed_rates

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
    cohort_filter, groups = filters(subjects, tags)
    load = functools.partial(load_cohort_view, store, cohort_filter, context.preferred_model())
    cohort = marked(load())
    with heading.container():
        ui.heading(_("Cohort"), counts(cohort))
    if left_out := ui.left_out_sentence(cohort.withdrawn):
        ui.warn(left_out)
    if not len(cohort.people):
        with ui.card("nobody"):
            ui.empty(_("Nobody matches"), _("Choose other tags or dates, or let sessions with a lower coverage in."))
        return
    if len(cohort.models) > 1:
        ui.warn(_(MODELS).format(models=len(cohort.models)))
    if counting := ui.counting_sentence(cohort.sessions):
        ui.warn(counting)
    with ui.card("cohort_people", _("People")):
        names = choose("cohort_measures", list(BY_NAME), cohort.names, _("Measures in the table and the distributions"))
        selection = people_table(cohort, names)
        if rates := mixed_rates(names, cohort.rates):
            ui.warn(render(rates))
        if gaze := mixed_gaze(names, mixes=cohort.mixes_gaze):
            ui.warn(render(gaze))
        cohort_downloads(load)
    if selection:
        selected_people(cohort, selection, sorted({tag for some in tags.values() for tag in some}))
    if names:
        spread(cohort, names, groups)
    if cohort.names:
        courses(cohort)
        explained([BY_NAME[name] for name in cohort.names])


page()
