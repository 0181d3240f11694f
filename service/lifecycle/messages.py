"""Messages of the life of data: what an erasure waits for, and what cannot be done."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

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
WAITS_FOR_HOUR = template("lifecycle.waits_for_hour", "the database is large, so it is written anew once an hour")
WAITS_FOR_MASKING = template(
    "lifecycle.waits_for_masking", "an export of its recording with faces and voices masked is still running"
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
RETENTION_OVER = template(
    "lifecycle.retention_over",
    "The moment until which the recording is kept is over, so it would be removed at once: choose a later one, or "
    "erase the session.",
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
    "Somebody is stored here already: restore into an empty installation (another FERPHQ_DATA_DIR or database), or "
    "move what is here aside with --replace.",
)
MODEL_HERE = template(
    "lifecycle.model_here",
    "There is another model called {name} here: rename its folder, or move it aside with --replace.",
)
WORKERS_RUN = template(
    "lifecycle.workers_run", "A worker is running here: stop worker and dashboard, then restore the backup."
)
NO_ROOM_TO_RESTORE = template(
    "lifecycle.no_room_to_restore", "The backup needs {mib} MiB of free disk: free some space and try again."
)
RESTORE_FAILED = template("lifecycle.restore_failed", "The backup was not restored: {reason}.")

NOT_CHECKED = template("lifecycle.not_checked", "This could not be checked: {reason}")
NO_DATA_FOLDER = template("lifecycle.no_data_folder", "The data folder {path} does not exist.")
SET_DATA_DIR = template("lifecycle.set_data_dir", "Set FERPHQ_DATA_DIR, or start fer-phq once, which makes the folder.")
OTHERS_MAY_READ = template("lifecycle.others_may_read", "Other users of this machine may read {paths}.")
MAKE_PRIVATE = template("lifecycle.make_private", "Take their rights away: chmod go-rwx {paths}")
FOLDER_IS_PRIVATE = template("lifecycle.folder_is_private", "Only their owner may read the data folder and the secret.")
DISK_FREE = template("lifecycle.disk_free", "{gb:.1f} GB of the data folder's disk are free.")
FREE_SPACE = template("lifecycle.free_space", "Free some space: uploads are refused until then.")
NO_TABLES = template("lifecycle.no_tables", "There is no database yet, or it has no tables.")
OTHER_REVISION = template(
    "lifecycle.other_revision", "The database has schema {revision}, and this fer-phq needs {needed}."
)
RUN_UPGRADE = template("lifecycle.run_upgrade", "Run `fer-phq db upgrade`.")
REVISION_FITS = template("lifecycle.revision_fits", "The database has the schema {revision} that this fer-phq needs.")
DATABASE_DAMAGED = template("lifecycle.database_damaged", "The database is damaged: {faults}.")
RESTORE_BACKUP = template("lifecycle.restore_backup", "Restore it from a backup, and check the disk.")
DATABASE_WHOLE = template("lifecycle.database_whole", "The database is whole, and no row lacks the one it belongs to.")
RECORDINGS_MISSING = template(
    "lifecycle.recordings_missing", "{count} recordings are missing from the media folder ({names})."
)
BRING_RECORDINGS_BACK = template(
    "lifecycle.bring_recordings_back", "Restore them from a backup, or upload them again to the same subject."
)
RECORDINGS_PRESENT = template("lifecycle.recordings_present", "All {count} recordings that sessions name are there.")
LEFTOVERS = template(
    "lifecycle.leftovers", "{orphans} recordings belong to no session, and {uploads} uploads were never finished."
)
WORKER_SWEEPS = template("lifecycle.worker_sweeps", "A running worker removes them within an hour.")
NO_LEFTOVERS = template("lifecycle.no_leftovers", "No recording and no upload is left over.")
RECORDINGS_CHANGED = template("lifecycle.recordings_changed", "{count} recordings differ from their hash ({names}).")
HASHES_FIT = template("lifecycle.hashes_fit", "All {count} recordings are as they came in.")
CLOCK_WRONG = template("lifecycle.clock_wrong", "Rows of {tables} were written in the future.")
SET_CLOCK = template("lifecycle.set_clock", "Check the clock of this machine and of those that write to the database.")
CLOCK_RIGHT = template("lifecycle.clock_right", "No row was written in the future.")
WORKERS = template("lifecycle.workers", "{alive} workers run, and {waiting} analyses wait.")
START_WORKER = template("lifecycle.start_worker", "Start one with `fer-phq worker`.")
OPEN_CONNECTIONS = template("lifecycle.open_connections", "open connections")
START_PROGRAMS = template("lifecycle.start_programs", "start programs")
WRITE_FILES = template("lifecycle.write_files", "write files")
DECODER_FAILED = template("lifecycle.decoder_failed", "The process that decodes recordings cannot be started: {reason}")
REINSTALL = template("lifecycle.reinstall", "No recording can be read like that: install fer-phq again.")
DECODER_ACTS_NOT = template(
    "lifecycle.decoder_acts_not",
    "A recording cannot make its decoder {acts}: the filter of system calls (seccomp) holds.",
)
DECODER_ACTS = template(
    "lifecycle.decoder_acts",
    "A recording that takes its decoder over could {acts}: no filter of system calls (seccomp) prevents it here.",
)
FILTER_CALLS = template(
    "lifecycle.filter_calls",
    "The filter takes Linux with seccomp on x86_64 or aarch64. Until then, analyse only recordings whose origin you "
    "trust, or run the worker in a container or virtual machine without a network.",
)
DECODER_READS_NOT = template(
    "lifecycle.decoder_reads_not", "A recording cannot make its decoder read other files: Landlock holds."
)
DECODER_READS = template(
    "lifecycle.decoder_reads",
    "A recording that takes its decoder over could read every file that its user may read, other people's recordings "
    "included: there is no Landlock here.",
)
USE_LANDLOCK = template(
    "lifecycle.use_landlock",
    "Landlock takes Linux 5.13 or later with `landlock` in /sys/kernel/security/lsm, and a container that lets "
    "programs use it. Until then, analyse only recordings whose origin you trust.",
)
DECODER_MEMORY_BOUND = template(
    "lifecycle.decoder_memory_bound", "A recording's decoder gets no more memory than its limit."
)
DECODER_MEMORY_UNBOUND = template(
    "lifecycle.decoder_memory_unbound",
    "A recording's decoder could take all memory: the system bounds no address space.",
)
BOUND_MEMORY = template(
    "lifecycle.bound_memory", "Bound the worker's memory from outside: MemoryMax= of systemd, or a container's limit."
)
BEHAVIOUR_IS_ON = template(
    "lifecycle.behaviour_is_on", "Facial behaviour is measured in every frame, up to {rate:.3g} a second."
)
BEHAVIOUR_IS_OFF = template("lifecycle.behaviour_is_off", "Facial behaviour is not measured: FERPHQ_FACE_RATE is 0.")
NETWORKS_RUN_ON = template("lifecycle.networks_run_on", "The networks run on {device}.")
NO_PENDING_ERASURES = template("lifecycle.no_pending_erasures", "Every erasure is finished.")
PENDING_ERASURES = template(
    "lifecycle.pending_erasures", "{count} erasures are not finished, the oldest since {since}: {reason}."
)
START_WORKER_FOR_ERASURES = template(
    "lifecycle.start_worker_for_erasures", "A running worker finishes them; end what reads the database or free space."
)
MODELS_DAMAGED = template("lifecycle.models_damaged", "Files of checkpoint bundles differ from their hash: {paths}.")
INSTALL_AGAIN = template("lifecycle.install_again", "Install the bundle again.")
NO_MODELS = template("lifecycle.no_models", "There is no checkpoint bundle.")
MODELS_WHOLE = template("lifecycle.models_whole", "All {count} checkpoint bundles are whole.")

EXPORT_EXISTS = template("lifecycle.export_exists", "{path} holds something already: name a folder that is not there.")
EXPORT_UNWRITABLE = template("lifecycle.export_unwritable", "The export {path} cannot be written: {reason}.")

SAME_RECORDINGS = counted(
    "lifecycle.same_recordings",
    "{n} recording is of both: one session of it stays, with the notes of both.",
    "{n} recordings are of both: of each, one session stays, with the notes of both.",
)
ANALYSES_GO = counted(
    "lifecycle.analyses_go",
    "{n} analysis goes with the other session; the session that stays has its own.",
    "{n} analyses go with the other sessions; the sessions that stay have their own.",
)
TRANSCRIPTS_GO = counted(
    "lifecycle.transcripts_go",
    "{n} transcript goes, since the session that stays has another one.",
    "{n} transcripts go, since the sessions that stay have others.",
)
CONSENT_ENDS = counted(
    "lifecycle.consent_ends",
    "The consent to {n} recording was withdrawn for one of the two, so it is withdrawn.",
    "The consents to {n} recordings were withdrawn for one of the two, so they are withdrawn.",
)
CONSENT_HOLDS = counted(
    "lifecycle.consent_holds",
    "The consent to {n} recording is noted for one of the two only; it holds.",
    "The consents to {n} recordings are noted for one of the two only; they hold.",
)
RETENTION_SHORTENS = counted(
    "lifecycle.retention_shortens",
    "{n} recording has two ends of retention: the earlier one counts.",
    "{n} recordings have two ends of retention: the earlier ones count.",
)
SAME_QUESTIONNAIRES = counted(
    "lifecycle.same_questionnaires",
    "{n} questionnaire is of both and counts once, as it was last corrected.",
    "{n} questionnaires are of both and count once, as they were last corrected.",
)
OTHER_ANSWERS = counted(
    "lifecycle.other_answers",
    "{n} questionnaire has the same time as another one and other answers: both stay and count. Correct what is wrong "
    "on the Questionnaire page.",
    "{n} questionnaires have the same time as another one and other answers: all stay and count. Correct what is wrong "
    "on the Questionnaire page.",
)
SAME_WORDS = counted(
    "lifecycle.same_words",
    "{n} event or note is of both and stays once.",
    "{n} events and notes are of both and stay once.",
)
ACCOUNTS_SEE_MORE = template(
    "lifecycle.accounts_see_more", "These accounts see one of the two, and by the merging the whole person: {names}."
)

NO_RECORDING = template(
    "lifecycle.no_recording",
    "There is no recording of this session here: its file was removed or is not on this machine.",
)
MASK_NO_CONSENT = template(
    "lifecycle.mask_no_consent",
    "No consent is recorded for this session, so its recording is not exported: record it on the session's page.",
)
MASK_WITHDRAWN = template(
    "lifecycle.mask_withdrawn",
    "The consent to this session was withdrawn, so its recording is not exported; it can be erased.",
)
ENCRYPTION_WAITS_FOR_READER = template(
    "lifecycle.encryption_waits_for_reader",
    "Everything is converted, and another program still reads the database, so what was there before is still in its "
    "file or its write-ahead log: stop the dashboard and run the same command again.",
)
ENCRYPTION_NEEDS_ROOM = template(
    "lifecycle.encryption_needs_room",
    "Everything is converted, and the disk has too little room to write the database anew, so what was there before is "
    "still in its file: free some space and run the same command again.",
)
ENCRYPTION_UNFINISHED = template(
    "lifecycle.encryption_unfinished",
    "Another program wrote rows meanwhile: stop workers and dashboards and run the same command again.",
)
DATABASE_IS_OPEN = template(
    "lifecycle.database_is_open",
    "Another program has the database open, so it was left as it is: stop workers, dashboards and other programs that "
    "read it, and run the same command again.",
)
DATABASE_NEEDS_ROOM = template(
    "lifecycle.database_needs_room",
    "The disk has too little room for a second database, so it was left as it is: free some space and run the same "
    "command again.",
)
SERVER_ENCRYPTS = template(
    "lifecycle.server_encrypts",
    "The database is a PostgreSQL server's, which this command cannot encrypt: encrypt its disk.",
)
DATABASE_ENCRYPTED = template("lifecycle.database_encrypted", "The database is encrypted as a whole.")
DATABASE_IN_PLAIN = template(
    "lifecycle.database_in_plain",
    "The database is not encrypted as a whole: labels, questionnaires and scores are in plain.",
)
ENCRYPT_DATABASE = template(
    "lifecycle.encrypt_database", "Encrypt its disk, or the database: fer-phq encryption on --database."
)
KEY_IN_DATA_FOLDER = template(
    "lifecycle.key_in_data_folder",
    "The key file {path} lies in the data folder: whoever copies that folder has the key as well.",
)
MOVE_KEY = template(
    "lifecycle.move_key", "Move it elsewhere and set FERPHQ_ENCRYPTION_KEY_FILE; keep a copy of it in a safe place."
)
KEY_THERE = template("lifecycle.key_there", "The key of {place} is there, and out of others' reach.")
NOT_ENCRYPTED = template("lifecycle.not_encrypted", "A key is configured, and nothing is encrypted.")
TURN_ENCRYPTION_ON = template("lifecycle.turn_encryption_on", "Turn it on: fer-phq encryption on.")
ALL_ENCRYPTED = template(
    "lifecycle.all_encrypted", "Everything that can be encrypted is encrypted: {count} recordings and rows."
)
PARTLY_ENCRYPTED = template(
    "lifecycle.partly_encrypted", "{encrypted} recordings and rows are encrypted, and {plain} are not."
)
FINISH_ENCRYPTION = template(
    "lifecycle.finish_encryption", "Stop workers and dashboards, then finish it: fer-phq encryption {direction}."
)
HEADS_LEARNED = template(
    "lifecycle.heads_learned",
    "These models learned from the sessions and do not unlearn them: {names}. Train them again without, and remove the "
    "old ones.",
)
HEADS_WITH_ERASED = template(
    "lifecycle.heads_with_erased", "Models learned from people who were erased since ({heads})."
)
TRAIN_AGAIN = template("lifecycle.train_again", "Train them again without these people, and remove the old ones.")
NO_HEADS_WITH_ERASED = template(
    "lifecycle.no_heads_with_erased", "No trained model learned from somebody who was erased."
)
LEARNED_FROM_ERASED = counted(
    "lifecycle.learned_from_erased",
    "This model learned from {n} person who was erased since: train it again without them.",
    "This model learned from {n} people who were erased since: train it again without them.",
)
