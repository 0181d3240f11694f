"""The recordings themselves: dropped files, files of the server's folder, the camera."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import context
from dashboard.components.upload import Grants, Uploaded, camera, plain_name, uploader
from dashboard.i18n import _, n_
from dashboard.new_session.arrivals import arrivals, remember_upload
from dashboard.new_session.batch import Batch, Place, begin_anew
from dashboard.new_session.folder import folder_files
from dashboard.new_session.transcripts import transcripts_for
from dashboard.widgets import ui
from service.ingest.arrival import Details, grant
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

UPLOAD_URL = "/api/uploads"
GRANTS = "new_session_grants"


def recordings_card(settings: AppSettings, batch: Batch) -> None:
    """What was entered in a line, and the way for the recordings."""
    with ui.card("files", _("2. Recordings")):
        words, again = st.columns([0.8, 0.2], vertical_alignment="center")
        words.markdown(summary(batch))
        if again.button(_("Change"), width="stretch"):
            st.session_state.pop(GRANTS, None)
            begin_anew()
        if batch.place is Place.FOLDER:
            folder_files(settings, batch)
        elif batch.place is Place.CAMERA and batch.every is not None:
            made = camera(settings, granted(settings, batch)[""], url=UPLOAD_URL, key="camera")
            note_uploads(batch, made)
        else:
            note_uploads(batch, dropped(settings, batch))


def dropped(settings: AppSettings, batch: Batch) -> list[Uploaded]:
    """The drop zone, with transcripts where one form stands for all files."""
    grants = granted(settings, batch)
    if batch.every is not None:
        stems = transcripts_for(settings, grants[""])
        arrived = uploader(settings, Grants(grants[""], stems=stems), url=UPLOAD_URL, key="upload")
    else:
        named = {plain_name(name): one for name, one in grants.items()}
        arrived = uploader(settings, Grants(None, named=named), url=UPLOAD_URL, key="upload")
        still_to_come(batch, arrived)
    return arrived


def granted(settings: AppSettings, batch: Batch) -> dict[str, UploadGrant]:
    """The leave to upload, by the file's name, '' for any; made once, so that subjects and tokens stay the same."""
    known: tuple[Batch, dict[str, UploadGrant]] | None = st.session_state.get(GRANTS)
    if known is None or known[0] is not batch:
        now = datetime.now(UTC)
        wanted = {"": batch.every} if batch.every else batch.named
        made = {name: grant(settings, context.store(), details, now) for name, details in wanted.items() if details}
        known = (batch, made)
        st.session_state[GRANTS] = known
    return known[1]


def note_uploads(batch: Batch, arrived: list[Uploaded]) -> None:
    """Remember what has newly arrived under the details that are true of it."""
    named = {plain_name(name): details for name, details in batch.named.items()}
    for item in arrived:
        details = batch.every or named.get(plain_name(item.name))
        if details is not None and item.session_id not in arrivals():
            remember_upload(item, details)


def still_to_come(batch: Batch, arrived: list[Uploaded]) -> None:
    """Which files the table names that have not arrived."""
    here = {plain_name(item.name) for item in arrived}
    missing = [name for name in batch.named if plain_name(name) not in here]
    if missing:
        shown = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        words = _("Still to come, of {total} files that the table names: {names}")
        ui.note(words.format(total=len(batch.named), names=shown))
    else:
        ui.note(_("Every file that the table names has arrived."))


def summary(batch: Batch) -> str:
    """What was entered, in one line of Markdown."""
    details = batch.every
    if details is None:
        return _("A table names **{recordings}** of {subjects}.").format(
            recordings=n_("{n} recording", "{n} recordings", len(batch.named)),
            subjects=n_("{n} subject", "{n} subjects", len(batch.subjects)),
        )
    words = _("Subject **{label}**, {when}. Consent recorded by {by}.")
    if details.retain_until:
        words = _("Subject **{label}**, {when}, kept until {until}. Consent recorded by {by}.")
    return words.format(
        label=ui.md(details.subject),
        when=_dated(batch.place, details),
        until=ui.day(details.retain_until) if details.retain_until else "",
        by=ui.md(details.consent_by),
    )


def _dated(place: Place, details: Details) -> str:
    if details.recorded_at is not None:
        return ui.day_and_time(details.recorded_at)
    return _("recorded now") if place is Place.CAMERA else _("each file's own date")
