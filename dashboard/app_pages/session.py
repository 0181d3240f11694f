"""Session: one recording with its timeline, the frame at a chosen moment, and what leads to moments."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import context, loaders
from dashboard.charts import clock
from dashboard.i18n import _, render
from dashboard.review import behaviour, choose, episodes, link, moment, notes, pair, timeline, transcript
from dashboard.review.admin import admin_card
from dashboard.review.estimates import estimates
from dashboard.review.state import current_time
from dashboard.widgets import permission, ui
from dashboard.widgets.selection import show_session
from dashboard.widgets.sound import sound_expander
from dashboard.widgets.subject_faces import hand_choice_words, subject_expander
from dashboard.widgets.subject_voice import voice_expander
from dashboard.widgets.turns import turns_card
from db.records import SessionDetail, SessionSummary
from service.jobs import queue
from service.views.people import other_warnings
from service.views.session import SessionView


@st.fragment
def review(detail: SessionDetail, selection: choose.AnalysisChoice) -> None:
    """Draw player, moment, timeline and lists; what depends on the chosen moment is redrawn together.

    Args:
        detail: The session.
        selection: Its chosen analysis, and the one to compare with.
    """
    view = load(detail, selection)
    analysis = view.analysis
    session_id = view.session.id
    if not len(analysis.frames):
        moment.show_player(detail)
        ui.warn(_("The recording has no frames at this sampling; nothing can be drawn."))
        estimates(view)
        return
    frame = analysis.frame_at(current_time(session_id, analysis))
    left, right = st.columns([0.46, 0.54], gap="medium")
    with left:
        moment.show_player(detail, timeline.timeline_key(analysis.summary))
        moment.slider(session_id, analysis.frames, frame)
        with st.container(horizontal=True):
            notes.write_note(session_id, frame.time_s, view.notes)
            link.moment_link(session_id, frame.time_s)
    with right, ui.card("moment", _("At {time}").format(time=clock(frame.time_s)), stretch=True):
        moment.show_frame(view, frame)
    with ui.card("timeline"):
        timeline.timeline(view, frame)
    if view.compared is not None:
        estimates(view)
    lists, whole = st.columns([0.6, 0.4], gap="medium")
    with lists, ui.card("lists", stretch=True):
        count = len(analysis.episodes)
        names = [
            _("Episodes ({n})").format(n=count),
            _("Facial behaviour"),
            _("Notes ({n})").format(n=len(view.notes)),
            _("Transcript"),
        ]
        parts = st.tabs(names)
        with parts[0]:
            episodes.episode_list(view, frame.time_s)
        with parts[1]:
            behaviour.behaviour_list(view, frame.time_s)
        with parts[2]:
            notes.note_list(detail, view.notes)
        with parts[3]:
            transcript.transcript_part(view, frame.time_s)
    with whole:
        if view.compared is None:
            estimates(view)
        with ui.card("distribution", _("Over the whole session")):
            moment.distribution(analysis)
    turns_card(view.analysis.speaking)
    behaviour.measures_card(view)


def load(detail: SessionDetail, selection: choose.AnalysisChoice) -> SessionView:
    """Load the view of the analysis under review.

    Args:
        detail: The session.
        selection: Its chosen analysis, and the one to compare with.
    """
    compared = selection.compared
    return loaders.session(detail, selection.summary.id, None if compared is None else compared.id)


def unanalysed(detail: SessionDetail) -> None:
    """Draw what a session shows while it has no analysis."""
    moment.show_player(detail)
    if detail.job is None:
        with ui.card("unanalysed"):
            ui.empty(
                _("Not analysed yet"),
                _("This recording has not been analysed. Queue it, and a worker will take it up."),
            )
            if permission.may_change() and st.button(_("Analyse"), type="primary"):
                queue.enqueue_analysis(context.settings(), context.store(), detail.session.id)
                st.rerun()


def page() -> None:
    """Load the session, then draw it."""
    session_id = choose.choose_session()
    if session_id is None:
        ui.heading(_("Session"))
        with ui.card("none"):
            ui.empty(_("No sessions yet"), _("A session appears here as soon as a recording was uploaded."))
        if permission.may_change():
            st.page_link(ui.NEW_SESSION, label=_("Upload a recording"))
        return
    detail = context.store().sessions.get_detail(session_id=session_id)
    show_session(detail.session)
    choose.header(detail)
    if detail.session.retain_until is not None and detail.session.retain_until < datetime.now(UTC):
        words = _("This recording should have been erased by {day}.")
        ui.warn(words.format(day=ui.day(detail.session.retain_until)))
    choose.job_state(detail)
    selection = choose.choose_analysis(detail)
    if selection is None:
        unanalysed(detail)
        admin_card(detail, None)
        return
    with ui.card("result"):
        ui.result(SessionSummary(detail.session, detail.subject.label, selection.summary, detail.job))
    if selection.summary.faces_choice_at is not None:
        ui.note(hand_choice_words(ui.day_and_time(selection.summary.faces_choice_at)))
    for warning in other_warnings(selection.summary):
        ui.warn(render(warning))
    subject_expander(selection.summary)
    voice_expander(selection.summary, detail.session)
    sound_expander(selection.summary, detail.session)
    link.open_moment(detail.session.id, detail.session.duration_s)
    review(detail, selection)
    pair.pair_card(detail, selection.summary)
    admin_card(detail, load(detail, selection))


page()
