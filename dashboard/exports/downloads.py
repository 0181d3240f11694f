"""What a page shows, to take away: reports as PDF and HTML, tables as CSV, Parquet and JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard import context, i18n, loaders, viewer
from dashboard.exports import reports
from dashboard.i18n import _, mark, render
from dashboard.widgets import ui
from db.records import SubjectSummary
from fer_phq.annotations.tiers import CodedRecording
from service.access.control import acting_as
from service.views.comparison import ComparisonView
from service.views.documents.annotations import DOCUMENTS, session_annotations
from service.views.exports import (
    analysis_json,
    as_csv,
    as_json,
    as_parquet,
    behaviour_episodes_table,
    behaviour_table,
    blinks_table,
    events_table,
    frames_table,
    measures_table,
    notes_table,
    pairs_table,
    recognised_table,
    sessions_table,
    transcript_table,
    turns_table,
    voice_table,
    words_table,
)
from service.views.overview.cohort import CohortView
from service.views.session import SessionView
from service.views.trends import TrendsView

if TYPE_CHECKING:
    from dashboard.exports.reports.blocks import Report

DICTIONARY = mark("What the columns mean: docs/DATA_DICTIONARY.md, or `python -m service.views.data_dictionary`.")


def session_downloads(view: SessionView) -> None:
    """Draw the downloads of a session's analysis: its report, and its tables.

    Each file reads the view of the moment when it is asked for.
    """
    summary = view.analysis.summary
    stem = f"session-{view.session.id[:8]}-{summary.id[:8]}"
    zone = ui.zone()  # asked for now: the file is made after the page has run
    load = functools.partial(loaders.session, view.detail, summary.id)
    report_buttons(lambda: reports.session_report(load(), zone, datetime.now(UTC)), stem)
    with st.popover(_("Data"), icon=":material/download:"):
        store = context.store()
        _button(
            _("The whole analysis, JSON"),
            lambda: analysis_json(store, summary.id),
            f"{stem}.json",
            "application/json",
        )
        table_buttons(_("Frames"), lambda: frames_table(load().analysis), f"{stem}-frames")
        table_buttons(_("Expression episodes"), lambda: load().analysis.episodes, f"{stem}-episodes")
        table_buttons(_("Other people"), lambda: load().analysis.people, f"{stem}-people")
        if view.analysis.voice is not None:
            table_buttons(_("Voice"), lambda: voice_table(load().analysis), f"{stem}-voice")
        if view.analysis.words is not None:
            table_buttons(_("Words"), lambda: words_table(load().analysis), f"{stem}-words")
        if view.analysis.turns is not None:
            table_buttons(_("Turns"), lambda: turns_table(load().analysis), f"{stem}-turns")
        if view.analysis.transcription is not None:
            table_buttons(_("Recognised words"), lambda: recognised_table(load().analysis), f"{stem}-recognised")
        if view.analysis.behaviour is not None:
            table_buttons(_("Facial behaviour"), lambda: behaviour_table(load().analysis), f"{stem}-behaviour")
            table_buttons(_("Closures of the eyes"), lambda: blinks_table(load().analysis), f"{stem}-blinks")
            episodes = f"{stem}-behaviour-episodes"
            table_buttons(
                _("Episodes of facial behaviour"), lambda: behaviour_episodes_table(load().analysis), episodes
            )
        table_buttons(_("Measures"), lambda: measures_table(load(), render), f"{stem}-measures")
        if view.transcript is not None:
            table_buttons(_("Transcript"), lambda: transcript_table(load()), f"{stem}-transcript")
        table_buttons(_("Notes"), lambda: notes_table(load()), f"{stem}-notes")
        annotation_buttons(lambda: session_annotations(load()), stem)
        ui.note(_(DICTIONARY))


def trend_downloads(subject: SubjectSummary, load: Callable[[], TrendsView]) -> None:
    """Draw the downloads of a person's trend: its report, and its tables.

    Args:
        subject: The subject.
        load: Returns the page's view; called when a file is asked for.
    """
    stem = f"subject-{subject.id[:8]}"
    report_buttons(lambda: reports.trend_report(load(), datetime.now(UTC)), stem)
    with st.popover(_("Data"), icon=":material/download:"):
        table_buttons(_("Sessions"), lambda: sessions_table(load(), render), f"{stem}-sessions")
        table_buttons(_("Questionnaires"), lambda: load().answers, f"{stem}-questionnaires")
        table_buttons(_("Events"), lambda: events_table(load()), f"{stem}-events")
        ui.note(_(DICTIONARY))


def cohort_downloads(load: Callable[[], CohortView], people: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Draw the downloads of the people as the table shows them, and of the sessions that the filter lets through.

    Args:
        load: Returns the page's view; called when a file is asked for.
        people: Makes the table on show of the view's people.
    """
    with st.popover(_("Data"), icon=":material/download:"):
        table_buttons(_("People, as shown"), lambda: people(load().people), "cohort-people")
        table_buttons(_("Sessions"), lambda: load().sessions, "cohort")
        ui.note(_(DICTIONARY))


