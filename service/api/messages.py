"""Messages of the HTTP interface."""

from __future__ import annotations

from fer_phq.core.messages import template

UPLOAD_BROKEN_OFF = template("api.upload_broken_off", "The upload was broken off.")
UPLOAD_CUT_SHORT = template(
    "api.upload_cut_short", "The upload ended after {received} of {size} bytes; send the recording again."
)
RECORDING_REMOVED = template(
    "api.recording_removed", "The recording of this session has been removed; its results are kept."
)
RECORDING_MISSING = template("api.recording_missing", "The recording of this session is missing from the media folder.")
UPLOAD_WITHOUT_CONSENT = template(
    "api.upload_without_consent",
    "This link notes no consent of the person, so the recording is not taken in: ask for it, and upload on the New "
    "session page.",
)
