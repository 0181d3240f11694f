"""Messages of the store: what its errors say, and why something needs attention."""

from __future__ import annotations

from fer_phq.core.messages import template

URL_UNREADABLE = template(
    "db.url_unreadable",
    "The database URL cannot be read: write it as sqlite:////path/file.db or postgresql://user@host/name.",
)
BACKEND_UNSUPPORTED = template(
    "db.backend_unsupported", "The database '{backend}' is not supported: use a sqlite or postgresql URL."
)
SQLITE_NOT_A_FILE = template(
    "db.sqlite_not_a_file", "The SQLite database must be a file: write the URL as sqlite:////path/file.db."
)
DRIVER_MISSING = template(
    "db.driver_missing",
    "The database driver for {drivername} is not installed ({error}): install it or use postgresql://.",
)

MAY_NOT_CHANGE = template("db.may_not_change", "The role {role} reads and changes nothing: ask an administrator.")
MAY_NOT_ADMINISTER = template(
    "db.may_not_administer", "The role {role} may not do this: ask an administrator of this installation."
)
DUPLICATE_ACCOUNT = template(
    "db.duplicate_account", "An account '{name}' exists already, in capital or small letters: choose another name."
)
DUPLICATE_IDENTITY = template(
    "db.duplicate_identity", "'{identity}' logs in to another account already: `fer-phq users list` shows which."
)
NO_ACCOUNT = template("db.no_account", "No account is called '{name}': `fer-phq users list` shows them.")
LAST_ADMINISTRATOR = template(
    "db.last_administrator",
    "'{name}' is the last administrator who may log in: give another account that role first.",
)
AN_ACCOUNT_NAME = template("db.an_account_name", "an account's name")
A_TOKEN_NAME = template("db.a_token_name", "a token's name")

CONSTRAINT = template(
    "db.constraint", "The database at {url} refused a row that breaks a rule of its schema ({error})."
)
UNUSABLE = template("db.unusable", "The database at {url} cannot be used: {error}.")
IMPOSSIBLE_VALUE = template(
    "db.impossible_value",
    "The database cannot hold a value of this: a number is out of its range, or a text has a NUL character.",
)
FAILED = template("db.failed", "The database at {place} failed: {text}.")

SQLITE_LOCKED = template(
    "db.sqlite_locked", "The database {place} is locked by another program: try again when it is done."
)
SQLITE_FULL = template(
    "db.sqlite_full", "The disk that holds the database {place} is full: free some space and try again."
)
SQLITE_CANNOT_OPEN = template(
    "db.sqlite_cannot_open", "The database {place} cannot be opened: check that its folder exists and is writable."
)
SQLITE_READ_ONLY = template("db.sqlite_read_only", "The database {place} is read-only: check its permissions.")
SQLITE_NOT_A_DATABASE = template(
    "db.sqlite_not_a_database",
    "The file {place} is not a SQLite database, or an encrypted one without its key: name its key with "
    "FERPHQ_ENCRYPTION_KEY_FILE, or choose another database with FERPHQ_DATABASE_URL.",
)
SQLITE_KEY_WRONG = template(
    "db.sqlite_key_wrong",
    "The database {place} cannot be read with this installation's key: it is encrypted with another key, or is no"
    " database.",
)
SQLCIPHER_MISSING = template(
    "db.sqlcipher_missing",
    "An encrypted database needs SQLCipher ({reason}): install it with `pip install sqlcipher3`.",
)
NOT_CONVERTED = template(
    "db.not_converted",
    "The copy of the database {url} differs from it, and was removed: nothing is changed. Look at it with `fer-phq"
    " doctor`.",
)
SQLITE_DAMAGED = template("db.sqlite_damaged", "The database {place} is damaged: restore it from a backup.")
SQLITE_IO = template("db.sqlite_io", "The database {place} cannot be read or written ({text}): check its disk.")
SQLITE_NO_TABLES = template("db.sqlite_no_tables", "The database {place} lacks tables: run `fer-phq db upgrade`.")

SERVER_DISK_FULL = template(
    "db.server_disk_full",
    "The disk of the database server at {place} is full: free some space and try again.",
)
SERVER_BUSY = template(
    "db.server_busy",
    "The database server at {place} has no free connection: try again later or raise max_connections.",
)
SERVER_LOCKED = template("db.server_locked", "The database at {place} is locked by another program: try again shortly.")
SERVER_READ_ONLY = template(
    "db.server_read_only", "The database at {place} is read-only: connect to the primary server."
)
SERVER_REFUSED_USER = template(
    "db.server_refused_user",
    "The database server at {place} refused the user or password: check FERPHQ_DATABASE_URL.",
)
SERVER_NO_DATABASE = template(
    "db.server_no_database", "The database at {place} does not exist: create it or correct FERPHQ_DATABASE_URL."
)
SERVER_NO_RIGHTS = template(
    "db.server_no_rights", "The database at {place} does not allow this user to do that: grant it the rights."
)
SERVER_NO_TABLES = template("db.server_no_tables", "The database at {place} lacks tables: run `fer-phq db upgrade`.")
SERVER_LOST = template(
    "db.server_lost", "The connection to the database server at {place} was lost: try again when it runs."
)
SERVER_UNREACHABLE = template(
    "db.server_unreachable",
    "The database server at {place} cannot be reached ({text}): check that it runs and FERPHQ_DATABASE_URL.",
)

