"""Messages about recordings, transcripts, tables and links that come in."""

from __future__ import annotations

from fer_phq.core.messages import Message, counted, template

NO_DATE = template("ingest.no_date", "'{text}' is no date; write it as 2026-11-03 or 2026-11-03 14:05.")
IN_THE_FUTURE = template("ingest.in_the_future", "the date '{text}' lies in the future.")
BEFORE_1990 = template("ingest.before_1990", "the date '{text}' lies before 1990.")
SUBJECT_LABEL = template("ingest.subject_label", "the subject must be one line of 1 to 200 characters.")

NO_FILE = template("ingest.no_file", "it names no file.")
REPEATED_FILE = template("ingest.repeated_file", "the file '{file}' stands in row {row} already.")
NAMES_A_FOLDER = template("ingest.names_a_folder", "'{name}' names a folder; write the file's name alone.")
NOBODY_CONSENTED = template(
    "ingest.nobody_consented",
    "nobody is named who recorded the consent; fill in consent_by, or name somebody on the page.",
)
CONSENT_BY = template("ingest.consent_by", "consent_by must be one line of at most 80 characters.")
KEEP_DAYS = template("ingest.keep_days", "keep_days is '{text}'; write whole days from 1 to 36500, or leave it empty.")
SPEAKER_ALONE = template("ingest.speaker_alone", "it names a speaker and no transcript.")
NOT_AMONG_TRANSCRIPTS = template(
    "ingest.not_among_transcripts",
    "the transcript '{name}' is not among the transcripts chosen beside the table.",
)

UNKNOWN_SCALE = template("ingest.unknown_scale", "the scale '{scale}' is unknown; write PHQ-8 or PHQ-9.")
ITEM_VALUE = template("ingest.item_value", "{column} is '{text}'; write 0, 1, 2 or 3.")
CODED_FROM_1 = template(
    "ingest.coded_from_1",
    "its answers are 1 to 4 and never 0: the survey tool counts from 1; subtract 1 from every answer.",
)
NO_ZERO = template(
    "ingest.no_zero",
    "No answer of this table is 0. Survey tools often write 1 to 4 for the answers 0 to 3: every score would then be 8 "
    "or 9 points too high, and item 9 would be flagged. Look at the form before you keep the table.",
)
ITEM_EMPTY = template("ingest.item_empty", "{column} is empty; a questionnaire with a gap has no score.")
ITEM_9_OF_PHQ8 = template("ingest.item_9_of_phq8", "a PHQ-8 has no {column}; leave it empty, or write PHQ-9.")
DIFFICULTY_VALUE = template("ingest.difficulty_value", "difficulty is '{text}'; write 0, 1, 2 or 3, or leave it empty.")
NO_DIFFICULTY_QUESTION = template(
    "ingest.difficulty_not_asked", "difficulty is asked only when an item is above 0; leave it empty."
)
SAME_AS_ROW = template("ingest.same_as_row", "it says the same as row {row}.")
SAME_BUT_DIFFICULTY = template(
    "ingest.same_but_difficulty",
    "it says the same as row {row}, but for the difficulty; leave one of the two.",
)

NOT_A_STORED_PATH = template("ingest.not_a_stored_path", "'{path}' is not the path of a stored recording.")
TOO_LARGE = template(
    "ingest.too_large",
    "The recording is larger than the {limit} this installation takes; send a shorter or smaller one.",
)
NO_ROOM = template(
    "ingest.no_room", "There is too little free space on the server's disk for this recording; free some."
)
OVER_QUOTA = template(
    "ingest.over_quota",
    "The stored recordings would take more than the {quota} set by FERPHQ_MEDIA_QUOTA_BYTES; "
    "erase sessions that are no longer needed.",
)
DISK_FULL = template("ingest.disk_full", "The server's disk is full; free some space and send the recording again.")
FILE_SYSTEM_LIMIT = template(
    "ingest.file_system_limit", "The server's file system takes no file that large; send a smaller one."
)
STORAGE_FAILED = template(
    "ingest.storage_failed", "The recording could not be {step} ({reason}); look at the data folder."
)
CREATION = template("ingest.step_begun", "begun")
WRITTEN = template("ingest.step_written", "written")
COPIED = template("ingest.step_copied", "copied")
LOCKED = template("ingest.step_locked", "locked")
STORED = template("ingest.step_stored", "stored")
REMOVED = template("ingest.step_removed", "removed")
GIBIBYTES = template("ingest.gibibytes", "{amount} GiB")
MEBIBYTES = template("ingest.mebibytes", "{amount} MiB")
KIBIBYTES = template("ingest.kibibytes", "{amount} KiB")
CHANGED_MEANWHILE = template(
    "ingest.changed_meanwhile", "{name} changed while it was copied; try again when it is complete."
)
UNREADABLE_FILE = template("ingest.unreadable_file", "The file {path} cannot be read: {reason}.")

