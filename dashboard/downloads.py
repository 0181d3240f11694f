"""What a page shows, to take away: reports as PDF and HTML, tables as CSV, Parquet and JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

import pandas as pd
import streamlit as st

from dashboard import context, data, ui
from dashboard.reports.blocks import Report
from dashboard.reports.html import to_html
from dashboard.reports.pdf import to_pdf
from dashboard.reports.session import session_report
from db.records import AnalysisSummary, SessionDetail
from service.tables import as_csv, as_json, as_parquet, frames_table, voice_table, words_table

DICTIONARY = "What the columns mean: docs/DATA_DICTIONARY.md, or `python -m service.dictionary`."


def session_downloads(detail: SessionDetail, found: AnalysisSummary) -> None:
    """An analysis of a session: its report, and its tables."""
    stem = f"session-{detail.session.id[:8]}-{found.id[:8]}"
    zone = ui.zone()  # asked for now: the file is made after the page has run
    report_buttons(lambda: _session_report(detail, found, zone), stem)
    with st.popover("Data", icon=":material/download:"):
        _button("The whole analysis, JSON", lambda: data.json_document(found.id), f"{stem}.json", "application/json")
        store = context.store()
        table_buttons("Frames", lambda: frames_table(store, found.id), f"{stem}-frames")
        channels = store.load_channels(analysis_id=found.id)
        if "voice" in channels:
            table_buttons("Voice", lambda: voice_table(store, found.id), f"{stem}-voice")
        if "words" in channels:
            table_buttons("Words", lambda: words_table(store, found.id), f"{stem}-words")
        ui.note(DICTIONARY)


def report_buttons(make: Callable[[], Report], stem: str) -> None:
    """A report as PDF and as HTML."""
    _button("Report (PDF)", lambda: to_pdf(make()), f"{stem}.pdf", "application/pdf", icon=":material/picture_as_pdf:")
    _button("Report (HTML)", lambda: to_html(make()), f"{stem}.html", "text/html", icon=":material/description:")


def table_buttons(title: str, load: Callable[[], pd.DataFrame | None], stem: str) -> None:
    """A table in three formats."""
    st.markdown(f"**{title}**")

    def table() -> pd.DataFrame:
        found = load()
        return pd.DataFrame() if found is None else found

    with st.container(horizontal=True):
        _button("CSV", lambda: as_csv(table()), f"{stem}.csv", "text/csv")
        _button("Parquet", lambda: as_parquet(table()), f"{stem}.parquet", "application/vnd.apache.parquet")
        _button("JSON", lambda: as_json(table()), f"{stem}-table.json", "application/json")


def _button(label: str, make: Callable[[], str | bytes], name: str, mime: str, icon: str | None = None) -> None:
    st.download_button(
        label, data=make, file_name=name, mime=mime, icon=icon, on_click="ignore", key=f"download_{name}"
    )


def _session_report(detail: SessionDetail, found: AnalysisSummary, zone: tzinfo) -> Report:
    store = context.store()
    record = store.load_analysis(analysis_id=found.id)
    notes = store.list_notes(session_id=detail.session.id)
    return session_report(detail, record, data.frames(found.id), notes, zone, datetime.now(UTC))
