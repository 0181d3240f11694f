"""New session: who, when, with which consent; then the recordings, from anywhere, and their analysis live."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark
from dashboard.i18n.beneath import told
from dashboard.new_session import batch
from dashboard.new_session.arrivals import progress_card
from dashboard.new_session.batch import Place
from dashboard.new_session.details import details_form
from dashboard.new_session.recordings import recordings_card
from dashboard.new_session.table import table_form
from dashboard.widgets import ui
from service.ingest import server_folder
from service.settings import AppSettings

FORM = mark("One form for all files")
TABLE = mark("A table (CSV) that names the files")


def choose(settings: AppSettings) -> None:
    """Where recordings come from, and what is true of them."""
    with ui.card("who", _("1. The person and the recording")):
        places = [str(place) for place in Place]
        place = Place(
            st.segmented_control(
                _("Recordings from"), places, default=places[0], required=True, key="place", format_func=_
            )
        )
        if place is Place.FOLDER:
            try:
                server_folder.root(settings)
            except server_folder.FolderError as error:
                ui.warn(told(str(error)))
                return
        way = FORM
        if place is not Place.CAMERA:
            way = st.segmented_control(
                _("Details by"), [FORM, TABLE], default=FORM, required=True, key="way", format_func=_
            )
        if way == TABLE:
            table_form(settings, place)
        else:
            details_form(settings, context.store().subjects.list_all(include_demo=False), place)


ui.heading(
    _("New session"), _("Recordings stay on this installation. They are analysed one after the other by its worker.")
)
entered = batch.current()
if entered is None:
    choose(context.settings())
else:
    recordings_card(context.settings(), entered)
progress_card()
