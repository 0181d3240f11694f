"""The sessions of the page's filter as a study, to take away."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _, render
from dashboard.widgets import ui
from db.records import CohortFilter
from service.access.browser import browser_mark
from service.study.links import study_url
from service.study.selection import StudyRequest, load_study


def study_button(cohort: CohortFilter, *, is_narrowed: bool) -> None:
    """Draw the button that opens what a study would hold.

    Args:
        cohort: Which sessions.
        is_narrowed: Whether the page shows fewer people than the filter lets through.
    """
    if st.button(_("Export as a study"), icon=":material/science:", key="study_open"):
        st.dialog(_("Export as a study"))(study_export)(cohort, is_narrowed=is_narrowed)


def study_export(cohort: CohortFilter, *, is_narrowed: bool) -> None:
    """Draw what the study holds and leaves out, how it is to be cited, and the link to it.

    Args:
        cohort: Which sessions.
        is_narrowed: Whether the page shows fewer people than the filter lets through.
    """
    request = StudyRequest(cohort, context.preferred_model())
    study = load_study(context.store(), request)
    ui.facts([(_("Sessions"), str(len(study.sessions))), (_("People"), str(study.people))])
    for sentence in study.sentences:
        ui.warn(render(sentence))
    if is_narrowed:
        ui.warn(
            _(
                "What is typed under Find and chosen under Reliable change narrows the page and not a study: it holds "
                "everybody whom tags, dates, model and coverage let through."
            )
        )
    if study.sessions.empty:
        ui.empty(_("Nothing to export"), _("No session of this filter may leave the installation."))
        return
    ui.note(
        _(
            "A ZIP with sessions, questionnaires, frames, episodes, voice, words and turns as CSV and Parquet, their "
            "dictionary, the methods with the figures filled in, a citation file, where each model comes from, and "
            "checksums. People are called by pseudonyms; their tags are in it as they were typed."
        )
    )
    title = st.text_input(_("Title, for the citation"), max_chars=200, key="study_title")
    authors = st.text_input(
        _("Authors, separated by semicolons"), max_chars=500, key="study_authors", placeholder="A. Miller; B. Meier"
    )
    ui.warn(
        _(
            "It is data about health and not anonymous, and an erasure does not reach it. The download is noted in the "
            "audit."
        )
    )
    names = tuple(name for name in (" ".join(part.split()) for part in authors.split(";")) if name)
    wish = StudyRequest(cohort, request.prefer_model, " ".join(title.split()), names)
    address = study_url(context.settings(), wish, browser=browser_mark(st.context.cookies))
    st.link_button(_("Download the ZIP"), address, type="primary", icon=":material/download:")
