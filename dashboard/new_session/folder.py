"""Files of the server's folder: browsed, chosen, copied in on the server itself."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark, n_
from dashboard.i18n.beneath import told, told_all
from dashboard.i18n.numbers import size
from dashboard.new_session.arrivals import remember_taken
from dashboard.new_session.batch import Batch
from dashboard.new_session.transcripts import speaker_of
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from service.ingest import server_folder
from service.ingest.arrival import Details, take_from_folder
from service.ingest.server_folder import Entry
from service.settings import AppSettings

PROBLEMS = "folder_problems"
KINDS = {"recording": mark("recording"), "text": mark("table or transcript")}


def folder_files(settings: AppSettings, batch: Batch) -> None:
    """The files that a table names, or those that are chosen now; then take them in."""
    problems: list[str] = st.session_state.pop(PROBLEMS, [])
    if problems:
        ui.problems(_("Not everything could be taken in."), told_all(problems))
    wanted = dict(batch.named) if batch.every is None else chosen(settings, batch.every)
    go = n_("Take in {n} recording", "Take in {n} recordings", len(wanted))
    if st.button(go, type="primary", disabled=not wanted):
        take(settings, wanted)
        st.rerun()


def chosen(settings: AppSettings, details: Details) -> dict[str, Details]:
    """The recordings that are marked in the folder on show, each with the transcript beside it."""
    at = browse(settings)
    entries = server_folder.list_folder(settings, at)
    files = [entry for entry in entries if entry.kind != "folder"]
    if not any(entry.kind == "recording" for entry in files):
        ui.note(_("There are no recordings in this folder."))
    if not files:
        return {}
    words = {entry.relative: server_folder.beside(entries, entry) for entry in files if entry.kind == "recording"}
    marked = st.dataframe(
        _table(files, words), hide_index=True, on_select="rerun", selection_mode="multi-row", key=f"folder_{at}"
    )
    rows = [files[i] for i in marked["selection"]["rows"] if i < len(files)]
    others = [entry.name for entry in rows if entry.kind != "recording"]
    if others:
        ui.note(_("No recordings, and not taken in: {names}.").format(names=", ".join(others)))
    return {
        entry.relative: with_words(settings, details, words[entry.relative])
        for entry in rows
        if entry.kind == "recording"
    }


def browse(settings: AppSettings) -> str:
    """The folder on show, as a path below the allowed one."""
    at: str = st.session_state.get("folder_at", "")
    try:
        inner = [entry for entry in server_folder.list_folder(settings, at) if entry.kind == "folder"]
    except FerPhqError:
        if not at:
            raise
        st.session_state.folder_at = ""  # the folder on show has gone
        st.rerun()
    place = f"{settings.import_dir}{'/' if at else ''}{at}"
    ui.note(_("Folder: {place}. Mark the rows to take in.").format(place=place))
    with st.container(horizontal=True):
        if at and st.button(_("Up"), icon=":material/arrow_upward:"):
            st.session_state.folder_at = at.rpartition("/")[0]
            st.rerun()
        for entry in inner:
            if st.button(ui.md(entry.name), icon=":material/folder:", key=f"into_{entry.relative}"):
                st.session_state.folder_at = entry.relative
                st.rerun()
    return at


def with_words(settings: AppSettings, details: Details, beside: Entry | None) -> Details:
    """The details with the transcript beside the recording, its subject chosen; a bad one is said and left out."""
    if beside is None:
        return details
    try:
        read = server_folder.transcript(settings, beside.relative)
    except FerPhqError as error:
        ui.warn(_("{problem} The recording is taken in without it.").format(problem=told(str(error))))
        return details
    return replace(details, transcript=read.given(speaker_of(read, beside.relative)))


def take(settings: AppSettings, wanted: dict[str, Details]) -> None:
    """Copy each one in, saying how far it is; what cannot be taken is told together at the end."""
    problems = []
    bar = st.progress(0.0)
    for number, (relative, details) in enumerate(wanted.items()):
        words = _("Taking in {number} of {total}: {name}").format(number=number + 1, total=len(wanted), name=relative)
        bar.progress(number / len(wanted), text=ui.md(words))
        taken = take_from_folder(settings, context.store(), relative, details)
        if taken.problem:
            problems.append(taken.problem)
        remember_taken(taken, details)
    bar.empty()
    st.session_state[PROBLEMS] = problems


def _table(files: list[Entry], words: dict[str, Entry | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("File"): [entry.name for entry in files],
            _("Kind"): [_(KINDS[e.kind]) if e.kind in KINDS else _("other") for e in files],
            _("Size"): [size(entry.size) for entry in files],
            _("Date"): [ui.day_and_time(entry.modified) for entry in files],
            _("Transcript"): [beside.name if (beside := words.get(entry.relative)) else "" for entry in files],
        }
    )
