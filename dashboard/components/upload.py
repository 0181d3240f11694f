"""Uploads recordings from the browser to the signed upload route; Streamlit only hears what came of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from service.media import readable
from service.settings import AppSettings
from service.tokens import UploadGrant, upload_token

HERE = Path(__file__).parent
HTML = """
<label class="zone"><input type="file" multiple accept="video/*,.mkv,.avi,.mov,.webm,.mp4" data-testid="fp-upload">
<span><b>Choose recordings</b> or drop them here</span><small></small></label><ul aria-label="Uploads"></ul>
"""
CAMERA = """
<div class="camera"><video muted playsinline aria-label="Camera"></video><div class="controls">
<button type="button" class="open main">Turn on the camera</button>
<button type="button" class="start main">Start recording</button>
<button type="button" class="halt main">Stop</button><span class="clock" role="timer">0:00</span>
<button type="button" class="use main">Use this recording</button>
<button type="button" class="discard">Discard it</button></div><p class="say" role="status"></p></div>
<ul aria-label="Uploads"></ul>
"""
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
    component = st.components.v2.component(
        "fer_phq_upload", html=HTML, css=_text("upload.css"), js=_text("sending.js") + _text("upload.js")
    )
    return _mounted(component, settings, grants, url, key)


def camera(settings: AppSettings, grant: UploadGrant, *, url: str, key: str) -> list[Uploaded]:
    """Draw the camera; returns every recording that was made with it and sent, as `uploader`."""
    component = st.components.v2.component(
        "fer_phq_camera",
        html=CAMERA,
        css=_text("upload.css") + _text("record.css"),
        js=_text("sending.js") + _text("record.js"),
    )
    return _mounted(component, settings, Grants(grant), url, key)


def _mounted(component: Any, settings: AppSettings, grants: Grants, url: str, key: str) -> list[Uploaded]:
    limit = settings.max_upload_bytes
    given = {"url": url, "maxBytes": limit, "maxWords": readable(limit), **_tokens(settings, grants, key)}
    result = component(key=key, data=given, default={"uploaded": []}, on_uploaded_change=lambda: None)
    return [_uploaded(item) for item in result.uploaded or []]


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
