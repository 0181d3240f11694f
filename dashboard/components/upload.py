"""Uploads of recordings from the browser to the signed upload route. Streamlit receives only their results."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.i18n import _, language
from dashboard.i18n.numbers import size
from fer_phq.video import RECORDING_SUFFIXES
from service.ingest.tokens import FILE_USES, UPLOAD_USES, UploadGrant, upload_token
from service.settings import AppSettings

FOLDER = Path(__file__).parent
HTML = f"""
<label class="zone" data-unnamed>
<input type="file" multiple accept="video/*,{",".join(RECORDING_SUFFIXES)}" data-testid="fp-upload">
<span><b data-say="choose"></b> <span data-say="drop"></span></span><small data-say="kinds"></small></label>
<ul data-label="uploads"></ul>
"""
CAMERA = """
<div class="camera" data-unnamed><video muted playsinline data-label="camera"></video><div class="controls">
<button type="button" class="open main" data-say="open"></button>
<button type="button" class="start main" data-say="start"></button>
<button type="button" class="halt main" data-say="halt"></button><span class="clock" role="timer">0:00</span>
<button type="button" class="use main" data-say="use"></button>
<button type="button" class="discard" data-say="discard"></button></div><p class="say" role="status"></p></div>
<ul data-label="uploads"></ul>
"""
TOKEN_SECONDS = 3600
"""How long a page uses the same tokens, so that the component's data does not change at each run."""


@dataclass(frozen=True)
class UploadedRecording:
    """A recording that was uploaded.

    Attributes:
        name: The file's name.
        session_id: Its session.
        job_id: Its analysis.
        duplicate: Whether the recording was there before.
        modified: The file's own date; None where the browser gave none that makes sense.
    """

    name: str
    session_id: str
    job_id: str | None
    duplicate: bool
    modified: datetime | None


@dataclass(frozen=True)
class Grants:
    """What may be uploaded. File names are as `fold_name` writes them.

    Attributes:
        any_file: The grant of any recording; None when only named ones are taken.
        by_name: The grant of a file's name.
        by_stem: The grant of a file's name without its ending.
    """

    any_file: UploadGrant | None
    by_name: Mapping[str, UploadGrant] = field(default_factory=dict)
    by_stem: Mapping[str, UploadGrant] = field(default_factory=dict)


def fold_name(name: str) -> str:
    """Return a file name for comparison, without differences of case and of composed letters.

    Args:
        name: The file's name.
    """
    return unicodedata.normalize("NFC", name).lower()


def uploader(settings: AppSettings, grants: Grants, *, url: str, key: str) -> list[UploadedRecording]:
    """Draw the drop zone. Returns everything that was uploaded since it was first drawn under this key.

    Args:
        settings: The installation.
        grants: What may be uploaded.
        url: The upload route.
        key: Key of the component.
    """
    limit = size(settings.max_upload_bytes)
    component = st.components.v2.component(
        "fer_phq_upload", html=HTML, css=read_part("upload.css"), js=read_part("sending.js") + read_part("upload.js")
    )
    return mount(component, settings, grants, url, key, {**upload_labels(limit), **_drop_labels(limit)})


def camera(settings: AppSettings, grant: UploadGrant, *, url: str, key: str) -> list[UploadedRecording]:
    """Draw the camera. Returns every recording that was made with it and uploaded.

    Args:
        settings: The installation.
        grant: What its recordings are for.
        url: The upload route.
        key: Key of the component.
    """
    component = st.components.v2.component(
        "fer_phq_camera",
        html=CAMERA,
        css=read_part("upload.css") + read_part("record.css"),
        js=read_part("sending.js") + read_part("recording.js") + read_part("record.js"),
    )
    limit = size(settings.max_upload_bytes)
    return mount(component, settings, Grants(grant), url, key, {**upload_labels(limit), **camera_labels()})


def upload_labels(limit: str) -> dict[str, str]:
    """Return the texts about a file that is sent. `fillIn` in sending.js fills in the names in braces."""
    return {
        "uploads": _("Uploads"),
        "stop": _("Stop"),
        "upload": _("Upload of {file}"),
        "empty": _("This file is empty; choose another one."),
        "large": _("This file is larger than the {limit} that may be uploaded.").format(limit=limit),
        "checking": _("Checking the recording…"),
        "there": _("Already there: this recording was uploaded before."),
        "done": _("Uploaded"),
        "refused": _("The server refused the upload (status {status}); try again."),
        "lost": _("The connection was lost during the upload; choose the file again."),
        "stopped": _("Stopped; nothing of it was kept."),
    }