SPEAKER_NEEDED = template(
    "ingest.speaker_needed",
    "the transcript {name} has several speakers, and it is not known who of them is the subject; write one of "
    "{speakers} in the column speaker.",
)
NO_SUCH_SPEAKER = template(
    "ingest.no_such_speaker", "The transcript {name} has no speaker '{speaker}': it has {speakers}."
)
NO_SPEAKER_NAMES = template("ingest.no_speaker_names", "no speakers by name")
TRANSCRIPT_TOO_LARGE = template(
    "ingest.transcript_too_large", "The transcript {name} is larger than the {limit} that can be kept."
)
TRANSCRIPT_GONE = template(
    "ingest.transcript_gone", "The transcript of this recording is not there any more; choose it again."
)
NO_PENDING_TRANSCRIPT = template(
    "ingest.no_pending_transcript",
    "This upload names no transcript that could be waiting; reload the page and try again.",
)

STORED_OTHERWISE = template(
    "ingest.stored_otherwise",
    "The recording is session {session_id} of this person already, and not as it is said to be: {differences}. The "
    "session stays as it is: correct what is sent, or the session, on its page or by PATCH /v1/sessions/{session_id}.",
)
RETENTION_OVER = template(
    "ingest.retention_over",
    "The recording is session {session_id} of this person already, and was removed as it was to be kept until {until}: "
    "before it comes again, have the session kept for longer, on its page or by PATCH /v1/sessions/{session_id}.",
)
OTHER_DATE = template("ingest.other_date", "it was recorded at {stored}, not at {sent}")
OTHER_RETENTION = counted(
    "ingest.other_retention",
    "it is kept until {stored}, not for {n} day",
    "it is kept until {stored}, not for {n} days",
)
NO_RETENTION = counted(
    "ingest.no_retention",
    "it is kept until it is erased by hand, not for {n} day",
    "it is kept until it is erased by hand, not for {n} days",
)
ANALYSED_OTHERWISE = template(
    "ingest.analysed_otherwise",
    "it was never analysed with these options (POST /v1/sessions/{session_id}/analyses asks for that)",
)
OTHER_TRANSCRIPT = template("ingest.other_transcript", "it has another transcript, or another speaker as its subject")
ANALYSED_WITHOUT_TRANSCRIPT = template(
    "ingest.analysed_without_transcript",
    "The recording is session {session_id} of this person already, which is being analysed without this transcript: "
    "send it again when that is over.",
)

NO_IMPORT_FOLDER = template(
    "ingest.no_import_folder",
    "No folder on the server is open to this page; set FERPHQ_IMPORT_DIR to the one that holds recordings.",
)
UNREADABLE_IMPORT_FOLDER = template(
    "ingest.unreadable_import_folder",
    "The folder {path} of FERPHQ_IMPORT_DIR cannot be read; check its name and permissions.",
)
IMPORT_FOLDER_IS_NO_FOLDER = template(
    "ingest.import_folder_is_no_folder", "{path} of FERPHQ_IMPORT_DIR is not a folder; name one."
)
NOT_BELOW_IMPORT_FOLDER = template(
    "ingest.not_below_import_folder", "'{path}' is no path below the server's folder for recordings."
)
NOT_IN_IMPORT_FOLDER = template(
    "ingest.not_in_import_folder", "There is no '{path}' in the server's folder for recordings."
)
LEADS_OUT = template("ingest.leads_out", "'{path}' leads out of the server's folder for recordings and is not taken.")
NOT_A_FOLDER = template("ingest.not_a_folder", "'{path}' is not a folder.")
UNREADABLE_FOLDER = template("ingest.unreadable_folder", "The folder '{path}' cannot be read: {reason}.")
NOT_A_FILE = template("ingest.not_a_file", "'{path}' is not a file.")
UNREADABLE_TRANSCRIPT = template("ingest.unreadable_transcript", "'{path}' cannot be read: {reason}.")

