"""A session's recording with faces covered and voices changed, to take away."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import context, loaders, viewer
from dashboard.i18n import _, mark, render
from dashboard.widgets import permission, ui
from db.records import SessionRecord
from fer_phq.core.errors import FerPhqError
from fer_phq.masking import messages as masking_messages
from fer_phq.masking.options import MaskOptions, PictureMask, VoiceMasking
from service.access.control import acting_as
from service.jobs import masking
from service.lifecycle.consent import ConsentError
from service.lifecycle.masking import check_handing_on
from service.models.task import Task, TaskState

LIVE_SECONDS = 2.0
PICTURES = {
    PictureMask.FACES: mark("Faces covered"),
    PictureMask.PIXELATED: mark("Whole picture in large cells"),
    PictureMask.NONE: mark("No picture"),
}
VOICES = {
    VoiceMasking.MASKED: mark("Voices changed"),
    VoiceMasking.NOISE: mark("Noise as loud as the voices"),
    VoiceMasking.SILENT: mark("No sound"),
}


def masked_export(session: SessionRecord) -> None:
    """Draw the export of a session's masked recording, for who may change the session and sees its recording.

    Args:
        session: The session.
    """
    if loaders.media_path(session) is None or not permission.may_change():
        return
    with st.popover(_("Masked recording"), icon=":material/visibility_off:"):
        task = masking.status(context.settings())
        is_running = task is not None and task.state is TaskState.RUNNING
        if task is not None and is_running and task.name == session.id:
            progress()
            return
        ui.note(render(masking_messages.LIMITS()))
        try:
            check_handing_on(context.store(), session.id)
        except ConsentError as error:
            ui.warn(render(error.message))
            return
        if task is not None and task.name == session.id:
            outcome(task, session)
        if is_running:
            ui.note(_("Another recording is being masked: wait for its end."))
        else:
            form(session)


def form(session: SessionRecord) -> None:
    """Draw what is left of picture and sound, and the button.

    Args:
        session: The session.
    """
    picture = st.selectbox(_("Picture"), list(PICTURES), format_func=lambda mask: _(PICTURES[mask]), key="mask_picture")
    voice = st.selectbox(_("Sound"), list(VOICES), format_func=lambda mask: _(VOICES[mask]), key="mask_voice")
    if st.button(_("Mask the recording"), key="mask_start"):
        try:
            masking.start(context.settings(), context.store(), session, MaskOptions(picture, voice))
        except FerPhqError as error:
            ui.warn(render(error.message))
        else:
            st.rerun()


def progress() -> None:
    """Draw how far the masking is, and a button to stop it; drawn anew while it runs."""

    def draw() -> None:
        task = masking.status(context.settings())
        if task is None or task.state is not TaskState.RUNNING:
            st.rerun()
        st.progress(masking.share(task), text=_("Masking faces and voices …"))
        ui.note(_("It goes on when this page is closed."))
        if st.button(_("Cancel"), key="mask_cancel"):
            masking.cancel(context.settings())
            st.rerun()

    st.fragment(draw, run_every=LIVE_SECONDS, key="masking_live")()


def outcome(task: Task, session: SessionRecord) -> None:
    """Draw how the last masking of a session ended, and its file to take away.

    Args:
        task: The masking.
        session: The session.
    """
    path = masking.result(context.settings(), session.id)
    if path is not None and path.stat().st_size > masking.MOST_BYTES:
        ui.warn(
            _("The masked recording is too large to be handed out by a page: use the command fer-phq sessions mask.")
        )
    elif path is not None:
        for sentence in masking.report(path):
            if sentence.code != masking_messages.LIMITS.code:  # which stands above
                ui.note(render(sentence))
        download(path, session)
    elif task.state is TaskState.FAILED and task.error is not None:
        ui.warn(render(task.error))


def download(path: Path, session: SessionRecord) -> None:
    """Draw the button that hands the file out; each time is an entry of the audit.

    Args:
        path: The masked recording.
        session: The session.
    """
    actor = viewer.actor(context.control())  # asked for now: the file is read after the page has run

    def content() -> bytes:
        with acting_as(actor):
            context.store().sessions.note_export(session_id=session.id, detail="masked")
            return path.read_bytes()

    st.download_button(
        _("Download the masked recording"),
        data=content,
        file_name=f"session-{session.id[:8]}-masked.mp4",
        mime="video/mp4",
        icon=":material/download:",
        on_click="ignore",
        key="mask_download",
    )
