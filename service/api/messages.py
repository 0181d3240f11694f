"""Messages of the HTTP interface."""

from __future__ import annotations

from fer_phq.core.messages import template

UPLOAD_BROKEN_OFF = template("api.upload_broken_off", "The upload was broken off.")
UPLOAD_CUT_SHORT = template(
    "api.upload_cut_short", "The upload ended after {received} of {size} bytes; send the recording again."
)
SERVER_ERROR = template("api.server_error", "Something went wrong on the server; its log says more under {number}.")
UNKNOWN_HOST = template(
    "api.unknown_host", "This installation is not asked as '{host}'; add the name to FERPHQ_ALLOWED_HOSTS."
)
OTHER_ORIGIN = template(
    "api.other_origin", "Requests from other sites are not taken; add the origin to FERPHQ_ALLOWED_ORIGINS."
)
OTHER_SITE = template("api.other_site", "Requests from other sites are not taken; open the dashboard itself.")
RECORDING_REMOVED = template(
    "api.recording_removed", "The recording of this session has been removed; its results are kept."
)
RECORDING_MISSING = template("api.recording_missing", "The recording of this session is missing from the media folder.")
