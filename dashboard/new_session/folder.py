"""Recordings in the server's folder: browsed, selected and imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark, n_, render
from dashboard.i18n.numbers import size
from dashboard.new_session.arrivals import remember_import
from dashboard.new_session.batch import Batch
from dashboard.new_session.transcripts import speaker_input
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.ingest import server_folder
from service.ingest.server_folder import Entry
from service.ingest.session_details import SessionDetails, import_from_folder
from service.settings import AppSettings

PROBLEMS = "folder_problems"
KINDS = {"recording": mark("recording"), "text": mark("table or transcript")}


def folder_files(settings: AppSettings, batch: Batch) -> None:
    """Draw the files that a table names, or let files be selected; then import them.

    Args:
        settings: The installation.
        batch: What was entered.
    """
    problems: list[Message] = st.session_state.pop(PROBLEMS, [])
    if problems:
        ui.problems(_("Not everything could be taken in."), [render(problem) for problem in problems])
    files = dict(batch.by_file) if batch.details is None else select_recordings(settings, batch.details)
    button = n_("Take in {n} recording", "Take in {n} recordings", len(files))
    if st.button(button, type="primary", disabled=not files):
        import_recordings(settings, files)
        st.rerun()


def select_recordings(settings: AppSettings, details: SessionDetails) -> dict[str, SessionDetails]:
    """Draw the folder's files. Returns the details of the selected recordings by path, each with its transcript.

    Args:
        settings: The installation.
        details: What was entered for every recording.
    """
    folder = browse(settings)
    entries = server_folder.list_folder(settings, folder)
    files = [entry for entry in entries if entry.kind != "folder"]
    recordings = [entry for entry in files if entry.kind == "recording"]
    if not recordings:
        ui.note(_("There are no recordings in this folder."))
    if not files:
        return {}
    transcripts = {entry.relative: server_folder.find_transcript(entries, entry) for entry in recordings}
    selection = st.dataframe(
        _file_table(files, transcripts),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"folder_{folder}",
    )
    selected = [files[i] for i in selection["selection"]["rows"] if i < len(files)]
    skipped = [entry.name for entry in selected if entry.kind != "recording"]
    if skipped:
        ui.note(_("No recordings, and not taken in: {names}.").format(names=", ".join(skipped)))
    return {
        entry.relative: add_transcript(settings, details, transcripts[entry.relative])
        for entry in selected
        if entry.kind == "recording"
    }


def browse(settings: AppSettings) -> str:
    """Draw the way through the folders. Returns the folder on show, as a path below the server's.

    Args:
        settings: The installation.
    """
    folder: str = st.session_state.get("folder_at", "")
    try:
        subfolders = [entry for entry in server_folder.list_folder(settings, folder) if entry.kind == "folder"]
    except FerPhqError:
        if not folder:
            raise
        st.session_state.folder_at = ""  # the folder on show has gone
        st.rerun()
    path = f"{settings.import_dir}{'/' if folder else ''}{folder}"
    ui.note(_("Folder: {place}. Mark the rows to take in.").format(place=path))
    with st.container(horizontal=True):
        if folder and st.button(_("Up"), icon=":material/arrow_upward:"):
            st.session_state.folder_at = folder.rpartition("/")[0]
            st.rerun()
        for entry in subfolders:
            if st.button(ui.md(entry.name), icon=":material/folder:", key=f"into_{entry.relative}"):
                st.session_state.folder_at = entry.relative
                st.rerun()
    return folder


def add_transcript(settings: AppSettings, details: SessionDetails, entry: Entry | None) -> SessionDetails:
    """Add a recording's transcript to its details and let its subject be chosen.

    Args:
        settings: The installation.
        details: The recording's details.
        entry: The transcript. One that cannot be read is left out with a warning.
    """
    if entry is None:
        return details
    try:
        transcript = server_folder.read_transcript(settings, entry.relative)
    except FerPhqError as error:
        ui.warn(_("{problem} The recording is taken in without it.").format(problem=render(error.message)))
        return details
    speaker = speaker_input(transcript, entry.relative)
    return replace(details, transcript=transcript.with_speaker(speaker))


def import_recordings(settings: AppSettings, files: Mapping[str, SessionDetails]) -> None:
    """Import recordings with a progress bar. Problems are shown together at the next run.

    Args:
        settings: The installation.
        files: The details of each recording by its path.
    """
    problems = []
    bar = st.progress(0.0)
    for number, (path, details) in enumerate(files.items()):
        text = _("Taking in {number} of {total}: {name}").format(number=number + 1, total=len(files), name=path)
        bar.progress(number / len(files), text=ui.md(text))
        result = import_from_folder(settings, context.store(), path, details)
        if result.problem is not None:
            problems.append(result.problem)
        remember_import(result, details)
    bar.empty()
    st.session_state[PROBLEMS] = problems


def _file_table(files: list[Entry], transcripts: Mapping[str, Entry | None]) -> pd.DataFrame:
    transcript_names = []
    for entry in files:
        transcript = transcripts.get(entry.relative)
        transcript_names.append(transcript.name if transcript else "")
    return pd.DataFrame(
        {
            _("File"): [entry.name for entry in files],
            _("Kind"): [_(KINDS[entry.kind]) if entry.kind in KINDS else _("other") for entry in files],
            _("Size"): [size(entry.size) for entry in files],
            _("Date"): [ui.day_and_time(entry.modified) for entry in files],
            _("Transcript"): transcript_names,
        }
    )
