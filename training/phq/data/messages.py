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
