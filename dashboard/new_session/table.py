"""Session details in a table (CSV) that names files: all problems in one report, then the recordings."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from dashboard.i18n import _, mark, render
from dashboard.new_session.batch import Batch, Origin, start_batch
from dashboard.new_session.details import CONTINUE, consent_input
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.ingest import messages, server_folder
from service.ingest.session_csv import EXAMPLE, OpenTranscript, SessionTable, read_session_table
from service.ingest.session_details import details_of_row
from service.ingest.transcripts import SUFFIXES, CheckedTranscript, check_transcript
from service.settings import AppSettings

HELP = mark(
    "One recording a row. `file` and `subject_id` are needed; `recorded_at` (2026-11-03 14:05, in your time zone; "
    "empty: the file's own date), `consent_by`, `keep_days`, `transcript` and `speaker` are optional; `speaker` is "
    "needed where several speak and no name, such as Patient, says who is the subject. "
    "Nothing is kept before the whole table is right."
)


def table_form(settings: AppSettings, origin: Origin) -> None:
    """Draw the choice of the table and its transcripts. Goes on to the recordings when nothing is wrong.

    Args:
        settings: The installation.
        origin: Where the recordings come from.
    """
    ui.note(_(HELP))
    st.download_button(
        _("An example of a table"), EXAMPLE, "recordings.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )
    left, right = st.columns(2, gap="large")
    file = left.file_uploader(_("Table (CSV)"), type=["csv"], key="session_table", max_upload_size=10)
    transcript_files = []
    if origin is Origin.COMPUTER:
        transcript_files = right.file_uploader(
            _("Transcripts that it names (optional)"),
            type=[suffix.removeprefix(".") for suffix in SUFFIXES],
            accept_multiple_files=True,
            key="table_transcripts",
            max_upload_size=20,
        )
    agreed, consent_by = consent_input(settings)
    ui.note(_("Whom the table names as `consent_by` comes before the name above."))
    if file is None:
        return
    documents = {
        unicodedata.normalize("NFC", transcript.name): transcript.getvalue() for transcript in transcript_files
    }
    table = read_session_table(
        file.getvalue(),
        zone=ui.zone(),
        now=datetime.now(UTC),
        consent_by=consent_by,
        open_transcript=transcript_reader(settings, origin, documents),
        file_problem=lambda name: file_problem(settings, origin, name),
    )
    report(table)
    if table.problems:
        return
    if not agreed:
        ui.note(_("Confirm the consent to go on."))
    if st.button(_(CONTINUE[origin]), type="primary", disabled=not agreed):
        now = datetime.now(UTC)
        start_batch(Batch(origin, None, {row.file: details_of_row(settings, row, now) for row in table.rows}))


def transcript_reader(settings: AppSettings, origin: Origin, documents: dict[str, bytes]) -> OpenTranscript:
    """Return a function that reads the transcripts that a table names.

    Args:
        settings: The installation.
        origin: Where the recordings come from: transcripts are in `documents`, or in the server's folder.
        documents: The transcripts that were chosen with the table, by name in composed letters, as tables have it.

    Raises:
        FerPhqError: Raised by the returned function where a transcript is missing or cannot be read.
    """
    if origin is not Origin.COMPUTER:
        return lambda name: server_folder.read_transcript(settings, name)

    def read_document(name: str) -> CheckedTranscript:
        if name not in documents:
            raise FerPhqError(messages.NOT_AMONG_TRANSCRIPTS(name=name[:60]))
        return check_transcript(name, documents[name])

    return read_document


def file_problem(settings: AppSettings, origin: Origin, name: str) -> Message | None:
    """Return what is wrong with the name of a recording, or None.

    Args:
        settings: The installation.
        origin: Where the recordings come from.
        name: The name in the table.
    """
    if origin is Origin.COMPUTER:
        if "/" not in name and "\\" not in name:
            return None
        return messages.NAMES_A_FOLDER(name=name[:60])
    try:
        server_folder.find_recording(settings, name)
    except FerPhqError as error:
        return error.message
    return None


def report(table: SessionTable) -> None:
    """Draw everything that is wrong with a table, or its rows.

    Args:
        table: The table.
    """
    if table.problems:
        problems = [render(problem.message_with_place) for problem in table.problems]
        ui.problems(_("Nothing of this table is kept."), problems)
        return
    rows = pd.DataFrame(
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
    st.dataframe(rows, hide_index=True)
