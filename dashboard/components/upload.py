"""Uploads recordings from the browser to the signed upload route; Streamlit only hears what came of them."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Uploaded:
    """One recording that arrived. `modified`: the file's own date, None when the browser gave none that makes sense."""

    name: str
    session_id: str
    job_id: str | None
    duplicate: bool
    modified: datetime | None


def uploader(settings: AppSettings, grant: UploadGrant, *, url: str, key: str) -> list[Uploaded]:
    """Draw the drop zone; returns everything that arrived since it was first drawn under this key."""
    component = st.components.v2.component(
        "fer_phq_upload",
        html=HTML,
        css=(HERE / "upload.css").read_text(encoding="utf-8"),
        js=(HERE / "upload.js").read_text(encoding="utf-8"),
    )
    limit = settings.max_upload_bytes
    given = {"url": url, "token": _token(settings, grant, key), "maxBytes": limit, "maxWords": readable(limit)}
    result = component(key=key, data=given, default={"uploaded": []}, on_uploaded_change=lambda: None)
    return [_uploaded(item) for item in result.uploaded or []]


def _token(settings: AppSettings, grant: UploadGrant, key: str) -> str:
    """One token for as long as the grant stays the same and the token is young: the browser need not be told anew."""
    known = st.session_state.get(f"{key}_token")
    now = datetime.now(UTC)
    if known is None or known[0] != grant or (now - known[2]).total_seconds() > 3600:
        known = (grant, upload_token(settings, grant), now)
        st.session_state[f"{key}_token"] = known
    return str(known[1])


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
