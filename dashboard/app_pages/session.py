"""Session: one recording with its timeline, the frame at a chosen moment, and what leads to moments."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import context, loaders
from dashboard.charts import clock
from dashboard.i18n import _
from dashboard.i18n.beneath import told_all
from dashboard.review import choose, episodes, moment, notes, timeline, transcript
from dashboard.review.admin import admin_card
from dashboard.review.estimates import estimates
from dashboard.review.state import chosen_moment
from dashboard.widgets import ui
from db.records import SessionDetail
from service.jobs import queue


@st.fragment
def review(detail: SessionDetail, chosen: choose.Chosen) -> None:
    """Player, moment, timeline and lists: what follows the chosen moment is redrawn together."""
    store = context.store()
    session_id = detail.session.id
    found = chosen.found
    table = loaders.frames(found.id)
    if not len(table):
        moment.show_player(detail)
        ui.warn(_("The recording has no frames at this sampling; nothing can be drawn."))
        estimates(chosen)
        return
    now = loaders.moment_at(found.id, chosen_moment(session_id, table))
    written = store.notes.list_by_session(session_id=session_id)
    kept = store.transcripts.get(session_id=session_id)
    utterances = transcript.utterances_of(session_id, kept)
    left, right = st.columns([0.46, 0.54], gap="medium")
    with left:
        moment.show_player(detail, timeline.timeline_key(found))
        moment.slider(session_id, table, now)
        notes.write_note(session_id, now.time_s, written)
    with right, ui.card("moment", _("At {time}").format(time=clock(now.time_s)), stretch=True):
        moment.show_moment(detail, chosen, now)
    with ui.card("timeline"):
        timeline.timeline(chosen, session_id, now, written, utterances)
    if chosen.other is not None:
        estimates(chosen)
    lists, whole = st.columns([0.6, 0.4], gap="medium")
    with lists, ui.card("lists", stretch=True):
        count = len(loaders.episodes(found.id))
        names = [_("Episodes ({n})").format(n=count), _("Notes ({n})").format(n=len(written)), _("Transcript")]
        parts = st.tabs(names)
        with parts[0]:
            episodes.episode_list(found.id, session_id, now.time_s)
        with parts[1]:
            notes.note_list(detail, written)
        with parts[2]:
            transcript.transcript_part(detail, found, kept, utterances, now.time_s)
    with whole:
        if chosen.other is None:
            estimates(chosen)
        with ui.card("distribution", _("Over the whole session")):
            moment.distribution(found)


def unanalysed(detail: SessionDetail) -> None:
    """What is shown while there is no analysis."""
    moment.show_player(detail)
    if detail.job is None:
        with ui.card("unanalysed"):
            ui.empty(
                _("Not analysed yet"),
                _("This recording has not been analysed. Queue it, and a worker will take it up."),
            )
            if st.button(_("Analyse"), type="primary"):
                queue.enqueue_analysis(context.settings(), context.store(), detail.session.id)
                st.rerun()


def page() -> None:
    """Load the session, then draw it."""
    wanted = choose.choose_session()
    if wanted is None:
        ui.heading(_("Session"))
        with ui.card("none"):
            ui.empty(_("No sessions yet"), _("A session appears here as soon as a recording was uploaded."))
        st.page_link(ui.NEW_SESSION, label=_("Upload a recording"))
        return
    detail = context.store().sessions.get_detail(session_id=wanted)
    choose.header(detail)
    if detail.session.retain_until is not None and detail.session.retain_until < datetime.now(UTC):
        words = _("This recording should have been erased by {day}.")
        ui.warn(words.format(day=ui.day(detail.session.retain_until)))
    choose.job_state(detail)
    chosen = choose.choose_analysis(detail)
    if chosen is None:
        unanalysed(detail)
    else:
        for words in told_all([str(warning) for warning in chosen.found.warnings]):
            ui.warn(words)
        review(detail, chosen)
    admin_card(detail, chosen.found if chosen else None)


page()
