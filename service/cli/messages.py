"""Messages of the command line: options that do not go together, and files that cannot be written."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

SAVE_NEEDS_SUBJECT = template("cli.save_needs_subject", "--save needs --subject: results are kept for a subject.")
SAVE_NEEDS_CONSENT = template(
    "cli.save_needs_consent",
    "A person's recording is stored only with their consent: name who recorded it with --consent-by.",
)
NOT_SAVED = template("cli.not_saved", "--consent-by and --recorded-at belong to what is kept: add --subject.")
SPEAKER_ALONE = template("cli.speaker_alone", "--speaker names a speaker of the transcript: add --transcript.")
ONE_RECORDING = template("cli.one_recording", "--transcript and --audio belong to one recording: name one file.")
UNKNOWN_CHANNEL = template(
    "cli.unknown_channel", "--sound-channel is left, right or the channel's number from 1, not '{name}'."
)
LEFT_OUT = counted(
    "cli.left_out",
    "{n} file in {path} is no recording by its ending and is left out ({names}): name it outright to analyse it.",
    "{n} files in {path} are no recordings by their endings and are left out ({names}): name them outright to analyse "
    "them.",
)
QUEUE_NEEDS_CONSENT = template(
    "cli.queue_needs_consent",
    "Recordings are stored only with their subjects' consent: name who recorded it with --consent-by.",
)
FILE_DATES = counted(
    "cli.file_dates",
    "{n} recording was stored under its file's own date, which may be that of a copy: the report's column "
    "recorded_at_from says which; a table with recorded_at says when it was.",
    "{n} recordings were stored under their files' own dates, which may be those of copies: the report's column "
    "recorded_at_from says which; a table with recorded_at says when they were.",
)
NOT_WITH_PICTURES = template(
    "cli.not_with_pictures", "{option} does not go together with pictures: nothing of them is stored."
)
NO_FACE_IN_PICTURE = template("cli.no_face_in_picture", "none was found")
NOT_WITH_QUEUE = template("cli.not_with_queue", "{option} does not go together with --queue.")
ONLY_WITH_QUEUE = template("cli.only_with_queue", "{option} belongs to --queue.")
NEEDS_FACE_RATE = template(
    "cli.needs_face_rate",
    "{option} needs the face to be followed: leave out --key-frames, and set --face-rate to more than 0.",
)
NO_MESH_OF_KEY_FRAMES = template(
    "cli.no_mesh_of_key_frames",
    "--face-rate does not go together with --key-frames: they lie too far apart to follow a face.",
)
CANNOT_COPY = template("cli.cannot_copy", "{path} cannot be copied: {error}.")
CANNOT_MAKE_FOLDER = template("cli.cannot_make_folder", "The folder {folder} cannot be made: {error}.")
CANNOT_WRITE_FILE = template("cli.cannot_write_file", "The file {path} cannot be written: {error}.")
FILE_EXISTS = template("cli.file_exists", "{path} is there already: add --force to replace it, or name another file.")
NO_SUCH_FOLDER = template("cli.no_such_folder", "{path} cannot be written: there is no folder {folder}; make it first.")
TRANSCRIBED = template(
    "cli.transcribed",
    "{path}: {segments} segments, {uncertain} of them uncertain or without words, recognised by {model}.",
)
RESET_AND_REMOVE = template("cli.reset_and_remove", "--reset and --remove cannot be used together: choose one.")
FILE_DAMAGED = template("cli.file_damaged", "{path} is not the file that was shipped: its hash differs.")
NO_PROBABILITIES = template("cli.no_probabilities", "{model_id} gives no probabilities: its weights are not usable.")
NO_SUBJECT = template(
    "cli.no_subject", "There is no subject '{subject}': `fer-phq reanalyse` without --subject takes all."
)
MANIFEST_OR_STORE = template(
    "cli.manifest_or_store",
    "Name a manifest, or use --from-store; and name the new bundle's folder with --out.",
)
WITHIN_DAYS_RANGE = template("cli.within_days_range", "--within-days lies between 0 and {longest:g}.")
NO_TRACK_IDS = template("cli.no_track_ids", "'{text}' names no face tracks: write their numbers, as in --track 0,3.")
