"""Whose sound is heard? A choice among the recording's tracks and channels, after which it is analysed again."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _
from dashboard.widgets import permission, ui
from db.records import AnalysisSummary, SessionRecord
from fer_phq.core.analysis import AUTOMATIC, SoundChoice, SoundTrackInfo
from service.jobs import queue
from service.jobs.sound import (
    choice_of,
    enqueue_with_sound,
    find_analysis,
    list_choices,
    read_sound_tracks,
    says_choice,
)


def sound_expander(summary: AnalysisSummary, session: SessionRecord, title: str | None = None) -> None:
    """Draw the choice of the sound in an expander, which is open where the analysis says which one it chose.

    Nothing is drawn where there is nothing to choose: one track with one channel.

    Args:
        summary: The analysis.
        session: Its session.
        title: The expander's title; None for the question alone.
    """
    if not permission.may_change():
        return
    is_open = says_choice(summary)
    if session.media_path is None:
        if is_open:
            ui.note(_("The recording was removed: its sound cannot be analysed again."))
        return
    tracks = sound_tracks(session.id, session.media_path, session)
    choices = list_choices(tracks)
    if len(choices) == 1:
        return
    present = choice_of(summary)
    with st.expander(title or _("Whose sound is heard?"), expanded=is_open, key=f"sound_{summary.id}"):
        left, right = st.columns([0.7, 0.3], vertical_alignment="bottom")
        choice = left.selectbox(
            _("Sound"),
            choices,
            index=choices.index(present) if present in choices else 0,
            format_func=lambda option: choice_words(option, tracks),
            key=f"sound_choice_{summary.id}",
        )
        job = queue.session_job(context.settings(), context.store(), session.id)
        waiting = job is not None and job.active
        existing = find_analysis(context.store(), summary, choice) if choice != present else None
        if right.button(
            _("Analyse this sound") if existing is None else _("Use this sound"),
            type="primary",
            disabled=choice == present or waiting,
            key=f"sound_job_{summary.id}",
            width="stretch",
        ):
            if existing is None:
                enqueue_with_sound(context.settings(), context.store(), summary, choice)
            else:
                context.store().faces.choose(analysis_id=existing.id)
            st.rerun()
        if existing is not None:
            ui.note(_("This sound was analysed already: that analysis then stands for the session, in trends too."))
        else:
            ui.note(_("The recording is analysed again with the chosen sound; what is stored already is kept."))


@st.cache_data(show_spinner=False, max_entries=256)
def sound_tracks(session_id: str, media_path: str, _session: SessionRecord) -> tuple[SoundTrackInfo, ...]:
    """List the sound tracks of a session's recording, once.

    Args:
        session_id: The session's UUID.
        media_path: Where its recording lies.
        _session: The session.
    """
    return read_sound_tracks(context.settings(), _session)


def choice_words(choice: SoundChoice, tracks: tuple[SoundTrackInfo, ...] = ()) -> str:
    """Say which sound a choice is, in words that no other choice of a recording has.

    Args:
        choice: The choice.
        tracks: The recording's sound tracks, whose titles are named; none where they are not known.
    """
    if choice == AUTOMATIC:
        return _("As the program chooses")
    words = []
    if choice.track is not None:
        name = str(tracks[choice.track - 1]) if choice.track <= len(tracks) else str(choice.track)
        words.append(_("Track {name}").format(name=name))
    if choice.channel is not None:
        words.append(_channel_words(choice, tracks))
    return ", ".join(words)


def _channel_words(choice: SoundChoice, tracks: tuple[SoundTrackInfo, ...]) -> str:
    track = tracks[(choice.track or 1) - 1] if tracks and (choice.track or 1) <= len(tracks) else None
    if track is not None and track.channels == 2:
        return _("Left channel") if choice.channel == 1 else _("Right channel")
    return _("Channel {number}").format(number=choice.channel)
