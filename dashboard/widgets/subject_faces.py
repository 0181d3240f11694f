"""Who is the subject? Small pictures of everybody in view, to be ticked; the analysis then follows without decoding."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from html import escape

import streamlit as st

from dashboard import context
from dashboard.charts import clock
from dashboard.i18n import _, n_, render
from dashboard.widgets import permission, ui
from db.records import AnalysisSummary, NotFoundError
from fer_phq.core.errors import FerPhqError
from service.models.face_choice import choose_in_child
from service.views.people import FaceTrack, Person, load_persons, needs_choice

LISTED = 8
"""The most persons that are listed before all are asked for; the subject is always among them."""
PICTURED = 4
"""The most pictures beside a person's name."""


def subject_expander(summary: AnalysisSummary, title: str | None = None) -> None:
    """Draw the choice of the subject's faces in an expander, which is open where the analysis warns of others in view.

    Nothing is drawn where only one person was in view. Of an analysis that holds only the subject's faces, it is said
    how to come to a choice.

    Args:
        summary: The analysis.
        title: The expander's title; None for the question alone.
    """
    if not permission.may_change():
        return
    is_open = needs_choice(summary)
    try:
        persons = load_persons(context.store(), summary.id)
    except NotFoundError:  # erased meanwhile
        return
    if not persons and not is_open:
        return
    if len(persons) == 1 and len(persons[0].tracks) == 1:
        return
    with st.expander(title or _("Who is the subject?"), expanded=is_open, key=f"subject_{summary.id}"):
        if persons:
            choose(summary, persons)
        else:
            ui.note(
                _(
                    "An earlier version made this analysis: it holds the faces of one person only. Analyse the "
                    "recording again, then choose."
                )
            )


@st.fragment
def choose(summary: AnalysisSummary, persons: Sequence[Person]) -> None:
    """Draw the persons with their pictures, boxes to tick, and the button that analyses what is ticked.

    Args:
        summary: The analysis.
        persons: Everybody in view.
    """
    present = frozenset(track.track for person in persons for track in person.tracks if track.is_subject)
    ticked: set[int] = st.session_state.setdefault(f"ticked_{summary.id}", set(present))
    ui.note(_("Tick the pictures of the person whom this session is about, and no others."))
    all_listed = len(persons) <= LISTED or st.toggle(
        n_("Show {n} more who is seen less", "Show {n} more who are seen less", len(persons) - LISTED),
        key=f"everybody_{summary.id}",
    )
    for rank, person in enumerate(persons, 1):
        if all_listed or rank <= LISTED or person.is_subject or ticked & person.track_ids:
            person_row(summary.id, person, ticked)
    is_new = bool(ticked) and ticked != present
    if st.button(_("Use these faces"), type="primary", disabled=not is_new, key=f"use_{summary.id}"):
        apply(summary, ticked)


def apply(summary: AnalysisSummary, ticked: Collection[int]) -> None:
    """Analyse the ticked faces as the subject's and show the result, or say why that cannot be.

    Args:
        summary: The analysis from which they were chosen.
        ticked: Ids of their tracks.
    """
    try:
        with st.spinner(_("The faces are analysed; this takes some seconds.")):
            choose_in_child(context.settings(), context.store(), summary.id, sorted(ticked))
    except FerPhqError as error:
        st.html(f'<p class="fp-danger" role="alert">{ui.text(render(error.message))}</p>')
        return
    st.session_state.pop(f"ticked_{summary.id}", None)
    st.rerun()


def person_row(analysis_id: str, person: Person, ticked: set[int]) -> None:
    """Draw a person's pictures, the box to tick, and the single tracks where there are several.

    Args:
        analysis_id: The analysis's UUID.
        person: The person.
        ticked: Ids of the ticked tracks; the boxes change it.
    """
    name = _("Person {number}").format(number=person.number)
    label = _("{name} · seen {seen} min, from {first} to {last}").format(
        name=name, seen=clock(person.seen_s), first=clock(person.first_s), last=clock(person.last_s)
    )
    ids = person.track_ids
    part = len(ticked & ids)
    if 0 < part < len(ids):
        label = _("{label} ({part} of {whole} stretches)").format(label=label, part=part, whole=len(ids))
    foremost = sorted(person.tracks, key=lambda track: (track.picture is None, -track.seen_s))[:PICTURED]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=len(ids) > 1):
        st.html(pictures_html(foremost, name), width="content")
        _tick_box(label, f"person_{analysis_id}_{person.number}", ids, ticked, shares_line=len(ids) > 1)
        if len(ids) > 1:
            with st.popover(
                n_("{n} stretch", "{n} stretches", len(ids)), help=_("Look at each and take out what is somebody else.")
            ):
                ui.note(_("The program takes these stretches for one person. Untick what is somebody else."))
                for track in person.tracks:
                    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                        st.html(pictures_html([track], name), width="content")
                        span = _("{first} to {last}").format(first=clock(track.first_s), last=clock(track.last_s))
                        _tick_box(span, f"track_{analysis_id}_{track.track}", {track.track}, ticked, shares_line=True)


def _tick_box(label: str, key: str, ids: Collection[int], ticked: set[int], *, shares_line: bool) -> None:
    """Draw a box that ticks or unticks tracks; it is ticked where any of them is.

    Without another widget beside it, it has the rest of the line, in which a long label wraps.
    """

    def change() -> None:
        if st.session_state[key]:
            ticked.update(ids)
        else:
            ticked.difference_update(ids)

    st.session_state[key] = bool(ticked & set(ids))
    st.checkbox(label, key=key, on_change=change, wrap=True, width="content" if shares_line else "stretch")


def pictures_html(tracks: Sequence[FaceTrack], name: str) -> str:
    """Write the pictures of tracks, or an empty tile where there is none, with what they show in words.

    Args:
        tracks: Face tracks of one person.
        name: What the person is called.
    """
    tiles = []
    for track in tracks:
        words = escape(_("Face of {name} at {time}").format(name=name, time=clock(track.first_s)), quote=True)
        if track.picture is None:
            gone = escape(_("No picture: {face}").format(face=words), quote=True)
            tiles.append(f'<span class="none" role="img" aria-label="{gone}">?</span>')
        else:
            data = base64.b64encode(track.picture).decode()
            tiles.append(f'<img src="data:image/jpeg;base64,{data}" alt="{words}">')
    return f'<div class="fp-faces">{"".join(tiles)}</div>'


def hand_choice_words(moment: str) -> str:
    """Say that a person chose the subject's faces, and when.

    Args:
        moment: When, as it is shown.
    """
    return _("The subject's faces were chosen by hand on {moment}.").format(moment=moment)
