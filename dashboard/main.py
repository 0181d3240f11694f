"""The dashboard's script: which pages there are, and what surrounds every one of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st

from dashboard import context, i18n, viewer
from dashboard.i18n import _
from dashboard.widgets import permission, ui
from fer_phq.core.errors import FerPhqError

FOLDER = Path(__file__).parent
PAGES = FOLDER / "app_pages"

st.set_page_config(page_title="fer-phq", page_icon=str(FOLDER / "static" / "favicon.png"), layout="wide")
with suppress(FerPhqError):  # without a store the page below says what is wrong, in English
    i18n.choose()
ui.style()
st.logo(str(FOLDER / "static" / "logo.svg"), size="large")

page = st.navigation(
    [
        st.Page(PAGES / "home.py", title=_("Home"), default=True),
        st.Page(PAGES / "new_session.py", title=_("New session"), url_path="new_session"),
        st.Page(PAGES / "live.py", title=_("Live"), url_path="live"),
        st.Page(PAGES / "session.py", title=_("Session"), url_path="session"),
        st.Page(PAGES / "trends.py", title=_("Trends"), url_path="trends"),
        st.Page(PAGES / "cohort.py", title=_("Cohort"), url_path="cohort"),
        st.Page(PAGES / "models.py", title=_("Models"), url_path="models"),
        st.Page(PAGES / "questionnaire.py", title=_("Questionnaire"), url_path="questionnaire"),
        st.Page(PAGES / "settings.py", title=_("Settings"), url_path="settings"),
    ],
    position="top",
)
try:
    if viewer.is_logged_out(context.control()):
        # The login ended while the page was open: what follows would be drawn for nobody.
        ui.logged_out()
        st.stop()
    permission.reading_note()
    page.run()
except FerPhqError as error:
    ui.problem(error)
ui.footer()
