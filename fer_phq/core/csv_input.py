"""The one reader of CSV tables: encoding, delimiter, heading and rows, and everything that is wrong with one at once.

    TABLE = TableFormat((Column("subject_id", ("subject",), required=True), Column("score", required=True)))
    table = read_table(document, TABLE)
    for row in table.rows:
        print(row.number, row["subject_id"], row["score"])

A kind of table declares its columns. Rows come by the columns' names, whichever alias the heading has. Encodings: UTF-8
with or without a byte order mark, UTF-16 with one. Delimiters: comma, semicolon and tab, told from the heading or from
Excel's first line `sep=;`. Letters come composed (NFC), and texts that `without_formula` wrote as they were.
`CsvReader` streams a file of any size, `read_table` reads a document as a whole.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import Enum
from itertools import chain
from typing import BinaryIO, Final, TextIO

from fer_phq.core import csv_messages
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message, Param, Template

DELIMITERS = ",;\t"
BOMS_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0+)?")
_FORMULA = re.compile(r"'*(?:\s*[=+@\-\uff1d\uff0b\uff20\uff0d]|[\t\r\n])")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: The name under which rows have it, in lower case with `_` between its words.
        aliases: Other names that a heading may give it, written in the same way.
        required: Whether a table without it is refused.
    """

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


class OtherColumns(Enum):
    """What becomes of a heading's columns that a table does not declare."""

    REFUSED = "refused"
    """They are a problem."""
    IGNORED = "ignored"
    INCLUDED = "included"
    """Rows have them under their own names, which must differ."""


@dataclass(frozen=True)
class Wording:
    """The templates of the reader's own problems. Each may use any of the facts named here, or none.

    Attributes:
        empty: No line holds anything.
        no_rows: There is a heading alone; None where that is no problem.
        too_large: `mib`, the limit.
        too_many_rows: `rows` and `limit`.
        no_text: `line` that holds a NUL byte.
        not_utf8: `line` and the first `byte` (as 0xE9) that is not UTF-8.
        not_utf16: Nothing.
        quotes: `row`, its first `line`, and `reason` as Python's csv module gives it.
        long_cell: `row`, its first `line`, `characters`, the limit, and `reason`.
        too_many_cells: `line`, and the numbers of `cells` in it and in the `heading`.
        too_few_cells: The same.
        unknown_column: `column` and the `known` ones.
        unnamed_column: `known` ones.
        repeated_column: `column` and how many `times` it is there.
        same_meaning: `columns` of the heading that stand for one `column`.
        missing_column: `column`.
    """

    empty: Template = csv_messages.EMPTY
    no_rows: Template | None = csv_messages.NO_ROWS
    too_large: Template = csv_messages.TOO_LARGE
    too_many_rows: Template = csv_messages.TOO_MANY_ROWS
    no_text: Template = csv_messages.NO_TEXT
    not_utf8: Template = csv_messages.NOT_UTF8
    not_utf16: Template = csv_messages.NOT_UTF16
    quotes: Template = csv_messages.QUOTES
    long_cell: Template = csv_messages.LONG_CELL
    too_many_cells: Template = csv_messages.TOO_MANY_CELLS
    too_few_cells: Template = csv_messages.TOO_FEW_CELLS
    unknown_column: Template = csv_messages.UNKNOWN_COLUMN
    unnamed_column: Template = csv_messages.UNNAMED_COLUMN
    repeated_column: Template = csv_messages.REPEATED_COLUMN
    same_meaning: Template = csv_messages.SAME_MEANING
    missing_column: Template = csv_messages.MISSING_COLUMN


