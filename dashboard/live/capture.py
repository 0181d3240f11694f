"""The camera of the page Live, and the form without which nothing of it is kept."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.components.live import Capture, live_camera
from dashboard.components.upload import UploadedRecording
from dashboard.i18n import _
from dashboard.new_session.arrivals import arrivals, remember_upload
from dashboard.new_session.batch import Batch, Origin, drop_batch, forget_batch, load_batch
from dashboard.new_session.details import details_form
from dashboard.new_session.recordings import UPLOAD_URL, summary, upload_grants
from dashboard.widgets import permission, ui
from db.records import NotFoundError
from service.ingest.session_details import SessionDetails
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

BATCH = "live_batch"
GONE = "live_subject_gone"
"""Key of the label of a subject who was erased while something might have been kept."""
STALE_PICTURE = "live_stale_picture"
"""Key under which it stands that the browser kept a picture of such a subject."""


def load_capture(settings: AppSettings) -> Batch | None:
    """Return for whom and with which consent something may be kept.

    None before the form is filled in, and once its subject is gone.

    Args:
        settings: The installation.
    """
    batch = load_batch(BATCH)
    if batch is None or batch.details is None:
        return None
    if _is_there(upload_grants(settings, batch, BATCH)[""]):
        return batch
    forget_batch(BATCH)
    st.session_state[GONE] = batch.details.subject
    return None


def _is_there(grant: UploadGrant) -> bool:
    """Return whether the subject is still there: it may have been erased from another page since."""
    try:
        context.store().subjects.get(subject_id=grant.subject_id)
    except NotFoundError:
        return False
    return True


def live_card(settings: AppSettings, batch: Batch | None) -> None:
    """Draw the camera with what is measured.

    Args:
        settings: The installation.
        batch: For whom something may be kept, of `load_capture`; None for nobody.
    """
    capture = None
    if batch is not None and batch.details is not None:
        grant = upload_grants(settings, batch, BATCH)[""]
        capture = Capture(grant, batch.details.subject, batch.details.consent_by)
    with ui.card("live"):
        uploads = live_camera(
            settings, capture, url=UPLOAD_URL, key="live", on_picture=lambda: note_picture(settings, capture)
        )
    for upload in uploads:
        if upload.session_id not in arrivals():
            remember_upload(upload, SessionDetails(_subject_of(upload), None, consent_by="", retain_until=None))


def note_picture(settings: AppSettings, capture: Capture | None) -> None:
    """Note in the audit that the browser kept a picture; nothing where none may be kept, whatever the browser says.

    Args:
        settings: The installation.
        capture: What might be kept when the page was drawn.
    """
    if capture is None or not permission.may_change():
        return
    if load_capture(settings) is None:
        st.session_state[STALE_PICTURE] = True
        return
    context.store().audit.add(
        action="export",
        object_kind="subject",
        object_id=capture.grant.subject_id,
        detail="a live picture, to the browser",
    )


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
        batch = load_capture(settings)
        if batch is None:
            _gone_note()
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
        st.session_state.pop(GONE, None)
        st.session_state.pop(STALE_PICTURE, None)
        left, right = st.columns([0.8, 0.2], vertical_alignment="center")
        left.markdown(summary(batch))
        if right.button(_("Change"), width="stretch"):
            drop_batch(BATCH)
        ui.note(_("The buttons below the camera's picture keep a picture or a recording."))


def _gone_note() -> None:
    """Say that the subject for whom something might be kept is gone."""
    label = st.session_state.get(GONE)
    if label is None:
        return
    text = _("The subject {label} is not there any more; enter again for whom something may be kept.")
    if st.session_state.get(STALE_PICTURE):
        text = _(
            "The subject {label} is not there any more, and nothing may be kept for them: delete the picture that the "
            "browser has just put among its downloads."
        )
    ui.warn(text.format(label=label))
