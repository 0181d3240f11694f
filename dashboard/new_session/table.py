"""Details by a table (CSV) that names files: one report of everything that is wrong, then the recordings."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from dashboard.i18n import _, mark, render
from dashboard.new_session.batch import Batch, Place, begin
from dashboard.new_session.details import NEXT, consent
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.ingest import messages, server_folder
from service.ingest.arrival import details_of
from service.ingest.session_csv import EXAMPLE, OpenTranscript, SessionTable, read_session_table
from service.ingest.transcripts import SUFFIXES, ReadTranscript, check_transcript
from service.settings import AppSettings

WORDS = mark(
    "One recording a row. `file` and `subject_id` are needed; `recorded_at` (2026-11-03 14:05, in your time zone; "
    "empty: the file's own date), `consent_by`, `keep_days`, `transcript` and `speaker` are optional. "
    "Nothing is kept before the whole table is right."
)


def table_form(settings: AppSettings, place: Place) -> None:
    """Choose the table and the transcripts that it names; go on when nothing is wrong."""
    ui.note(_(WORDS))
    st.download_button(
        _("An example of a table"), EXAMPLE, "recordings.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )
    left, right = st.columns(2, gap="large")
    chosen = left.file_uploader(_("Table (CSV)"), type=["csv"], key="session_table", max_upload_size=10)
    given = []
    if place is Place.COMPUTER:
        given = right.file_uploader(
            _("Transcripts that it names (optional)"),
            type=[suffix.removeprefix(".") for suffix in SUFFIXES],
            accept_multiple_files=True,
            key="table_transcripts",
            max_upload_size=20,
        )
    agreed, by = consent(settings)
    ui.note(_("Whom the table names as `consent_by` comes before the name above."))
    if chosen is None:
        return
    documents = {one.name: one.getvalue() for one in given}
    table = read_session_table(
        chosen.getvalue(),
        zone=ui.zone(),
        now=datetime.now(UTC),
        consent_by=by,
        open_transcript=opener(settings, place, documents),
        file_problem=lambda name: file_problem(settings, place, name),
    )
    report(table)
    if table.problems:
        return
    if not agreed:
        ui.note(_("Confirm the consent to go on."))
    if st.button(_(NEXT[place]), type="primary", disabled=not agreed):
        now = datetime.now(UTC)
        begin(Batch(place, None, {row.file: details_of(settings, row, now) for row in table.rows}))


def opener(settings: AppSettings, place: Place, documents: dict[str, bytes]) -> OpenTranscript:
    """How the transcripts that a table names are read: from those chosen beside it, or from the server's folder."""

    def chosen(name: str) -> ReadTranscript:
        if name not in documents:
            raise FerPhqError(messages.NOT_AMONG_TRANSCRIPTS(name=name[:60]))
        return check_transcript(name, documents[name])

    return chosen if place is Place.COMPUTER else lambda name: server_folder.transcript(settings, name)


def file_problem(settings: AppSettings, place: Place, name: str) -> Message | None:
    """Return what is wrong with the name of a recording, or None."""
    if place is Place.COMPUTER:
        if "/" not in name and "\\" not in name:
            return None
        return messages.NAMES_A_FOLDER(name=name[:60])
    try:
        server_folder.recording(settings, name)
    except FerPhqError as error:
        return error.message
    return None


def report(table: SessionTable) -> None:
    """Everything that is wrong, or what the table says."""
    if table.problems:
        ui.problems(
            _("Nothing of this table is kept."), [render(problem.message_with_place) for problem in table.problems]
        )
        return
    shown = pd.DataFrame(
        {
            _("File"): [row.file for row in table.rows],
            _("Subject"): [row.subject for row in table.rows],
            _("Recorded"): [
                ui.day_and_time(row.recorded_at) if row.recorded_at else _("the file's own date") for row in table.rows
            ],
            _("Consent recorded by"): [row.consent_by for row in table.rows],
            _("Keep (days)"): [str(row.keep_days) if row.keep_days else _("as set") for row in table.rows],
            _("Transcript"): [row.transcript.original_name if row.transcript else "" for row in table.rows],
            _("Speaker"): [(row.transcript.speaker or _("everybody")) if row.transcript else "" for row in table.rows],
        }
    )
    st.dataframe(shown, hide_index=True)