NO_RECORDINGS = template("ingest.no_recordings", "The folder {path} holds no recordings ({suffixes}, ...).")
LARGER_THAN_LIMIT = template(
    "ingest.larger_than_limit",
    "'{file}' is larger than the {limit} that FERPHQ_MAX_UPLOAD_BYTES allows; choose a smaller file or raise it.",
)
NOT_ITS_CONTENT = template(
    "ingest.not_its_content",
    "The stored file {name} does not hold the recording of its name: restore it from a backup.",
)
TOO_MANY_UPLOADS = counted(
    "ingest.too_many_uploads",
    "{n} upload is running, as many as this installation takes at once; try again when it is through.",
    "{n} uploads are running, as many as this installation takes at once; try again when one is through.",
)
TOO_MANY_OF_LINK = counted(
    "ingest.too_many_of_link",
    "{n} upload of this page is running, as many as it may send at once; try again when it is through.",
    "{n} uploads of this page are running, as many as it may send at once; try again when one is through.",
)
UPLOAD_IDLE = template(
    "ingest.upload_idle", "Nothing of the upload came for {seconds:.0f} seconds; check the connection and try again."
)
UPLOAD_TOO_SLOW = template(
    "ingest.upload_too_slow",
    "The upload is slower than {rate} bytes a second; try again over a better connection.",
)
UPLOAD_TOO_LONG = template(
    "ingest.upload_too_long",
    "The upload took longer than {hours:.1f} hours; send a smaller recording, or use a better connection.",
)
LINK_USED_UP = template(
    "ingest.link_used_up", "This page has uploaded as often as it may; reload the page and try again."
)
LINK_WITHOUT_TOKEN = template("ingest.link_without_token", "This link carries no token; open it from the dashboard.")
LINK_EXPIRED = template("ingest.link_expired", "This link has expired; reload the page and try again.")
LINK_INVALID = template("ingest.link_invalid", "This link is not valid; reload the page and try again.")
LINK_FOR_ANOTHER = template(
    "ingest.link_for_another", "This link was made for something else; open it from the dashboard."
)
NO_UPLOAD = template("ingest.no_upload", "There is no upload {upload_id}, or it has expired: begin it anew.")
UPLOAD_IN_USE = template(
    "ingest.upload_in_use", "Another request sends to this upload: try again when it is through, or was broken off."
)
WRONG_OFFSET = template("ingest.wrong_offset", "The upload goes on at byte {offset}: ask by HEAD, and send from there.")
TOO_MANY_UNFINISHED = counted(
    "ingest.too_many_unfinished",
    "{n} upload is unfinished, as many as may be: finish or end it first.",
    "{n} uploads are unfinished, as many as may be: finish or end one first.",
)
TOO_MANY_PIECES = template(
    "ingest.too_many_pieces", "The upload came in {n} pieces, as many as may be: begin it anew with larger ones."
)


def size_message(size: int) -> Message:
    """Return a number of bytes in the largest unit that fits: '8 GiB', '300 MiB', '1.5 KiB'.

    Args:
        size: Bytes, not negative.
    """
    if size >= 2**30:
        return GIBIBYTES(amount=round(size / 2**30, 1))
    if size >= 2**20:
        return MEBIBYTES(amount=round(size / 2**20, 1))
    return KIBIBYTES(amount=round(size / 2**10, 1))
