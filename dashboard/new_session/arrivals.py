"""Recordings that arrived on this page: their own dates, their duplicates and the progress of their analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import context
from dashboard.components.upload import UploadedRecording
from dashboard.i18n import _
from dashboard.widgets import ui
from dashboard.widgets.jobs import analysed_session, live_jobs, worker_warning
from dashboard.widgets.sound import sound_expander
from dashboard.widgets.subject_faces import subject_expander
from dashboard.widgets.subject_voice import voice_expander
from db.records import NotFoundError
from fer_phq.core.analysis import AUTOMATIC
from service.ingest.session_details import FolderImport, SessionDetails
from service.jobs.sound import choice_of, says_choice
from service.views.people import needs_choice
from service.views.speech.samples import asks_for_voice

ARRIVED = "arrived"
"""The key of the arrivals, and the part of the page's address that names their sessions."""

MOST_IN_ADDRESS = 50
"""The newest arrivals that a reload brings back: addresses of more than some thousand characters are cut off."""


@dataclass(frozen=True)
class Arrival:
    """A recording that arrived.

    Attributes:
        session_id: Its session.
        label: The subject and the file's name, as the page shows them.
        duplicate: Whether the recording was there before.
    """

    session_id: str
    label: str
    duplicate: bool


def arrivals() -> dict[str, Arrival]:
    """Return everything that arrived since the page was opened, by session. A reload brings it back."""
    if ARRIVED not in st.session_state:
        st.session_state[ARRIVED] = _of_address()
    by_session: dict[str, Arrival] = st.session_state[ARRIVED]
    return by_session


def _of_address() -> dict[str, Arrival]:
    """Return the arrivals that the page's address names."""
    by_session = {}
    for session_id in st.query_params.get_all(ARRIVED)[:MOST_IN_ADDRESS]:
        try:
            detail = context.store().sessions.get_detail(session_id=session_id)
        except NotFoundError:  # erased meanwhile, of nobody whom the viewer may see, or no session's name at all
            continue
        by_session[session_id] = Arrival(session_id, _label(detail.subject.label, detail.session.original_name), False)
    return by_session


def remember_upload(upload: UploadedRecording, details: SessionDetails) -> None:
    """Note an upload, and set its session's date to the file's own where no date was entered.

    Args:
        upload: The recording.
        details: What was entered for it.
    """
    if upload.session_id in arrivals():
        return
    if details.recorded_at is None and upload.modified is not None and not upload.duplicate:
        context.store().sessions.set_recorded_at(session_id=upload.session_id, recorded_at=upload.modified)
    _remember(upload.session_id, details.subject, upload.name, upload.duplicate)


def remember_import(result: FolderImport, details: SessionDetails) -> None:
    """Note a file that was imported from the server's folder.

    Args:
        result: The import; one that failed is not noted.
        details: What was entered for it.
    """
    recording = result.recording
    if recording is not None and recording.session_id not in arrivals():
        _remember(recording.session_id, details.subject, result.path, recording.duplicate)


def _remember(session_id: str, subject: str, name: str, duplicate: bool) -> None:
    arrivals()[session_id] = Arrival(session_id, _label(subject, name), duplicate)


def _label(subject: str, name: str) -> str:
    return f"{subject} · {name}"


def progress_card(title: str | None = None) -> None:
    """Draw the recordings that arrived since the dashboard was opened and the progress of their analysis.

    Args:
        title: The card's title; None for that of the third step of a new session.
    """
    newest_first = list(reversed(arrivals().values()))
    if not newest_first:
        return
    st.query_params[ARRIVED] = [arrival.session_id for arrival in newest_first[:MOST_IN_ADDRESS][::-1]]
    with ui.card("progress", title or _("3. Analysis")):
        worker_warning()
        live_jobs([(arrival.session_id, arrival.label) for arrival in newest_first], key="new_jobs")
        show_duplicates(newest_first)
        offer_choices(newest_first)


def offer_choices(recordings: Sequence[Arrival]) -> None:
    """Draw whose faces, voice and sound may be chosen, of each recording that is analysed and leaves it in doubt.

    Args:
        recordings: What arrived.
    """
    for arrival in recordings:
        outcome = analysed_session(arrival.session_id)
        if outcome is None:
            continue
        detail, summary = outcome
        if summary.faces_choice_at is not None:
            words = _("{recording}: the subject's faces were chosen by hand on {moment}.")
            ui.note(words.format(recording=arrival.label, moment=ui.day_and_time(summary.faces_choice_at)))
        if needs_choice(summary) or summary.faces_choice_at is not None:
            title = _("Who is the subject in {recording}?").format(recording=ui.md(arrival.label))
            subject_expander(summary, title)
        if asks_for_voice(summary):
            title = _("Which voice is the subject's in {recording}?").format(recording=ui.md(arrival.label))
            voice_expander(summary, detail.session, title)
        if says_choice(summary) or choice_of(summary) != AUTOMATIC:
            title = _("Whose sound is heard in {recording}?").format(recording=ui.md(arrival.label))
            sound_expander(summary, detail.session, title)


def show_duplicates(recordings: Sequence[Arrival]) -> None:
    """Draw a warning for each recording that is byte for byte the same as another session's.

    Args:
        recordings: What arrived.
    """
    for arrival in recordings:
        try:
            session = context.store().sessions.get(session_id=arrival.session_id)
        except NotFoundError:  # erased meanwhile
            continue
        if arrival.duplicate:
            since = ui.day_and_time(session.created_at)
            _duplicate_warning(
                _("{name} was there already since {since}: the same recording, byte for byte, is kept once.").format(
                    name=arrival.label, since=since
                ),
                arrival.session_id,
            )
        for twin, label in context.store().sessions.list_by_recording(sha256=session.media_sha256):
            if twin.id != arrival.session_id:
                same = _("{name} is the same recording as a session of {label}. Is the subject right?")
                _duplicate_warning(same.format(name=arrival.label, label=label), twin.id)


def _duplicate_warning(text: str, session_id: str) -> None:
    left, right = st.columns([0.8, 0.2], vertical_alignment="center")
    with left:
        ui.warn(text)
    right.page_link(ui.SESSION, label=_("Open the session"), query_params={"session": session_id})
