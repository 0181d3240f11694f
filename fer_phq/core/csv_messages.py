"""What the reader of CSV tables says, in its own words; a table may put some of it in others (`csv_input.Wording`)."""

from __future__ import annotations

from fer_phq.core.messages import template

ROW = template("csv.row", "Row {row}: {problem}")

EMPTY = template("csv.empty", "The table is empty.")
NO_ROWS = template("csv.no_rows", "The table has a heading and no rows below it.")
TOO_LARGE = template("csv.too_large", "The table is larger than {mib} MiB; split it.")
TOO_MANY_ROWS = template("csv.too_many_rows", "The table has {rows} rows; split it into tables of at most {limit}.")
NO_TEXT = template("csv.no_text", "The file is no text; save the table as 'CSV UTF-8' and choose it again.")
NOT_UTF8 = template("csv.not_utf8", "it is not UTF-8 text; save the table as 'CSV UTF-8' and choose it again.")
NOT_UTF16 = template("csv.not_utf16", "The file is damaged UTF-16; save the table as 'CSV UTF-8' and choose it again.")
QUOTES = template("csv.quotes", "a quotation mark is not closed, or its cell goes on after it.")
LONG_CELL = template("csv.long_cell", "a cell has more than {characters} letters; a quotation mark may not be closed.")

TOO_MANY_CELLS = template("csv.too_many_cells", "it has {cells} cells, the heading has {heading}.")
TOO_FEW_CELLS = template(
    "csv.too_few_cells", "it has {cells} cells, the heading has {heading}; fill in what is missing."
)

UNKNOWN_COLUMN = template("csv.unknown_column", "the column '{column}' is unknown; the columns are {known}.")
UNNAMED_COLUMN = template("csv.unnamed_column", "the column without a name is unknown; the columns are {known}.")
REPEATED_COLUMN = template("csv.repeated_column", "the column '{column}' is there {times} times; leave one.")
SAME_MEANING = template("csv.same_meaning", "the columns {columns} all stand for {column}; leave one.")
MISSING_COLUMN = template("csv.missing_column", "the column '{column}' is missing.")
