"""What a page shows, to take away: reports as PDF and HTML, tables as CSV, Parquet and JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

import pandas as pd
import streamlit as st

from dashboard import context, i18n, loaders
from dashboard.exports.reports.blocks import Report
from dashboard.exports.reports.html import to_html
from dashboard.exports.reports.pdf import to_pdf
from dashboard.exports.reports.session import session_report
from dashboard.exports.reports.trend import trend_report
from dashboard.i18n import _, mark
from dashboard.trends.phq import scores_of
from dashboard.widgets import ui
from db.records import AnalysisSummary, CohortFilter, SessionDetail, SubjectSummary
from fer_phq.core.phq import Modality
from fer_phq.features.measures import MEASURES
from fer_phq.longitudinal.change import changes_since_baseline
from service.views.exports import (
    as_csv,
    as_json,
    as_parquet,
    episodes_table,
    events_table,
    frames_table,
    notes_table,
    pairs_table,
    people_table,
    transcript_table,
    voice_table,
    words_table,
)

DICTIONARY = mark("What the columns mean: docs/DATA_DICTIONARY.md, or `python -m service.views.data_dictionary`.")


def session_downloads(detail: SessionDetail, summary: AnalysisSummary) -> None:
    """An analysis of a session: its report, and its tables."""
    stem = f"session-{detail.session.id[:8]}-{summary.id[:8]}"
    zone = ui.zone()  # asked for now: the file is made after the page has run
    report_buttons(lambda: _session_report(detail, summary, zone), stem)
    with st.popover(_("Data"), icon=":material/download:"):
        _button(
            _("The whole analysis, JSON"), lambda: loaders.json_document(summary.id), f"{stem}.json", "application/json"
        )
        store = context.store()
        session_id = detail.session.id
        table_buttons(_("Frames"), lambda: frames_table(store, summary.id), f"{stem}-frames")
        table_buttons(_("Expression episodes"), lambda: episodes_table(store, summary.id), f"{stem}-episodes")
        table_buttons(_("Other people"), lambda: people_table(store, summary.id), f"{stem}-people")
        kinds = store.features.kinds(analysis_id=summary.id)
        if Modality.VOICE in kinds:
            table_buttons(_("Voice"), lambda: voice_table(store, summary.id), f"{stem}-voice")
        if Modality.WORDS in kinds:
            table_buttons(_("Words"), lambda: words_table(store, summary.id), f"{stem}-words")
        if store.transcripts.exists(session_id=session_id):
            table_buttons(_("Transcript"), lambda: transcript_table(store, session_id), f"{stem}-transcript")
        table_buttons(_("Notes"), lambda: notes_table(store, session_id), f"{stem}-notes")
        ui.note(_(DICTIONARY))


def trend_downloads(subject: SubjectSummary, prefer_model: str | None, model_id: str | None) -> None:
    """A person's trend: its report, and its tables. The analyses are chosen as on the page."""
    store = context.store()
    zone = ui.zone()
    stem = f"subject-{subject.id[:8]}"

    def sessions() -> pd.DataFrame:
        names = [measure.name for measure in MEASURES]
        return store.trends.load(subject_id=subject.id, model_id=model_id, prefer_model=prefer_model, measures=names)

    def report() -> Report:
        answers = store.trends.questionnaires(subject_id=subject.id)
        changes = changes_since_baseline(scores_of(answers))
        events = store.events.list_by_subject(subject_id=subject.id)
        return trend_report(subject, sessions(), answers, changes, events, zone, datetime.now(UTC))

    report_buttons(report, stem)
    with st.popover(_("Data"), icon=":material/download:"):
        table_buttons(_("Sessions"), sessions, f"{stem}-sessions")
        table_buttons(
            _("Questionnaires"), lambda: store.trends.questionnaires(subject_id=subject.id), f"{stem}-questionnaires"
        )
        table_buttons(_("Events"), lambda: events_table(store, subject.id), f"{stem}-events")
        ui.note(_(DICTIONARY))


def cohort_downloads(cohort_filter: CohortFilter, prefer_model: str | None) -> None:
    """The sessions that the page's filter lets through."""
    store = context.store()
    names = [measure.name for measure in MEASURES]
    with st.popover(_("Data"), icon=":material/download:"):
        table_buttons(
            _("Sessions"),
            lambda: store.cohort.load(cohort=cohort_filter, measures=names, prefer_model=prefer_model),
            "cohort",
        )
        ui.note(_(DICTIONARY))


def comparison_downloads(first: str, second: str) -> None:
    """The sessions that two models have both analysed."""
    store = context.store()
    with st.popover(_("Data"), icon=":material/download:"):
        table_buttons(_("Sessions"), lambda: pairs_table(store, first, second), "pairs")
        ui.note(_(DICTIONARY))


def report_buttons(make: Callable[[], Report], stem: str) -> None:
    """A report as PDF and as HTML."""
    _button(
        _("Report (PDF)"), lambda: to_pdf(make()), f"{stem}.pdf", "application/pdf", icon=":material/picture_as_pdf:"
    )
    _button(_("Report (HTML)"), lambda: to_html(make()), f"{stem}.html", "text/html", icon=":material/description:")


def table_buttons(title: str, load: Callable[[], pd.DataFrame | None], stem: str) -> None:
    """A table in three formats."""
    st.markdown(f"**{title}**")

    def table() -> pd.DataFrame:
        frame = load()
        return pd.DataFrame() if frame is None else frame

    with st.container(horizontal=True):
        _button("CSV", lambda: as_csv(table()), f"{stem}.csv", "text/csv")
        _button("Parquet", lambda: as_parquet(table()), f"{stem}.parquet", "application/vnd.apache.parquet")
        _button("JSON", lambda: as_json(table()), f"{stem}-table.json", "application/json")


def _button(label: str, make: Callable[[], str | bytes], name: str, mime: str, icon: str | None = None) -> None:
    language = i18n.language()  # as with the time zone: the file is made after the page has run

    def content() -> str | bytes:
        with i18n.speaking(language):
            return make()

    st.download_button(
        label, data=content, file_name=name, mime=mime, icon=icon, on_click="ignore", key=f"download_{name}"
    )


def _session_report(detail: SessionDetail, summary: AnalysisSummary, zone: tzinfo) -> Report:
    store = context.store()
    record = store.analyses.load(analysis_id=summary.id)
    notes = store.notes.list_by_session(session_id=detail.session.id)
    return session_report(detail, record, loaders.frames(summary.id), notes, zone, datetime.now(UTC))
