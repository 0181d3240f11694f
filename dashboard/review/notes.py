"""Notes and tags: written beside the chosen moment, listed, changed and removed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import context
from dashboard.charts import clock
from dashboard.i18n import _, mark
from dashboard.review.state import go_to
from dashboard.widgets import permission, ui
from db.records import NoteRecord, SessionDetail
from fer_phq.core.errors import StoreError
from service.lifecycle.person.words import change_note, remove_note

WHOLE = mark("Whole session")


def write_note(session_id: str, time_s: float, notes: Sequence[NoteRecord]) -> None:
    """Draw a form for a note at the chosen moment, behind a button.

    Args:
        session_id: The session's UUID.
        time_s: The chosen moment in seconds.
        notes: The session's notes, whose tags can be chosen.
    """
    if not permission.may_change():
        return
    title = _("Write a note at {time}").format(time=clock(time_s))
    with (
        st.popover(title, icon=":material/edit_note:", key=f"note_box_{session_id}"),
        st.form(f"note_{session_id}", clear_on_submit=True, border=False),
    ):
        words = st.text_area(_("Note"), key=f"note_words_{session_id}", height=110, max_chars=4000)
        tag = _tag_box(notes, None, key=f"note_tag_{session_id}")
        whole = st.checkbox(_("Of the whole session, not of this moment"), key=f"note_whole_{session_id}")
        if not st.form_submit_button(_("Keep note"), type="primary"):
            return
        try:
            context.store().notes.add(
                session_id=session_id, words=words, tag=tag, time_s=None if whole else max(time_s, 0.0)
            )
        except StoreError as error:
            ui.problem(error)
            return
        st.rerun()


def note_list(detail: SessionDetail, notes: Sequence[NoteRecord]) -> None:
    """Draw every note of the session; one at a time can be changed.

    Args:
        detail: The session.
        notes: Its notes, in the order in which they are drawn.
    """
    if not notes:
        ui.empty(_("No notes yet"), _("Choose a moment and write a note at it; its mark then stands on the timeline."))
        return
    for note in notes:
        if st.session_state.get(f"editing_{detail.session.id}") == note.id:
            change_form(detail.session.id, note, notes)
        else:
            show_note(detail.session.id, note)


def show_note(session_id: str, note: NoteRecord) -> None:
    """Draw a note with the links to its moment and to its form.

    Args:
        session_id: The session's UUID.
        note: The note.
    """
    when, words, change = st.columns([0.18, 0.66, 0.16], vertical_alignment="top")
    if note.time_s is None:
        when.html(f'<p class="fp-note">{escape(_(WHOLE))}</p>')
    else:
        when.button(
            clock(note.time_s), key=f"note_go_{note.id}", type="tertiary", icon=":material/play_circle:",
            on_click=go_to, args=(session_id, note.time_s), help=_("Go to this moment"),
        )  # fmt: skip
    tag = ui.badge(note.tag) if note.tag else ""
    words.html(
        f'<p class="fp-note-words">{tag}{" " if tag else ""}{escape(note.words)}</p>'
        f'<p class="fp-note">{ui.day_and_time(note.updated_at)}</p>'
    )
    if permission.may_change():
        key = f"note_edit_{note.id}"
        change.button(_("Change"), key=key, type="tertiary", on_click=_edit, args=(session_id, note.id))


def change_form(session_id: str, note: NoteRecord, notes: Sequence[NoteRecord]) -> None:
    """Draw a form that changes a note's words and tag, or removes the note.

    Args:
        session_id: The session's UUID.
        note: The note.
        notes: The session's notes, whose tags can be chosen.
    """
    with st.form(f"change_{note.id}"):
        if note.time_s is None:
            ui.note(_("The note of the whole session."))
        else:
            ui.note(_("The note at {time}.").format(time=clock(note.time_s)))
        words = st.text_area(_("Note"), note.words, key=f"change_words_{note.id}", height=110, max_chars=4000)
        tag = _tag_box(notes, note.tag, key=f"change_tag_{note.id}")
        with st.container(horizontal=True):
            save = st.form_submit_button(_("Save changes"), type="primary")
            remove = st.form_submit_button(_("Remove note"), icon=":material/delete:")
            cancel = st.form_submit_button(_("Cancel"), type="tertiary")
    try:
        if save:
            change_note(context.settings(), context.store(), note.id, words, tag)
        elif remove:
            remove_note(context.settings(), context.store(), note.id)
        elif not cancel:
            return
    except StoreError as error:
        ui.problem(error)
        return
    _edit(session_id, None)
    st.rerun()


def _tag_box(notes: Sequence[NoteRecord], tag: str | None, *, key: str) -> str | None:
    """Draw a choice of a tag that was used already, or a new one."""
    tags = list(dict.fromkeys([*context.store().notes.list_tags(), *(note.tag for note in notes if note.tag)]))
    options = [*tags, *([tag] if tag and tag not in tags else [])]
    return st.selectbox(
        _("Tag"), options, index=options.index(tag) if tag else None, key=key, accept_new_options=True,
        placeholder=_("None; choose or type one"),
    )  # fmt: skip


def _edit(session_id: str, note_id: str | None) -> None:
    st.session_state[f"editing_{session_id}"] = note_id
