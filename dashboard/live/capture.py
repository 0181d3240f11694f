"""The camera of the page Live, and the form without which nothing of it is kept."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.components.live import Capture, live_camera
from dashboard.components.upload import UploadedRecording
from dashboard.i18n import _
from dashboard.new_session.arrivals import arrivals, remember_upload
from dashboard.new_session.batch import Batch, Origin, drop_batch, load_batch
from dashboard.new_session.details import details_form
from dashboard.new_session.recordings import UPLOAD_URL, summary, upload_grants
from dashboard.widgets import ui
from service.ingest.session_details import SessionDetails
from service.settings import AppSettings

BATCH = "live_batch"


def load_capture() -> Batch | None:
    """Return for whom and with which consent something may be kept; None before the form is filled in."""
    return load_batch(BATCH)


def live_card(settings: AppSettings, batch: Batch | None) -> None:
    """Draw the camera with what is measured.

    Args:
        settings: The installation.
        batch: For whom something may be kept; None for nobody.
    """
    capture = None
    if batch is not None and batch.details is not None:
        grant = upload_grants(settings, batch, BATCH)[""]
        capture = Capture(grant, batch.details.subject, batch.details.consent_by)
    subject_id = capture.grant.subject_id if capture else ""

    def note_picture() -> None:
        context.store().audit.add(
            action="export", object_kind="subject", object_id=subject_id, detail="a live picture, to the browser"
        )

    with ui.card("live"):
        uploads = live_camera(settings, capture, url=UPLOAD_URL, key="live", on_picture=note_picture)
    for upload in uploads:
        if upload.session_id not in arrivals():
            remember_upload(upload, SessionDetails(_subject_of(upload), None, consent_by="", retain_until=None))


def _subject_of(upload: UploadedRecording) -> str:
    """Return the subject's label: somebody else may have been entered while a recording was on its way."""
    store = context.store()
    session = store.sessions.get(session_id=upload.session_id)
    return store.subjects.get(subject_id=session.subject_id).label


def capture_card(settings: AppSettings) -> None:
    """Draw the form that allows to keep something, or what was entered there.

    Args:
        settings: The installation.
    """
    with ui.card("capture", _("Capture")):
        batch = load_capture()
        if batch is None:
            ui.note(
                _(
                    "A picture or a recording is kept only for a subject who has agreed. A picture goes to this "
                    "computer's downloads, where an erasure does not reach it; a recording becomes a session, as from "
                    "the page New session, and holds the camera's picture without what is drawn over it."
                )
            )
            subjects = context.store().subjects.list_all(include_demo=False)
            details_form(settings, subjects, Origin.CAMERA, proceed=_("Allow to keep"), key=BATCH)
            return
        left, right = st.columns([0.8, 0.2], vertical_alignment="center")
        left.markdown(summary(batch))
        if right.button(_("Change"), width="stretch"):
            drop_batch(BATCH)
        ui.note(_("The buttons below the camera's picture keep a picture or a recording."))
