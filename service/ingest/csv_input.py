"""CSV tables from people: read as a whole, and everything that is wrong with one told at once, by row."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

MAX_BYTES = 8 * 2**20
MAX_ROWS = 5000
SEPARATORS = ",;\t"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a table. row: as a spreadsheet numbers it, the heading is 1; 0: the whole file."""

    row: int
    says: str

    @property
    def sentence(self) -> str:
        """Where and what."""
        return f"Row {self.row}: {self.says}" if self.row else self.says


@dataclass(frozen=True)
class Row:
    """One row's cells by column, without spaces around them; an empty cell is ''."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_table(
    document: bytes, *, known: Sequence[str], required: Sequence[str]
) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """The rows of a CSV with a heading, separated by commas, semicolons or tabs, in UTF-8; and its problems.

    Where the file or its heading is wrong there are problems and no rows. A row without any cell is left out.
    """
    lines, wrong = _lines(document)
    if wrong:
        return (), wrong
    heading = [name.strip().casefold() for name in lines[0][1]]
    problems = _heading_problems(heading, known, required)
    if problems:
        return (), tuple(problems)
    rows: list[Row] = []
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(heading) and any(cell.strip() for cell in cells[len(heading) :]):
            problems.append(Problem(number, f"it has {len(cells)} cells, the heading has {len(heading)}."))
            continue
        values = [cell.strip() for cell in cells]
        rows.append(Row(number, dict(zip(heading, values, strict=False))))
    if not rows and not problems:
        problems.append(Problem(0, "The table has a heading and no rows below it."))
    if len(rows) > MAX_ROWS:
        return (), (Problem(0, f"The table has {len(rows)} rows; split it into tables of at most {MAX_ROWS}."),)
    return tuple(rows), tuple(problems)


def moment(text: str, zone: tzinfo) -> datetime:
    """A date, or a date and a time, such as 2026-11-03 14:05; without an offset it is in this zone.

    Raises ValueError with the end of a sentence.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"'{text[:40]}' is no date; write it as 2026-11-03 or 2026-11-03 14:05.") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def _lines(document: bytes) -> tuple[list[tuple[int, list[str]]], tuple[Problem, ...]]:
    """Numbered lines of cells, the heading first; or why there are none."""
    if not document.strip():
        return [], (Problem(0, "The table is empty."),)
    if len(document) > MAX_BYTES:
        return [], (Problem(0, f"The table is larger than {MAX_BYTES // 2**20} MiB; split it."),)
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = document.count(b"\n", 0, error.start) + 1
        return [], (Problem(row, "it is not UTF-8 text; save the table as 'CSV UTF-8' and choose it again."),)
    if "\0" in text:
        return [], (Problem(0, "The file is no text; save the table as 'CSV UTF-8' and choose it again."),)
    first = text.lstrip().splitlines()[0]
    separator = max(SEPARATORS, key=first.count)
    lines: list[tuple[int, list[str]]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for cells in reader:
            if lines or any(cell.strip() for cell in cells):
                lines.append((reader.line_num, cells))
    except csv.Error:
        return [], (Problem(reader.line_num, "a quotation mark is not closed, or its cell goes on after it."),)
    return lines, ()


def _heading_problems(heading: list[str], known: Sequence[str], required: Sequence[str]) -> list[Problem]:
    found = []
    for name, times in Counter(heading).items():
        if name not in known:
            shown = f"'{name[:40]}'" if name else "without a name"
            found.append(Problem(1, f"the column {shown} is unknown; the columns are {', '.join(known)}."))
        elif times > 1:
            found.append(Problem(1, f"the column '{name}' is there {times} times; leave one."))
    missing = [name for name in required if name not in heading]
    found += [Problem(1, f"the column '{name}' is missing.") for name in missing]
    return found
