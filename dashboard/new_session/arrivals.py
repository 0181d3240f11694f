"""What has arrived on this page: noted once, its own date given, duplicates said in words, its analysis followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import context
from dashboard.components.upload import Uploaded
from dashboard.i18n import _
from dashboard.widgets import ui
from dashboard.widgets.jobs import live_jobs, worker_warning
from db.records import NotFoundError
from service.ingest.arrival import Details, Taken

ARRIVED = "arrived"


@dataclass(frozen=True)
class Arrival:
    """A recording that arrived: its session, its words on the page, and whether it had been there before."""

    session_id: str
    label: str
    duplicate: bool


def arrivals() -> dict[str, Arrival]:
    """Everything that arrived since the page was opened, by session."""
    found: dict[str, Arrival] = st.session_state.setdefault(ARRIVED, {})
    return found


def remember_upload(item: Uploaded, details: Details) -> None:
    """Note an upload, and give it its own date where that was asked for."""
    if item.session_id in arrivals():
        return
    if details.recorded_at is None and item.modified is not None and not item.duplicate:
        context.store().sessions.set_recorded_at(session_id=item.session_id, recorded_at=item.modified)
    _remember(item.session_id, details.subject, item.name, item.duplicate)


def remember_taken(taken: Taken, details: Details) -> None:
    """Note a file that was taken from the server's folder."""
    if taken.ingested is not None and taken.ingested.session_id not in arrivals():
        _remember(taken.ingested.session_id, details.subject, taken.relative, taken.ingested.duplicate)


def _remember(session_id: str, subject: str, name: str, duplicate: bool) -> None:
    arrivals()[session_id] = Arrival(session_id, f"{subject} · {name}", duplicate)


def progress_card() -> None:
    """The recordings that arrived on this page and how far their analysis is."""
    found = list(reversed(arrivals().values()))
    if not found:
        return
    with ui.card("progress", _("3. Analysis")):
        worker_warning()
        live_jobs([(one.session_id, one.label) for one in found], key="new_jobs")
        twins(found)


def twins(found: Sequence[Arrival]) -> None:
    """What is the same recording, byte for byte, as one that was there."""
    for one in found:
        try:
            session = context.store().sessions.get(session_id=one.session_id)
        except NotFoundError:  # erased meanwhile
            continue
        if one.duplicate:
            since = ui.day_and_time(session.created_at)
            _twin(
                _("{name} was there already since {since}: the same recording, byte for byte, is kept once.").format(
                    name=one.label, since=since
                ),
                one.session_id,
            )
        for other, label in context.store().sessions.list_by_recording(sha256=session.media_sha256):
            if other.id != one.session_id:
                same = _("{name} is the same recording as a session of {label}. Is the subject right?")
                _twin(same.format(name=one.label, label=label), other.id)


def _twin(words: str, session_id: str) -> None:
    left, right = st.columns([0.8, 0.2], vertical_alignment="center")
    with left:
        ui.warn(words)
    right.page_link(ui.SESSION, label=_("Open the session"), query_params={"session": session_id})
