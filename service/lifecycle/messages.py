"""Messages of the life of data: what an erasure waits for, and what cannot be done."""

from __future__ import annotations

from fer_phq.core.messages import template

WAITS_FOR_READER = template(
    "lifecycle.waits_for_reader",
    "another program reads the database, so the erased text is still in its write-ahead log",
)
WAITS_FOR_ROOM = template(
    "lifecycle.waits_for_room",
    "the disk has too little room to write the database anew, so remains of the erased text may be in it",
)
WAITS_FOR_WORKER = template(
    "lifecycle.waits_for_worker", "a worker still holds an analysis of it and has to let go first"
)
WAITS_FOR_TRAINING = template(
    "lifecycle.waits_for_training", "a training that uses a copy of the features is still running"
)
WAITS_FOR_DISK = template("lifecycle.waits_for_disk", "the disk is full")
WAITS_FOR_ERROR = template("lifecycle.waits_for_error", "this went wrong: {error}")
PENDING = template(
    "lifecycle.pending",
    "The erasure is not finished: {reason}. A running worker finishes it by itself, as does the same command again.",
)
NO_SUBJECT = template("lifecycle.no_subject", "There is no subject '{name}' in the database: it may have been erased.")
OTHER_LABEL = template(
    "lifecycle.other_label", "What was typed is not the label of the subject: nothing has been erased."
)
NO_CONSENT = template(
    "lifecycle.no_consent",
    "No consent is recorded for this session, so it is not analysed: record it on the session's page, then try again.",
)
CONSENT_WITHDRAWN = template(
    "lifecycle.consent_withdrawn",
    "The consent to this session was withdrawn, so it is not analysed; it can be erased.",
)
