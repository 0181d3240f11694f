"""Messages about annotation files: why one cannot be used, and what was assumed of one that is."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

MISSING = template("annotations.missing", "There is no file {file}: check its name.")
UNREADABLE = template("annotations.unreadable", "{file} cannot be read: {error}.")
UNUSABLE = template("annotations.unusable", "{file} cannot be used: {reason}")

# Reasons why a file cannot be used
EMPTY = template("annotations.empty", "it is empty.")
NOT_ORDINARY = template("annotations.not_ordinary", "it is not an ordinary file.")
TOO_LARGE = template("annotations.too_large", "it is larger than {mib} MiB, which no coding of a session is.")
NOT_UTF8 = template("annotations.not_utf8", "it is not UTF-8 at line {line} (byte {byte}); save it as UTF-8 text.")
NOT_UTF16 = template("annotations.not_utf16", "it is damaged UTF-16; save it as UTF-8 text.")
NOT_TEXT = template(
    "annotations.not_text",
    "it is no text; name a table (CSV or TSV) or a .boris project of BORIS, an .eaf of ELAN or a TextGrid of Praat.",
)
SPREADSHEET = template(
    "annotations.spreadsheet", "it is a spreadsheet or a compressed file; export the table as CSV, or unpack the file."
)
UNKNOWN_FORMAT = template(
    "annotations.unknown_format",
    "it is none of BORIS's tables (CSV, TSV) or projects (.boris), ELAN's .eaf or Praat's TextGrid.",
)
NO_BORIS_COLUMNS = template(
    "annotations.no_boris_columns",
    "its first lines name no columns of BORIS: the export of tabular events has Behavior, Behavior type and Time, "
    "that of aggregated events Behavior, Behavior type, Start (s) and Stop (s).",
)
IS_SERIES = template(
    "annotations.is_series", "it is a series of measurements that {format} wrote, and holds no annotations."
)
NO_ANNOTATIONS = template("annotations.no_annotations", "it holds no annotation.")
NOT_A_TIME = template(
    "annotations.not_a_time", "line {line}: '{cell}' is no time; write seconds (62.5) or hours:minutes:seconds."
)
COMMA = template(
    "annotations.comma",
    "line {line}: the comma in '{cell}' may be a decimal mark or part thousands; export it with decimal points.",
)
NO_STOP_TIME = template("annotations.no_stop_time", "line {line}: the state '{code}' has no Stop (s).")
UNKNOWN_TYPE = template(
    "annotations.unknown_type", "line {line}: the type '{type}' is none of START, STOP, STATE and POINT."
)
NO_BEHAVIOR = template("annotations.no_behavior", "line {line}: it names no behaviour.")
NEGATIVE = template(
    "annotations.negative",
    "'{code}' is at {time_s:.3f} s, before the recording's start; count from the recording's start.",
)
END_BEFORE_START = template(
    "annotations.end_before_start", "'{code}' ends at {end_s:.3f} s, before its start at {start_s:.3f} s."
)
BEYOND_DAY = template(
    "annotations.beyond_day",
    "'{code}' is at {time_s:.0f} s, beyond 24 hours; times count seconds, and these may be milliseconds.",
)
BEYOND_END = template(
    "annotations.beyond_end",
    "'{code}' is at {time_s:.3f} s and the recording ends at {duration_s:.3f} s: it is of another recording, or its "
    "times have an offset.",
)
BEYOND_END_MILLISECONDS = template(
    "annotations.beyond_end_milliseconds",
    "'{code}' is at {time_s:.0f} s and the recording ends at {duration_s:.1f} s: its times look like milliseconds; "
    "export them in seconds.",
)
OTHER_LENGTH = template(
    "annotations.other_length",
    "it is of another recording: it says that its own lasts {own_s:.1f} s, and this one lasts {duration_s:.1f} s.",
)
STATE_OPEN = template(
    "annotations.state_open",
    "the state '{code}' that starts at {time_s:.3f} s never stops; give it a stop in BORIS.",
)
STATE_RESTARTED = template(
    "annotations.state_restarted", "the state '{code}' starts again at {time_s:.3f} s before it stops."
)
STATE_NOT_STARTED = template(
    "annotations.state_not_started", "the state '{code}' stops at {time_s:.3f} s without a start."
)
SEVERAL_OBSERVATIONS = template(
    "annotations.several_observations", "it holds several observations ({names}); name one of them."
)
NO_SUCH_OBSERVATION = template(
    "annotations.no_such_observation", "it holds no observation '{name}'; its observations are: {names}."
)
NO_OBSERVATIONS = template("annotations.no_observations", "it holds no observation.")
NOT_JSON = template("annotations.not_json", "it begins like JSON and is none, from line {line} on.")
NOT_BORIS = template(
    "annotations.not_boris", "it is JSON without BORIS's behaviors_conf and observations; name a .boris project."
)
DAMAGED_EVENT = template(
    "annotations.damaged_event",
    "event {number} of its observation is none of BORIS's: it needs a time in seconds, a subject and a behaviour.",
)
UNDEFINED_BEHAVIOR = template(
    "annotations.undefined_behavior",
    "event {number} has the behaviour '{code}', which its ethogram does not define.",
)
NO_TIMES = template(
    "annotations.no_times", "its events have no times, as those of pictures; code a recording to have times."
)
NOT_XML = template("annotations.not_xml", "it is damaged XML at line {line}.")
ENTITIES = template(
    "annotations.entities", "it declares a document type, which ELAN never writes and which may hide endless text."
)
NOT_ELAN = template("annotations.not_elan", "it is XML, and no annotation document of ELAN.")
TIME_UNITS = template("annotations.time_units", "its times are counted in {unit}; only milliseconds can be read.")
BINARY_PRAAT = template("annotations.binary_praat", "it is a binary file of Praat; save it with Save as text file.")
NOT_TEXTGRID = template("annotations.not_textgrid", "it is a file of Praat that holds no TextGrid.")
DAMAGED_TEXTGRID = template(
    "annotations.damaged_textgrid", "it ends or differs from a TextGrid at its value {number}, at line {line}."
)
REPEATED_TIER = template("annotations.repeated_tier", "two of its tiers are called '{name}'; rename one.")

# Reasons why a series cannot be used
NOT_SERIES = template(
    "annotations.not_series",
    "its heading has the columns of neither OpenFace (timestamp, confidence, success) nor py-feat (frame, FaceScore).",
)
NO_MEASUREMENTS = template(
    "annotations.no_measurements", "its heading has no columns of movements, gaze, pose or emotions."
)
NO_ROWS = template("annotations.no_rows", "it has a heading and no rows below it.")
NOT_A_NUMBER = template(
    "annotations.not_a_number", "line {line}: '{cell}' in the column {column} is no number; write it as 0.5."
)
BACKWARDS = template("annotations.backwards", "line {line}: its time {time_s:.3f} s lies before that of the row above.")
STANDING_CLOCK = template(
    "annotations.standing_clock", "all its rows have the time {time_s:.3f} s, as pictures have; it needs a recording."
)
SEVERAL_FACES = template(
    "annotations.several_faces", "it holds several faces ({faces}); name the one that is the subject's."
)
UNNAMED_FACES = template(
    "annotations.unnamed_faces",
    "line {line} is a second row at {time_s:.3f} s: it holds several faces, and no column says whose each row is; "
    "leave the others' rows out.",
)
NO_SUCH_FACE = template("annotations.no_such_face", "it holds no face '{face}'; its faces are: {faces}.")
NO_FRAME_RATE = template(
    "annotations.no_frame_rate", "it counts frames and has no times; say how many frames a second were analysed."
)
WRONG_FRAME_RATE = template(
    "annotations.wrong_frame_rate",
    "line {line}: at {rate:g} frames a second its frame {frame} is at {time_s:.1f} s, and the row says {own_s:.0f} s.",
)

SEVERAL_OFFSETS = template(
    "annotations.several_offsets",
    "its time offset is {one_s:g} s in one place and {other_s:g} s in another: export one observation alone.",
)

# Warnings about a file that was read
TIME_OFFSET = template(
    "annotations.time_offset",
    "BORIS added an offset of {offset_s:g} s to its times; they were brought back to the recording's start.",
)
SEVERAL_MEDIA = counted(
    "annotations.several_media",
    "It was coded over {n} media file in a row; its times run on from the first.",
    "It was coded over {n} media files in a row; its times run on from the first.",
)
LIVE = template("annotations.live", "It was coded live: its times count from when the coder started the clock.")
MEDIA_ORIGIN = template(
    "annotations.media_origin",
    "ELAN plays its medium from {origin_s:g} s on; its times were counted from the medium's start again.",
)
MEDIA_ORIGINS = template(
    "annotations.media_origins",
    "Its media begin at different times; its times were taken as counted from the first one's start.",
)
UNALIGNED = counted(
    "annotations.unaligned",
    "{n} annotation without times of its own was left out.",
    "{n} annotations without times of their own were left out.",
)
LATE_GRID = template(
    "annotations.late_grid", "Its TextGrid begins at {start_s:g} s; times were taken as from the recording's start."
)
WITHOUT_FACE = counted(
    "annotations.without_face",
    "In {n} of {total} rows the face was not followed; they count as missing.",
    "In {n} of {total} rows the face was not followed; they count as missing.",
)
SHORT_SERIES = template(
    "annotations.short_series",
    "It ends at {end_s:.1f} s and the recording at {duration_s:.1f} s: the rest is missing, or it is of another one.",
)
