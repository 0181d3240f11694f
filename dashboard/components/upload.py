"""Uploads recordings from the browser to the signed upload route; Streamlit only hears what came of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.i18n import _, language, marks
from dashboard.i18n.beneath import LONGEST, patterns_of
from dashboard.i18n.numbers import size
from service.ingest.tokens import UploadGrant, upload_token
from service.settings import AppSettings

HERE = Path(__file__).parent
HTML = """
<label class="zone"><input type="file" multiple accept="video/*,.mkv,.avi,.mov,.webm,.mp4" data-testid="fp-upload">
<span><b data-say="choose"></b> <span data-say="drop"></span></span><small data-say="kinds"></small></label>
<ul data-label="uploads"></ul>
"""
CAMERA = """
<div class="camera"><video muted playsinline data-label="camera"></video><div class="controls">
<button type="button" class="open main" data-say="open"></button>
<button type="button" class="start main" data-say="start"></button>
<button type="button" class="halt main" data-say="halt"></button><span class="clock" role="timer">0:00</span>
<button type="button" class="use main" data-say="use"></button>
<button type="button" class="discard" data-say="discard"></button></div><p class="say" role="status"></p></div>
<ul data-label="uploads"></ul>
"""
REFUSING = (
    *("fer_phq/video/", "db/", "dashboard/i18n/beneath.py"),
    "service/ingest/",
    "service/api/",
)
"""Where the sentences stand with which an upload is refused: the browser shows them itself."""
FRESH_SECONDS = 3600
"""How long a page goes on with the tokens it has: the browser need not be told anew at each run."""


@dataclass(frozen=True)
class Uploaded:
    """One recording that arrived. `modified`: the file's own date, None when the browser gave none that makes sense."""

    name: str
    session_id: str
    job_id: str | None
    duplicate: bool
    modified: datetime | None


@dataclass(frozen=True)
class Grants:
    """What may be uploaded. every: any recording, None when only named ones are taken. named: the recording of a file
    name. stems: the one of a file name without its ending. Names as `plain_name` writes them."""

    every: UploadGrant | None
    named: Mapping[str, UploadGrant] = field(default_factory=dict)
    stems: Mapping[str, UploadGrant] = field(default_factory=dict)


def plain_name(name: str) -> str:
    """A file name as names are compared: letters of either case, composed or not, are the same."""
    return unicodedata.normalize("NFC", name).lower()


def uploader(settings: AppSettings, grants: Grants, *, url: str, key: str) -> list[Uploaded]:
    """Draw the drop zone; returns everything that arrived since it was first drawn under this key."""
    limit = size(settings.max_upload_bytes)
    component = st.components.v2.component(
        "fer_phq_upload", html=HTML, css=_text("upload.css"), js=_text("sending.js") + _text("upload.js")
    )
    return _mounted(component, settings, grants, url, key, {**_words(limit), **_drop_words(limit)})


def camera(settings: AppSettings, grant: UploadGrant, *, url: str, key: str) -> list[Uploaded]:
    """Draw the camera; returns every recording that was made with it and sent, as `uploader`."""
    component = st.components.v2.component(
        "fer_phq_camera",
        html=CAMERA,
        css=_text("upload.css") + _text("record.css"),
        js=_text("sending.js") + _text("record.js"),
    )
    limit = size(settings.max_upload_bytes)
    return _mounted(component, settings, Grants(grant), url, key, {**_words(limit), **_camera_words()})


def _words(limit: str) -> dict[str, str]:
    """What both say about a file that is sent. Names in braces are filled in by `said` in sending.js."""
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


def _drop_words(limit: str) -> dict[str, str]:
    return {
        "choose": _("Choose recordings"),
        "drop": _("or drop them here"),
        "kinds": _("MP4, MOV, MKV, WebM or AVI, at most {limit} each").format(limit=limit),
        "waiting": _("Waiting"),
        "noVideo": _("This is not a video file; choose MP4, MOV, MKV, WebM or AVI."),
        "unnamed": _("The table does not name this file."),
    }


def _camera_words() -> dict[str, str]:
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


def _mounted(
    component: Any, settings: AppSettings, grants: Grants, url: str, key: str, words: Mapping[str, str]
) -> list[Uploaded]:
    limit = settings.max_upload_bytes
    given = {"url": url, "maxBytes": limit, "words": dict(words), **understood()}
    given |= _tokens(settings, grants, key)
    result = component(key=key, data=given, default={"uploaded": []}, on_uploaded_change=lambda: None)
    return [_uploaded(item) for item in result.uploaded or []]


def understood() -> dict[str, Any]:
    """What `told` in sending.js goes by: the server's sentences, the decimal mark, and how long a sentence may be."""
    found = patterns_of(*REFUSING)
    sentences = [(one.regex.pattern, one.names, sorted(one.quoted), one.translation) for one in found]
    return {"sentences": sentences, "mark": marks(language())[0], "longest": LONGEST}


def _tokens(settings: AppSettings, grants: Grants, key: str) -> dict[str, Any]:
    """The grants' tokens, the same ones for as long as the grants stay the same and the tokens are young."""
    known = st.session_state.get(f"{key}_tokens")
    now = datetime.now(UTC)
    if known is None or known[0] != grants or (now - known[2]).total_seconds() > FRESH_SECONDS:
        made = {
            "token": upload_token(settings, grants.every) if grants.every else None,
            "named": {name: upload_token(settings, grant) for name, grant in grants.named.items()},
            "stems": {name: upload_token(settings, grant) for name, grant in grants.stems.items()},
        }
        known = (grants, made, now)
        st.session_state[f"{key}_tokens"] = known
    tokens: dict[str, Any] = known[1]
    return tokens


def _uploaded(item: dict[str, Any]) -> Uploaded:
    modified = None
    if isinstance(item.get("modified"), int | float) and item["modified"] > 0:
        modified = datetime.fromtimestamp(item["modified"] / 1000, UTC)
        if not datetime(1995, 1, 1, tzinfo=UTC) < modified <= datetime.now(UTC):
            modified = None
    return Uploaded(
        name=str(item.get("name", "")),
        session_id=str(item["session_id"]),
        job_id=item.get("job_id"),
        duplicate=bool(item.get("duplicate")),
        modified=modified,
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8") + "\n"
