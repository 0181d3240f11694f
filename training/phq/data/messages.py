"""What is said of manifests and of the corpora's label files."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

# A manifest's report

UNUSABLE = template("manifest.unusable", "The manifest {path} cannot be used: {reason}.")
PROBLEMS_IN_ROWS = template("manifest.problems_in_rows", "{problems} in {bad} of {rows}")
PROBLEMS = counted("manifest.problems", "{n} problem", "{n} problems")
ROWS = counted("manifest.rows", "{n} row", "{n} rows")
ROWS_ARE_RECORDS = template(
    "manifest.rows_are_records", "Rows are records, as a spreadsheet counts them: some cells hold line breaks."
)
SKIP_BAD = template("manifest.skip_bad", "--skip-bad leaves out {rows} and uses the other {rest}.")
PROBLEM_LINE = template("manifest.problem_line", "{before}\n  {line}")

ROW_AND_COLUMN = template("manifest.row_and_column", "row {row}, {column}: {problem}")
ROW = template("manifest.row", "row {row}: {problem}")
COLUMN = template("manifest.column", "{column}: {problem}")

ABOUT_WHOLE = template("manifest.about_whole", "The manifest as a whole ({n}):")
ABOUT_COLUMNS = template("manifest.about_columns", "Columns ({n}):")
ABOUT_ROWS = template("manifest.about_rows", "Rows that do not fit the header ({n}):")
ABOUT_EMPTY = template("manifest.about_empty", "Empty cells ({n}):")
ABOUT_SCALES = template("manifest.about_scales", "Scales ({n}):")
ABOUT_SCORES = template("manifest.about_scores", "Scores ({n}):")
ABOUT_CELLS = template("manifest.about_cells", "Other cells ({n}):")
ABOUT_FILES = template("manifest.about_files", "Files ({n}):")
ABOUT_SUBJECTS = template("manifest.about_subjects", "One recording under several subjects or scores ({n}):")
ABOUT_DUPLICATES = template("manifest.about_duplicates", "Duplicate rows ({n}):")
ABOUT_FEATURES = template("manifest.about_features", "Features files ({n}):")

# The file

UNREADABLE = template("manifest.unreadable", "it cannot be read: {strerror}")
TOO_LARGE = template("manifest.too_large", "it is larger than {mib} MiB, so it is no manifest")
EMPTY = template("manifest.empty", "it is empty: a header and a row for each session are expected")
NO_ROWS = template("manifest.no_rows", "it holds a header and no rows")
NO_TEXT = template("manifest.no_text", "line {line} holds a NUL byte: it is no text, or it is damaged")
NOT_UTF8 = template("manifest.not_utf8", "byte {byte} in line {line} is not UTF-8: save the file as UTF-8")
NOT_UTF16 = template("manifest.not_utf16", "it is damaged UTF-16: save it as UTF-8")
NO_CSV = template("manifest.no_csv", "row {row} is no CSV ({reason}): a quote is missing or one too many")

# Columns and rows

CELLS = template("manifest.cells", "it has {cells} cells where the header has {heading}")
REPEATED_COLUMN = template("manifest.repeated_column", "{times} columns have this name")
SAME_MEANING = template("manifest.same_meaning", "{columns} are one column under several names: leave one")
MISSING_COLUMN = template("manifest.missing_column", "this column is missing")
MISSING_COLUMNS = template("manifest.missing_columns", "one of these columns is needed, both are missing")
EITHER = template("manifest.either", "{first} or {second}")
UNNAMED_COLUMN = template("manifest.unnamed_column", "column {number} holds values and has no name")
MISSPELT_COLUMN = template("manifest.misspelt_column", "no column we know, probably {column} misspelt: rename it")

# Cells

EMPTY_CELL = template("manifest.empty_cell", "it is empty")
TWO_SOURCES = template("manifest.two_sources", "the row names a recording and a features file: keep one")
UNKNOWN_SCALE = template("manifest.unknown_scale", "'{cell}' is neither PHQ-8 nor PHQ-9")
NO_TIME = template("manifest.no_time", "'{cell}' is no ISO 8601 time such as 2024-05-03T14:30")
UNKNOWN_SPLIT = template("manifest.unknown_split", "'{cell}' is none of train, dev, test")
NO_INTEGER = template("manifest.no_integer", "'{cell}' is not an integer")
SCORE_RANGE = template("manifest.score_range", "'{cell}' is outside {scale}'s 0 to {maximum}")
TOO_MANY_ITEMS = template("manifest.too_many_items", "{scale} has {items} items")
NO_ANSWER = template("manifest.no_answer", "'{cell}' is no answer: 0, 1, 2 or 3")
MISSING_ANSWERS = counted(
    "manifest.missing_answers",
    "{items} is empty beside other answers: give all or none",
    "{items} are empty beside other answers: give all or none",
)
OTHER_SUM = template("manifest.other_sum", "it is {score}, the answers sum to {total}")

# Files

NOT_THERE = template("manifest.not_there", "'{file}' is not there")
CANNOT_OPEN = template("manifest.cannot_open", "'{file}' cannot be opened: {strerror}")
FOLDER = template("manifest.folder", "'{file}' is a folder, not a file")
NOT_REGULAR = template("manifest.not_regular", "'{file}' is no regular file")
EMPTY_FILE = template("manifest.empty_file", "'{file}' is empty")
FORBIDDEN = template("manifest.forbidden", "'{file}' may not be read")
SAME_FILE = template("manifest.same_file", "'{file}' is the same file as row {row}'s")
SAME_FILE_OTHER_CELL = template(
    "manifest.same_file_other_cell", "'{file}' is the same file as row {row}'s, there {column} '{cell}'"
)
SPACE = template("manifest.space", "{width} numbers a row")
SPACE_OF_KIND = template("manifest.space_of_kind", "{width} numbers a row of kind {kind}")
OTHER_SPACE = counted(
    "manifest.other_space",
    "the {modality} has {space}, in {n} row it has {usual}",
    "the {modality} has {space}, in {n} rows it has {usual}",
)

# The whole

NO_ROW_LEFT = template("manifest.no_row_left", "no row is left once those with problems are left out")
SCALE_ROWS = counted(
    "manifest.scale_rows",
    "{scale} in {n} row (the first is row {row})",
    "{scale} in {n} rows (the first is row {row})",
)
MIXED_SCALES = template("manifest.mixed_scales", "it mixes {first} and {second}: one manifest has one scale")
ONE_SUBJECT = template("manifest.one_subject", "every row is of the one subject '{subject}'")
ONE_SUBJECT_LEFT = template("manifest.one_subject_left", "every row that is left is of the one subject '{subject}'")
ONE_SCORE = template("manifest.one_score", "every row has the score {score}: nothing can be learnt")
ONE_SCORE_LEFT = template(
    "manifest.one_score_left", "every row that is left has the score {score}: nothing can be learnt"
)
SEVERAL_PARTS = template(
    "manifest.several_parts", "the subject '{subject}' is in {parts}: a subject belongs to one part"
)
BOTH = template("manifest.both", "{first} and {second}")

# Label files of DAIC-WOZ and E-DAIC

LABELS_UNREADABLE = template("daic.labels_unreadable", "The label file {path} cannot be read: {reason}.")
LABELS_UNUSABLE = template("daic.labels_unusable", "The label file {path} cannot be used: {reason}")
EMPTY_LABEL_FILE = template("daic.empty_label_file", "it is empty and has no column Participant_ID.")
NO_PARTICIPANT_COLUMN = template(
    "daic.no_participant_column", "{path} has no column Participant_ID; its columns are {columns}."
)
NO_SCORE_COLUMN = template(
    "daic.no_score_column", "{path} has no column PHQ8_Score or PHQ_Score; its columns are {columns}."
)
NO_PARTICIPANT = template(
    "daic.no_participant",
    "{path} names a participant '{cell}' in column Participant_ID, row {row}: a number is expected.",
)
NO_WHOLE_SCORE = template("daic.no_whole_score", "{file} gives the score '{cell}', which is no whole number.")
OTHER_CLASS = template("daic.other_class", "{file} gives the score {score} and the class {label}; the score is used.")
TWO_ROWS = template("daic.two_rows", "Participant {participant} has two rows in the label files of {folder}: {parts}.")
NO_LABEL_FILE = template("daic.no_label_file", "The part {part} has no label file {file}: it is not used.")
NO_SCORES = template("daic.no_scores", "{file} holds no scores: the part {part} needs {needed}.")

# Sessions and folders of DAIC-WOZ and E-DAIC

NO_FOLDER = template("daic.no_folder", "There is no folder {folder}: DAIC-WOZ or E-DAIC is expected there.")
NEITHER_CORPUS = template(
    "daic.neither_corpus",
    "{folder} is neither DAIC-WOZ nor E-DAIC: it holds no {first} nor {second}, nor does its folder labels.",
)
BOTH_CORPORA = template(
    "daic.both_corpora",
    "{folder} holds the label files of both DAIC-WOZ and E-DAIC: give each its own folder.",
)
NO_SESSION = template("daic.no_session", "No session of {corpus} under {folder} can be used. {reason}")
NO_LABEL_ROW = template("daic.no_label_row", "Its label files hold no row.")
LEFT_OUT = template("daic.left_out", "{session} ({part}): {reason}")
NO_TRANSCRIPT = template("daic.no_transcript", "{session} has no transcript {file}.")
SESSION_WARNING = template("daic.session_warning", "{session}: {warning}")
WITHOUT_LABEL = counted(
    "daic.without_label",
    "{n} folder has no label and is not used: {folders}.",
    "{n} folders have no label and are not used: {folders}.",
)
SAME_PEOPLE = template(
    "daic.same_people",
    "DAIC-WOZ and E-DAIC hold the same people (participants 300 to 492): one cannot be the other's test, "
    "nor can they be trained on together; use one of them.",
)
NO_SCORE = template("daic.no_score", "it has no PHQ-8 score.")
SCORE_OUTSIDE = template("daic.score_outside", "its score {score} is outside PHQ-8's 0 to {maximum}.")
NO_SESSION_FOLDER = template("daic.no_session_folder", "there is no folder {folder}.")
NOT_UNPACKED = template("daic.not_unpacked", "there is no folder {folder}, {file} is not unpacked.")
NOT_WHOLE = counted(
    "daic.not_whole",
    "{folder} is not whole: {files} is missing.",
    "{folder} is not whole: {files} are missing.",
)
OTHER_NAME = template("daic.other_name", "a column is named {name}, in most sessions it is {usual}.")

# Feature files of DAIC-WOZ and E-DAIC

FILE_UNREADABLE = template("daic.file_unreadable", "{path} cannot be read: {reason}.")
OTHER_WIDTH = template("daic.other_width", "{path} has {columns} columns, {expected} are expected.")
UNEXPECTED_HEADER = template(
    "daic.unexpected_header", "{path} starts with '{cell}' in column 1: numbers without a header are expected."
)
OTHER_COLUMN = template("daic.other_column", "{path} names column {number} '{cell}', {expected} is expected.")
NO_HEADER = template("daic.no_header", "{path} holds '{cell}' in its first line: names of columns are expected.")
CUT_OFF = template("daic.cut_off", "{path} is cut off: its last line has {columns} columns of {expected}.")
NO_DATA = template("daic.no_data", "{path} holds no rows.")
NO_PITCH = template("daic.no_pitch", "{path} has no column of the pitch (F0semitoneFrom27.5Hz_sma3nz is expected).")
FRAMES_BACKWARDS = template("daic.frames_backwards", "{path}: its frame numbers do not run forward.")
NO_COMMON_FRAME = template("daic.no_common_frame", "{path}, its gaze and its pose have no frame in common.")
TIMES_BACKWARDS = template("daic.times_backwards", "{path}: its timestamps do not run forward.")
NOTHING_MEASURED = template("daic.nothing_measured", "{folder} has no frame with a face and no sound.")