def _drop_labels(limit: str) -> dict[str, str]:
    return {
        "choose": _("Choose recordings"),
        "drop": _("or drop them here"),
        "kinds": _("MP4, MOV, MKV, WebM or AVI, at most {limit} each").format(limit=limit),
        "waiting": _("Waiting"),
        "noVideo": _("This is not a video file; choose MP4, MOV, MKV, WebM or AVI."),
        "unnamed": _("The table does not name this file."),
    }


def camera_labels() -> dict[str, str]:
    """Return the texts about a camera and a recording of it."""
    return {
        "camera": _("Camera"),
        "open": _("Turn on the camera"),
        "start": _("Start recording"),
        "halt": _("Stop"),
        "use": _("Use this recording"),
        "discard": _("Discard it"),
        "NotAllowedError": _(
            "The browser was not allowed to use the camera and microphone; allow both for this page and try again."
        ),
        "NotFoundError": _("No camera was found on this computer; connect one and try again."),
        "NotReadableError": _("The camera is in use by another program; close that one and try again."),
        "otherError": _("The camera cannot be used; check it and try again."),
        "insecure": _("The browser gives a camera only to pages opened by https or on this computer itself."),
        "waitingForCamera": _("Waiting for the camera…"),
        "silent": _("No microphone was found: the recording will have no sound."),
        "recording": _("Recording"),
        "recorded": _("Recorded {length}, {size}. Nothing is kept yet."),
        "nothing": _("Nothing was recorded; discard it and try again."),
        "sending": _("Sending the recording…"),
        "notKept": _("The recording is not kept yet: use it again, or discard it."),
    }


def mount(
    component: Any,
    settings: AppSettings,
    grants: Grants,
    url: str,
    key: str,
    labels: Mapping[str, str],
    more: Mapping[str, Any] | None = None,
    **callbacks: Callable[[], None],
) -> list[UploadedRecording]:
    """Draw a component that uploads. Returns everything that was uploaded since it was first drawn under this key.

    Args:
        component: The component.
        settings: The installation.
        grants: What may be uploaded.
        url: The upload route.
        key: Key of the component.
        labels: Its texts by name.
        more: What else its script is given.
        callbacks: Called before the rerun after another state of its has changed, as `on_NAME_change`.
    """
    data = {
        "url": url,
        "maxBytes": settings.max_upload_bytes,
        "labels": dict(labels),
        "language": language(),
        **_tokens(settings, grants, key),
        **(more or {}),
    }
    result = component(key=key, data=data, default={"uploaded": []}, on_uploaded_change=lambda: None, **callbacks)
    st.session_state[f"{key}_count"] = len(result.uploaded or [])
    return [_uploaded_recording(item) for item in result.uploaded or []]


def _tokens(settings: AppSettings, grants: Grants, key: str) -> dict[str, Any]:
    """Return the grants' tokens, the same ones while the grants stay the same and the tokens are young and little used.

    The count of the uploads is that of the run before.
    """
    cached = st.session_state.get(f"{key}_tokens")
    count = st.session_state.get(f"{key}_count", 0)
    now = datetime.now(UTC)
    is_worn = cached is not None and (
        (now - cached[2]).total_seconds() > TOKEN_SECONDS or abs(count - cached[3]) >= UPLOAD_USES // 2
    )
    if cached is None or cached[0] != grants or is_worn:
        tokens = {
            "token": upload_token(settings, grants.any_file) if grants.any_file else None,
            "byName": {name: upload_token(settings, grant, uses=FILE_USES) for name, grant in grants.by_name.items()},
            "byStem": {stem: upload_token(settings, grant, uses=FILE_USES) for stem, grant in grants.by_stem.items()},
        }
        cached = (grants, tokens, now, count)
        st.session_state[f"{key}_tokens"] = cached
    return dict(cached[1])


def _uploaded_recording(item: dict[str, Any]) -> UploadedRecording:
    modified = None
    if isinstance(item.get("modified"), int | float) and item["modified"] > 0:
        modified = datetime.fromtimestamp(item["modified"] / 1000, UTC)
        if not datetime(1995, 1, 1, tzinfo=UTC) < modified <= datetime.now(UTC):
            modified = None
    return UploadedRecording(
        name=str(item.get("name", "")),
        session_id=str(item["session_id"]),
        job_id=item.get("job_id"),
        duplicate=bool(item.get("duplicate")),
        modified=modified,
    )


def read_part(name: str) -> str:
    """Return a part of a component: scripts of components cannot import one another.

    Args:
        name: The file's name, in the folder of components.
    """
    return (FOLDER / name).read_text(encoding="utf-8") + "\n"
