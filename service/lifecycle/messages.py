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

BACKUP_EXISTS = template(
    "lifecycle.backup_exists", "There is already a file {path}: name another, or replace it with --force."
)
BACKUP_UNWRITABLE = template("lifecycle.backup_unwritable", "The backup {path} cannot be written: {reason}.")
BACKUP_MISSING = template("lifecycle.backup_missing", "There is no file {path}.")
NO_BACKUP = template("lifecycle.no_backup", "{path} is not a backup that fer-phq wrote.")
BACKUP_DAMAGED = template(
    "lifecycle.backup_damaged", "The backup {path} is damaged ({reason}): nothing has been restored, use another one."
)
NOT_EMPTY = template(
    "lifecycle.not_empty",
    "Somebody is stored here already: restore into an empty installation (another FERPHQ_DATA_DIR or database), or, "
    "with SQLite, move what is here aside with --replace.",
)
WORKERS_RUN = template(
    "lifecycle.workers_run", "A worker is running here: stop worker and dashboard, then restore the backup."
)
NO_ROOM_TO_RESTORE = template(
    "lifecycle.no_room_to_restore", "The backup needs {mib} MiB of free disk: free some space and try again."
)
RESTORE_FAILED = template("lifecycle.restore_failed", "The backup was not restored: {reason}.")