@dataclass(frozen=True)
class TableFormat:
    """What a kind of table looks like.

    Attributes:
        columns: Its columns, in any order in a heading.
        other_columns: What becomes of columns that are none of these.
        short_rows: Whether a row may have fewer cells than the heading, as spreadsheets write what is empty at its end.
        quoted_tabs: Whether quotation marks enclose cells between tabs, too. If not, a row between tabs is always a
            line, and stray quotation marks are text.
        max_bytes: Largest document that `read_table` reads; None for any.
        max_rows: Most rows that `read_table` reads; None for any number.
        wording: What the reader says of problems.
    """

    columns: tuple[Column, ...]
    other_columns: OtherColumns = OtherColumns.REFUSED
    short_rows: bool = True
    quoted_tabs: bool = True
    max_bytes: int | None = None
    max_rows: int | None = None
    wording: Wording = Wording()

    @property
    def names(self) -> dict[str, str]:
        """The column's name by each name that a heading may give it."""
        return {alias: column.name for column in self.columns for alias in (column.name, *column.aliases)}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a table. `str` gives the English, with the row.

    Attributes:
        row: As a spreadsheet counts rows, the heading is 1; None where it concerns the whole table.
        column: The column as the table names it, or ''.
        message: What is wrong.
    """

    row: int | None
    column: str
    message: Message

    @property
    def message_with_place(self) -> Message:
        """The row and what is wrong in it."""
        return self.message if self.row is None else csv_messages.ROW(row=self.row, problem=self.message)

    def __str__(self) -> str:
        """Return the English."""
        return str(self.message_with_place)

    def __lt__(self, other: Problem) -> bool:
        """Order problems by row, those of the whole table first."""
        return (self.row or 0, str(self.message)) < (other.row or 0, str(other.message))


@dataclass(frozen=True)
class Row:
    """One row of a table. `row[column]` gives a cell, '' where there is none.

    Attributes:
        number: As a spreadsheet counts rows.
        line: The file's line where it begins; cells may hold line breaks.
        width: The number of its cells.
        cells: The cells by column, without spaces around them.
        labels: The columns as the table's heading names them, by column.
    """

    number: int
    line: int
    width: int
    cells: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, column: str) -> str:
        """Return a cell, '' where there is none."""
        return self.cells.get(column, "")

    def label(self, column: str) -> str:
        """Return a column's name as the table's heading has it."""
        return self.labels.get(column, column)


@dataclass(frozen=True)
class Table:
    """A table that was read as a whole.

    Attributes:
        heading: The heading's cells as they are written.
        labels: The columns as the heading names them (in lower case), by column.
        rows: Every row with a cell that is not empty; none where there is a `fault`.
        fault: Why rows cannot be read at all.
        heading_problems: What is wrong with the columns.
        row_problems: Rows whose cells do not fit the heading.
        unnamed: The number, from 1, of a column without a name that holds something, or None.
    """

    heading: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    fault: Problem | None = None
    heading_problems: tuple[Problem, ...] = ()
    row_problems: tuple[Problem, ...] = ()
    unnamed: int | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong."""
        return (*([self.fault] if self.fault else []), *self.heading_problems, *self.row_problems)

    @property
    def sound_rows(self) -> tuple[Row, ...]:
        """The rows that fit the heading; none where the heading has problems."""
        unfit = {problem.row for problem in self.row_problems}
        return () if self.heading_problems else tuple(row for row in self.rows if row.number not in unfit)


class CsvError(FerPhqError):
    """A document's rows cannot be read at all.

    Attributes:
        problem: Why, and where.
    """

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(problem.message)
        self.problem = problem