def comparison_downloads(load: Callable[[], ComparisonView]) -> None:
    """Draw the downloads of the sessions that two models have both analysed. `load` returns the page's comparison."""
    with st.popover(_("Data"), icon=":material/download:"):
        table_buttons(_("Sessions"), lambda: pairs_table(load()), "pairs")
        ui.note(_(DICTIONARY))


def report_buttons(make: Callable[[], Report], stem: str) -> None:
    """Draw buttons for a report as PDF and as HTML.

    Args:
        make: Makes the report; called when a file is asked for.
        stem: The files' name without its ending.
    """
    _button(
        _("Report (PDF)"),
        lambda: reports.to_pdf(make()),
        f"{stem}.pdf",
        "application/pdf",
        icon=":material/picture_as_pdf:",
    )
    _button(
        _("Report (HTML)"), lambda: reports.to_html(make()), f"{stem}.html", "text/html", icon=":material/description:"
    )


def table_buttons(title: str, load: Callable[[], pd.DataFrame | None], stem: str) -> None:
    """Draw buttons for a table in three formats.

    Args:
        title: What the table is called.
        load: Returns the table, None for an empty one; called when a file is asked for.
        stem: The files' name without its ending.
    """
    st.markdown(f"**{title}**")

    def table() -> pd.DataFrame:
        frame = load()
        return pd.DataFrame() if frame is None else frame

    with st.container(horizontal=True):
        _button("CSV", lambda: as_csv(table()), f"{stem}.csv", "text/csv")
        _button("Parquet", lambda: as_parquet(table()), f"{stem}.parquet", "application/vnd.apache.parquet")
        _button("JSON", lambda: as_json(table()), f"{stem}-table.json", "application/json")


def annotation_buttons(load: Callable[[], CodedRecording], stem: str) -> None:
    """Draw a button for each program in which people code.

    Args:
        load: Returns the annotations; called when a file is asked for.
        stem: The files' name without its ending.
    """
    title = _("Everything that has a time, for other programs")
    st.markdown(f"**{title}**")
    with st.container(horizontal=True):
        for program, (suffix, mime, write) in DOCUMENTS.items():
            _button(program, functools.partial(_document, write, load), f"{stem}.{suffix}", mime)


def _document(write: Callable[[CodedRecording], str | bytes], load: Callable[[], CodedRecording]) -> str | bytes:
    return write(load())


def _button(label: str, make: Callable[[], str | bytes], name: str, mime: str, icon: str | None = None) -> None:
    language = i18n.language()  # as with the time zone: the file is made after the page has run
    actor = viewer.actor(context.control())

    def content() -> str | bytes:
        with i18n.speaking(language), acting_as(actor):
            context.store().audit.add(action="export", object_kind="file", object_id=name)
            return make()

    st.download_button(
        label, data=content, file_name=name, mime=mime, icon=icon, on_click="ignore", key=f"download_{name}"
    )
