"""The recordings of a batch: dropped files, files of the server's folder, the camera."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import context
from dashboard.components.upload import Grants, UploadedRecording, camera, fold_name, uploader
from dashboard.i18n import _, n_
from dashboard.new_session.arrivals import arrivals, remember_upload
from dashboard.new_session.batch import BATCH, Batch, Origin, drop_batch
from dashboard.new_session.folder import folder_files
from dashboard.new_session.transcripts import transcript_grants
from dashboard.widgets import ui
from service.ingest.session_details import SessionDetails, create_upload_grant
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

UPLOAD_URL = "/api/uploads"


def recordings_card(settings: AppSettings, batch: Batch) -> None:
    """Draw what was entered, in a line, and the way in for the recordings.

    Args:
        settings: The installation.
        batch: What was entered.
    """
    with ui.card("files", _("2. Recordings")):
        left, right = st.columns([0.8, 0.2], vertical_alignment="center")
        left.markdown(summary(batch))
        if right.button(_("Change"), width="stretch"):
            drop_batch()
        if batch.origin is Origin.FOLDER:
            folder_files(settings, batch)
        elif batch.origin is Origin.CAMERA and batch.details is not None:
            uploads = camera(settings, upload_grants(settings, batch)[""], url=UPLOAD_URL, key="camera")
            remember_uploads(batch, uploads)
        else:
            remember_uploads(batch, drop_zone(settings, batch))


def drop_zone(settings: AppSettings, batch: Batch) -> list[UploadedRecording]:
    """Draw the drop zone, with transcripts where one form stands for all files. Returns what was uploaded.

    Args:
        settings: The installation.
        batch: What was entered.
    """
    grants = upload_grants(settings, batch)
    if batch.details is not None:
        by_stem = transcript_grants(settings, grants[""])
        return uploader(settings, Grants(grants[""], by_stem=by_stem), url=UPLOAD_URL, key="upload")
    by_name = {fold_name(name): grant for name, grant in grants.items()}
    uploads = uploader(settings, Grants(None, by_name=by_name), url=UPLOAD_URL, key="upload")
    show_missing_files(batch, uploads)
    return uploads


def upload_grants(settings: AppSettings, batch: Batch, key: str = BATCH) -> dict[str, UploadGrant]:
    """Return the grants by file name, '' for any file. Created once a batch, so that subjects and tokens stay.

    Args:
        settings: The installation.
        batch: What was entered.
        key: Names the page.
    """
    cached: tuple[Batch, dict[str, UploadGrant]] | None = st.session_state.get(f"{key}_grants")
    if cached is None or cached[0] is not batch:
        now = datetime.now(UTC)
        by_name = {"": batch.details} if batch.details else batch.by_file
        grants = {
            name: create_upload_grant(settings, context.store(), details, now) for name, details in by_name.items()
        }
        cached = (batch, grants)
        st.session_state[f"{key}_grants"] = cached
    return cached[1]


def remember_uploads(batch: Batch, uploads: list[UploadedRecording]) -> None:
    """Note new uploads with the details that were entered for them.

    Args:
        batch: What was entered.
        uploads: Everything that was uploaded.
    """
    by_name = {fold_name(name): details for name, details in batch.by_file.items()}
    for upload in uploads:
        details = batch.details or by_name.get(fold_name(upload.name))
        if details is not None and upload.session_id not in arrivals():
            remember_upload(upload, details)


def show_missing_files(batch: Batch, uploads: list[UploadedRecording]) -> None:
    """Draw which files the table names that were not uploaded.

    Args:
        batch: What the table says.
        uploads: Everything that was uploaded.
    """
    uploaded = {fold_name(upload.name) for upload in uploads}
    missing = [name for name in batch.by_file if fold_name(name) not in uploaded]
    if missing:
        names = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        text = _("Still to come, of {total} files that the table names: {names}")
        ui.note(text.format(total=len(batch.by_file), names=names))
    else:
        ui.note(_("Every file that the table names has arrived."))


def summary(batch: Batch) -> str:
    """Return what was entered as one line of Markdown.

    Args:
        batch: What was entered.
    """
    details = batch.details
    if details is None:
        return _("A table names **{recordings}** of {subjects}.").format(
            recordings=n_("{n} recording", "{n} recordings", len(batch.by_file)),
            subjects=n_("{n} subject", "{n} subjects", len(batch.subjects)),
        )
    text = _("Subject **{label}**, {when}. Consent recorded by {by}.")
    if details.retain_until:
        text = _("Subject **{label}**, {when}, kept until {until}. Consent recorded by {by}.")
    return text.format(
        label=ui.md(details.subject),
        when=_date(batch.origin, details),
        until=ui.day(details.retain_until) if details.retain_until else "",
        by=ui.md(details.consent_by),
    )


def _date(origin: Origin, details: SessionDetails) -> str:
    if details.recorded_at is not None:
        return ui.day_and_time(details.recorded_at)
    return _("recorded now") if origin is Origin.CAMERA else _("each file's own date")