class CsvReader:
    """Rows of a table, one at a time; its heading is read at once. Nothing is raised for what a file holds.

    Attributes:
        heading, labels, fault, heading_problems, row_problems, unnamed: As in `Table`. `fault`, `row_problems` and
            `unnamed` are complete when the last row was read; with a fault there are no further rows.
        delimiter: What stands between cells.
    """

    def __init__(self, text: TextIO, table: TableFormat) -> None:
        """Read the heading.

        Args:
            text: The table, seekable, opened with `newline=""`; `open_text` makes it of a file.
            table: What it should look like.
        """
        self.heading: tuple[str, ...] = ()
        self.labels: dict[str, str] = {}
        self.fault: Problem | None = None
        self.heading_problems: list[Problem] = []
        self.row_problems: list[Problem] = []
        self.unnamed: int | None = None
        self.delimiter = DELIMITERS[0]
        self._format = table
        self._text = text
        self._records: Iterator[_Record] = iter(())
        self._columns: list[tuple[str, int]] = []
        self._unnamed: list[int] = []
        try:
            self._read_heading()
        except CsvError as error:
            self.fault = error.problem

    def __iter__(self) -> Iterator[Row]:
        """Read the rows that have a cell which is not empty."""
        if self.fault is not None:
            return
        try:
            for record in self._records:
                if any(record.cells):
                    yield self._row(record)
        except CsvError as error:
            self.fault = error.problem

    def _read_heading(self) -> None:
        self.delimiter = self._find_delimiter()
        self._records = _records(self._text, self.delimiter, self._format)
        record = next((record for record in self._records if any(record.cells)), None)
        if record is None:
            raise CsvError(Problem(None, "", _fill(self._format.wording.empty)))
        self.heading = tuple(record.cells)
        names = [plain_name(cell) for cell in self.heading]
        column_of = self._format.names
        positions: dict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(names):
            if name in column_of or (name and self._format.other_columns is OtherColumns.INCLUDED):
                positions[column_of.get(name, name)].append(position)
        self._columns = [(column, indices[0]) for column, indices in positions.items()]
        self._unnamed = [position for position, name in enumerate(names) if not name]
        self.labels = {column: names[position] for column, position in self._columns}
        self.heading_problems += _heading_problems(record.number, names, positions, self._format)

    def _find_delimiter(self) -> str:
        """Find the delimiter under which the heading has most of our columns, then most columns."""
        self._text.seek(0)
        separator = _SEPARATOR_LINE.fullmatch(_first_line(self._text, self._format.wording))
        if separator and separator[1] in DELIMITERS:
            return separator[1]
        column_of = self._format.names

        def columns(delimiter: str) -> tuple[int, int]:
            try:
                records = _records(self._text, delimiter, self._format, strict=False)
                cells = next((record.cells for record in records if any(record.cells)), [])
            except CsvError:
                return 0, 0
            names = {plain_name(cell) for cell in cells if cell.strip(",;\t ")}
            return len({column_of[name] for name in names if name in column_of}), len(names)

        return max(DELIMITERS, key=columns)

    def _row(self, record: _Record) -> Row:
        """Return a record by columns, its length compared with the heading's."""
        cells = record.cells
        wording = self._format.wording
        too_long = any(cells[len(self.heading) :])
        if too_long or (len(cells) < len(self.heading) and not self._format.short_rows):
            template = wording.too_many_cells if too_long else wording.too_few_cells
            message = _fill(template, cells=len(cells), heading=len(self.heading), line=record.line)
            self.row_problems.append(Problem(record.number, "", message))
        if self._unnamed and self.unnamed is None:
            self.unnamed = next((i + 1 for i in self._unnamed if i < len(cells) and cells[i]), None)
        by_column = {column: cells[i] for column, i in self._columns if i < len(cells)}
        return Row(record.number, record.line, len(cells), by_column, self.labels)


