"""Messages of the demonstration."""

from __future__ import annotations

from fer_phq.core.messages import template

ALREADY_RUNNING = template("demo.already_running", "Another `fer-phq demo` is at work here: wait until it has ended.")
DATA_DIR_NOT_WRITABLE = template("demo.data_dir_not_writable", "The data folder {data_dir} cannot be written: {error}.")
LABEL_IN_USE = template(
    "demo.label_in_use",
    "There is a subject '{label}' that is not the demonstration: rename it, then run this again.",
)
RECORDING_REMOVED = template(
    "demo.recording_removed",
    "The recording of session {session_id} was removed: run `fer-phq demo --reset`.",
)