NO_DATABASE = template("db.no_database", "There is no database at {url} yet: run `fer-phq db upgrade`.")
EMPTY = template("db.empty", "The database {url} is empty: run `fer-phq db upgrade`.")
OLD_SCHEMA = template(
    "db.old_schema",
    "The database {url} has schema {revision} and this fer-phq needs {head_revision}: run `fer-phq db upgrade`.",
)
NEWER = template(
    "db.newer", "The database {url} was made by a newer fer-phq (schema {revision}): install that version."
)
ENCRYPTION_KEY_MISSING = template(
    "db.encryption_key_missing",
    "This installation is encrypted and no key is configured: set FERPHQ_ENCRYPTION_KEY_FILE or "
    "FERPHQ_ENCRYPTION_KEYRING.",
)
ENCRYPTION_KEY_WRONG = template(
    "db.encryption_key_wrong",
    "This installation is encrypted with another key than that of {place}: configure the key that it was encrypted "
    "with.",
)
ENCRYPTION_UNREADABLE = template(
    "db.encryption_unreadable", "The setting 'encryption' of the database is damaged: restore a backup."
)
ENCRYPTION_NO_KEY = template(
    "db.encryption_no_key",
    "No key is configured: make one with `fer-phq encryption new-key FILE` and set FERPHQ_ENCRYPTION_KEY_FILE.",
)
CANNOT_CREATE = template(
    "db.cannot_create",
    "The database {path} cannot be created ({strerror}): check that its folder exists and is writable.",
)
NOT_MIGRATED = template(
    "db.not_migrated", "The database {url} was not migrated: a row of '{broken}' lost its parent row."
)

ROWS_UNRELATED = template(
    "db.rows_unrelated", "The rows of '{table}' do not fit the tables of their revision: the backup is damaged."
)

MERGE_WITH_ITSELF = template("db.merge_with_itself", "A subject cannot be merged with itself: name two.")
MERGE_DEMONSTRATION = template("db.merge_demonstration", "A demonstration cannot be merged with a person.")
MERGE_TWINS = template(
    "db.merge_twins",
    "Both subjects have the recording '{name}', and only the session that would go was analysed: analyse the other "
    "one, or erase it, then merge.",
)

NO_ROW = template("db.no_row", "There is no {kind} '{row_id}' in the database: it may have been erased.")
KINDS = {
    "subjects": template("db.kind_subject", "subject"),
    "sessions": template("db.kind_session", "session"),
    "analyses": template("db.kind_analysis", "analysis"),
    "questionnaires": template("db.kind_questionnaire", "questionnaire"),
    "jobs": template("db.kind_job", "job"),
    "notes": template("db.kind_note", "note"),
    "events": template("db.kind_event", "event"),
}
"""What a row of a table is called."""
DUPLICATE_SESSION = template(
    "db.duplicate_session", "The recording '{name}' is already a session of this subject: open that one."
)
DUPLICATE_LABEL = template("db.duplicate_label", "There is already a subject '{label}': choose another label.")
LABEL = template("db.label", "A subject's label must be one line of 1 to 200 characters.")
ONE_LINE = template("db.one_line", "{what} must be one line of 1 to {longest} characters.")
A_TAG = template("db.a_tag", "A tag")
WHAT_HAPPENED = template("db.what_happened", "What happened")

JOB_TRANSITION = template("db.job_transition", "The job '{job_id}' is {before} and cannot become {state}.")
STATES = {
    "queued": template("db.state_queued", "queued"),
    "running": template("db.state_running", "running"),
    "done": template("db.state_done", "done"),
    "failed": template("db.state_failed", "failed"),
    "cancelled": template("db.state_cancelled", "cancelled"),
}
"""What a job's state is called within a sentence."""
LIVE_JOB = template("db.live_job", "The session already has a job that is queued or running: wait for that one.")

NOTE_TIME = template("db.note_time", "A note's moment must be a time in the recording: 0 s or later.")
NOTE_EMPTY = template("db.note_empty", "A note must have words or a tag.")
NOTE_TOO_LONG = template("db.note_too_long", "A note must be text of at most {longest} characters.")
TRANSCRIPT_SIZE = template("db.transcript_size", "A transcript must hold between 1 byte and {mib} MiB.")
UNKNOWN_SCALE = template("db.unknown_scale", "There is no questionnaire '{scale}': use one of {scales}.")
CORRECTION_SUBJECT = template("db.correction_subject", "A correction must be of the same subject as what it corrects.")
ALREADY_CORRECTED = template(
    "db.already_corrected", "This questionnaire was already corrected: correct its newest version."
)
OTHER_SAMPLING = template(
    "db.other_sampling",
    "The settings name another sampling than the analysis was made with: pass the ones used.",
)
OTHER_RECORDING = template(
    "db.other_recording", "The analysis is of another recording than session '{session_id}': its SHA-256 differs."
)
NOT_FINITE = template(
    "db.not_finite",
    "The embeddings hold values that are not finite in float16: the analysis cannot be stored.",
)

COUNTED_BY_FRAMES = template(
    "db.counted_by_frames",
    "An earlier version made this analysis: it counted coverage and shares by frames, not by time, which differs where"
    " pictures last unequally long. Score it again on the Models page, or analyse the recording again.",
)

ITEM_9 = template("db.item_9", "item 9 of this {scale} is not zero")
ANALYSIS_FAILED = template("db.analysis_failed", "the analysis failed")
LOW_COVERAGE = template("db.low_coverage", "the face was seen in {share:.0%} of the recording")
CONSENT_WITHDRAWN = template("db.consent_withdrawn", "the consent was withdrawn")
NO_CONSENT = template("db.no_consent", "no consent is recorded")
PAST_RETENTION = template("db.past_retention", "the retention date has passed")