def read_table(document: bytes | str, table: TableFormat) -> Table:
    """Read a whole table.

    Args:
        document: A file's bytes, or its text.
        table: What it should look like.

    Returns:
        Its rows and everything that is wrong with it.
    """
    wording = table.wording
    if table.max_bytes is not None and len(document) > table.max_bytes:
        return Table(fault=Problem(None, "", _fill(wording.too_large, mib=table.max_bytes >> 20)))
    text = io.StringIO(document, newline="") if isinstance(document, str) else open_text(io.BytesIO(document))
    reader = CsvReader(text, table)
    rows: list[Row] = []
    number = 0
    for row in reader:
        number += 1
        if table.max_rows is None or number <= table.max_rows:
            rows.append(row)
    fault = reader.fault
    if fault is None and table.max_rows is not None and number > table.max_rows:
        fault = Problem(None, "", _fill(wording.too_many_rows, rows=number, limit=table.max_rows))
    elif fault is None and not (rows or reader.heading_problems) and wording.no_rows is not None:
        fault = Problem(None, "", _fill(wording.no_rows))
    return Table(
        reader.heading,
        reader.labels,
        () if fault else tuple(rows),
        fault,
        tuple(reader.heading_problems),
        () if fault else tuple(reader.row_problems),
        reader.unnamed,
    )


def open_text(file: BinaryIO) -> TextIO:
    """Open a seekable file of bytes as text, UTF-16 where its byte order mark says so and UTF-8 otherwise."""
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    return io.TextIOWrapper(file, "utf-16" if start.startswith(BOMS_UTF16) else "utf-8-sig", newline="")


def decode(document: bytes, wording: Wording = Wording()) -> str:
    """Return a document's text, its line ends as they are.

    Args:
        document: UTF-8 or, with a byte order mark, UTF-16.
        wording: The templates of the problems.

    Raises:
        CsvError: It is neither UTF-8 nor UTF-16 with a byte order mark, or it holds NUL bytes.
    """
    return "".join(_lines(open_text(io.BytesIO(document)), wording))


def plain_name(cell: str) -> str:
    """Return a heading's cell as a name: `"Start Time"` as start_time."""
    return re.sub(r"[\s_-]+", "_", cell.strip().casefold()).strip("_")


def parse_whole(cell: str) -> int | None:
    """Return a cell's integer; None where it holds none.

    Spreadsheets and data frames write it with a zero fraction, 12.0, where a column has gaps. Nothing else is an
    integer: not 12,0, not 1e1, no digits of other scripts.
    """
    return int(cell.split(".")[0]) if _WHOLE.fullmatch(cell) else None


def parse_time(cell: str, zone: tzinfo) -> datetime | None:
    """Return the time in a cell; None where it holds none.

    Args:
        cell: ISO 8601, such as 2026-11-03 or 2026-11-03 14:05. Any other order of day and month is none.
        zone: The zone of a time without an offset.
    """
    try:
        time = datetime.fromisoformat(cell.strip())
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=zone)


# Records


@dataclass(frozen=True)
class _Record:
    number: int
    line: int
    cells: list[str]


class _Excel(csv.excel):
    skipinitialspace = True


class _Lines(csv.excel):
    quoting = csv.QUOTE_NONE


def _lines(text: TextIO, wording: Wording) -> Iterator[str]:
    """Yield a text's lines with their ends. Raises CsvError where it is no text."""
    number = 0
    try:
        for number, line in enumerate(text, 1):
            if "\0" in line:
                raise CsvError(Problem(None, "", _fill(wording.no_text, line=number)))
            yield line
    except UnicodeDecodeError as error:
        raise CsvError(_undecodable(text, error, wording)) from None


def _undecodable(text: TextIO, error: UnicodeDecodeError, wording: Wording) -> Problem:
    """Find the first line that is not of the encoding.

    The decoder reads ahead, so the file is read again for it.
    """
    file = getattr(text, "buffer", None)
    if error.encoding.startswith("utf-16") or file is None:
        return Problem(None, "", _fill(wording.not_utf16))
    file.seek(0)
    for number, line in enumerate(file, 1):
        if b"\0" in line:
            return Problem(None, "", _fill(wording.no_text, line=number))
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as first:
            return Problem(number, "", _fill(wording.not_utf8, line=number, byte=f"0x{line[first.start]:02X}"))
    raise error


def _first_line(text: TextIO, wording: Wording) -> str:
    """Return the first line that is not blank, or ''."""
    return next((line for line in _lines(text, wording) if line.strip()), "")


