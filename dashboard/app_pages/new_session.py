"""Page "New session": details of the session, then its recordings and the progress of their analysis."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark, render
from dashboard.new_session.arrivals import progress_card
from dashboard.new_session.batch import Origin, load_batch
from dashboard.new_session.details import details_form
from dashboard.new_session.recordings import recordings_card
from dashboard.new_session.table import table_form
from dashboard.widgets import permission, ui
from service.ingest import server_folder
from service.settings import AppSettings

FORM = mark("One form for all files")
TABLE = mark("A table (CSV) that names the files")


def details_card(settings: AppSettings) -> None:
    """Ask where recordings come from, and for their details."""
    with ui.card("who", _("1. The person and the recording")):
        origins = [str(origin) for origin in Origin]
        origin = Origin(
            st.segmented_control(
                _("Recordings from"), origins, default=origins[0], required=True, key="place", format_func=_
            )
        )
        if origin is Origin.FOLDER:
            try:
                server_folder.import_root(settings)
            except server_folder.FolderError as error:
                ui.warn(render(error.message))
                return
        details_by = FORM
        if origin is not Origin.CAMERA:
            details_by = st.segmented_control(
                _("Details by"), [FORM, TABLE], default=FORM, required=True, key="way", format_func=_
            )
        if details_by == TABLE:
            table_form(settings, origin)
        else:
            details_form(settings, context.store().subjects.list_all(include_demo=False), origin)


ui.heading(
    _("New session"), _("Recordings stay on this installation. They are analysed one after the other by its worker.")
)
if permission.may_change():
    batch = load_batch()
    if batch is None:
        details_card(context.settings())
    else:
        recordings_card(context.settings(), batch)
    progress_card()
else:
    with ui.card("reader"):
        ui.empty(_("Your account reads only"), _("A clinician or an administrator takes recordings in."))
