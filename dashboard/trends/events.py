"""Events of a person's life on the Trends page: what happened and when, drawn into every chart over dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

import streamlit as st

from dashboard import context
from dashboard.i18n import _
from dashboard.widgets import permission, ui
from db.records import EventRecord
from fer_phq.core.errors import StoreError
from service.lifecycle.person.words import remove_event


def events_card(subject_id: str, events: Sequence[EventRecord]) -> None:
    """Draw the events with their numbers, and a form for another one.

    Args:
        subject_id: The subject's UUID.
        events: The subject's events, oldest first.
    """
    with ui.card("events", _("Treatment and events"), anchor=True):
        if not events:
            ui.note(_("Nothing noted yet. What is noted here is drawn as a vertical line into the charts above."))
        for number, event in enumerate(events, 1):
            row(number, event)
        if not permission.may_change():
            return
        with st.form(f"event_{subject_id}", clear_on_submit=True, border=False, enter_to_submit=True):
            when, text_column, send = st.columns([0.22, 0.6, 0.18], vertical_alignment="bottom")
            day = when.date_input(_("Date"), "today", key="event_day")
            words = text_column.text_input(
                _("What happened"), max_chars=200, placeholder=_("Medication begun, therapy ended …")
            )
            if send.form_submit_button(_("Add event"), width="stretch"):
                add(subject_id, day, words)


def row(number: int, event: EventRecord) -> None:
    """Draw an event with the button that removes it.

    Args:
        number: Its mark in the charts.
        event: The event.
    """
    text_column, button_column = st.columns([0.9, 0.1], vertical_alignment="center")
    text_column.html(
        f'<div class="fp-event"><b>{number}</b><span class="muted">{ui.day(event.at)}</span>'
        f"<span>{ui.text(event.words)}</span></div>"
    )
    if permission.may_change():
        button_column.button(
            _("Remove"), key=f"remove_{event.id}", type="tertiary", help=_("Remove this event"),
            icon=":material/close:", on_click=remove, args=(event.id,),
        )  # fmt: skip


def add(subject_id: str, day: object, words: str) -> None:
    """Store an event at noon of its day, on the viewer's clock: no zone moves it to another day.

    Args:
        subject_id: The subject's UUID.
        day: The date.
        words: What happened.
    """
    if not words.strip():
        st.error(_("Say in a few words what happened."))
        return
    assert not isinstance(day, tuple)
    instant = datetime.combine(day, time(12), ui.zone()).astimezone(UTC)  # type: ignore[arg-type]
    try:
        context.store().events.add(subject_id=subject_id, at=instant, words=words)
    except StoreError as error:
        ui.problem(error)
        return
    st.rerun()


def remove(event_id: str) -> None:
    """Take an event away; one that somebody else removed meanwhile is gone as well."""
    try:
        remove_event(context.settings(), context.store(), event_id)
    except StoreError:
        return