def _records(text: TextIO, delimiter: str, table: TableFormat, strict: bool = True) -> Iterator[_Record]:
    """Yield every record that is not blank, its cells stripped. Raises CsvError where the text cannot be divided."""
    text.seek(0)
    plain = delimiter == "\t" and not table.quoted_tabs
    lines = _lines(text, table.wording)
    number = 0
    first = ""
    for first in lines:  # millions of blank lines before the heading would take the csv module minutes
        if first.strip():
            break
        number += 1
    blank = number
    lines = chain([first], lines)
    reader = csv.reader(lines, _Lines if plain else _Excel, delimiter=delimiter, strict=strict)
    while True:
        line = blank + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise CsvError(_divided(number + 1, line, str(error), table.wording)) from None
        if cells is None:
            return
        if number == 0 and _SEPARATOR_LINE.fullmatch(delimiter.join(cells)):
            continue  # a spreadsheet does not count it
        number += 1
        if not any(cells):
            continue
        stripped = [_composed(_armed(cell.strip())) for cell in cells]
        yield _Record(number, line, [_unquoted(cell) for cell in stripped] if plain else stripped)


def without_formula(text: str) -> str:
    """Return a text for a cell that no spreadsheet takes for a formula: with an apostrophe before what may begin one.

    Spreadsheets calculate cells that begin with `=`, `+`, `-` or `@`, in full width too, and some trim blanks, tabs and
    line ends first (OWASP, CSV Injection). Names, notes and transcripts are written by anybody. `CsvReader` takes the
    apostrophe away again.

    Args:
        text: The cell.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # a carriage return alone is not quoted, and ends a row
    return f"'{text}" if _FORMULA.match(text) else text


def _armed(cell: str) -> str:
    """Return a cell's text as it was before `without_formula`."""
    return cell[1:].strip() if cell.startswith("'") and _FORMULA.match(cell) else cell


def _composed(cell: str) -> str:
    """Return a cell's text in composed letters (NFC): the same name is written in two ways by two systems."""
    return cell if cell.isascii() else unicodedata.normalize("NFC", cell)


def _divided(row: int, line: int, reason: str, wording: Wording) -> Problem:
    """Say why a record cannot be divided into cells."""
    if "field limit" in reason:
        message = _fill(wording.long_cell, row=row, line=line, reason=reason, characters=csv.field_size_limit())
    else:
        message = _fill(wording.quotes, row=row, line=line, reason=reason)
    return Problem(row, "", message)


def _unquoted(cell: str) -> str:
    """Return a cell without the quotation marks around all of it."""
    enclosed = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"').strip() if enclosed else cell


def _heading_problems(
    row: int, names: Sequence[str], positions: Mapping[str, Sequence[int]], table: TableFormat
) -> Iterator[Problem]:
    """Find columns that are unknown, without a name, there twice under one or two names, or missing."""
    wording = table.wording
    names_of_columns = tuple(column.name for column in table.columns)
    refused = table.other_columns is OtherColumns.REFUSED
    unknown = [name for name in names if name not in table.names] if refused else []
    for name in dict.fromkeys(unknown):
        template = wording.unknown_column if name else wording.unnamed_column
        yield Problem(row, name, _fill(template, column=name[:40], known=names_of_columns))
    for column, indices in positions.items():
        labels = tuple(dict.fromkeys(names[position] for position in indices))
        if len(labels) > 1:
            yield Problem(row, column, _fill(wording.same_meaning, columns=labels, column=column))
        elif len(indices) > 1:
            yield Problem(row, labels[0], _fill(wording.repeated_column, column=labels[0][:40], times=len(indices)))
    for name in (column.name for column in table.columns if column.required):
        if name not in positions:
            yield Problem(row, name, _fill(wording.missing_column, column=name))


def _fill(template: Template, **facts: Param) -> Message:
    """Make a message of those facts that its template uses."""
    return template(**{name: facts[name] for name in template.fields})
