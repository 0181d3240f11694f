"""Transcripts in tables: a heading, then a row an utterance, with tabs, semicolons or commas between the columns.

Covers DAIC-WOZ (tabs: start_time, stop_time, speaker, value), E-DAIC (commas: Start_Time, End_Time, Text, Confidence;
it names no speakers) and what spreadsheets and speech recognisers write.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_phq.words.text import clock_seconds, plain_name, plain_text
from fer_phq.words.transcript import Row

COLUMNS = {
    "start": ("start", "start_s", "start_time", "start_sec", "start_seconds", "starttime", "begin", "onset"),
    "end": ("end", "end_s", "end_time", "end_sec", "end_seconds", "endtime", "stop", "stop_s", "stop_time", "stoptime"),
    "text": ("text", "value", "utterance", "transcript", "transcription", "sentence", "words"),
    "speaker": ("speaker", "speaker_name", "speaker_id", "speaker_label", "role"),
}
"""Headings that are understood, in any case and order; the first that is there counts. The speaker may be missing."""

DELIMITERS = ("\t", ";", ",")

_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,15})?(?:[eE]-?\d{1,2})?", re.ASCII)
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}", re.ASCII)


@dataclass(frozen=True)
class Heading:
    """Where a table begins: its line, what stands between its columns, how many there are and which is which."""

    line: int
    delimiter: str
    width: int
    columns: dict[str, int]


def find_heading(lines: Sequence[str]) -> Heading | None:
    """The heading of a table, when the first line that is not empty (or Excel's `sep=;`) has the columns needed."""
    for number, line in enumerate(lines, 1):
        if not line.strip() or re.fullmatch(r"sep=.", line.strip(), re.IGNORECASE):
            continue
        for delimiter in DELIMITERS:
            names = [_heading_name(cell) for cell in line.split(delimiter)]
            columns = {
                role: names.index(known[0])
                for role, aliases in COLUMNS.items()
                if (known := [alias for alias in aliases if alias in names])
            }
            if {"start", "end", "text"} <= columns.keys():
                return Heading(number, delimiter, len(names), columns)
        return None
    return None


def read_table(lines: Sequence[str], heading: Heading) -> list[Row]:
    """The rows under a heading. Raises ValueError that names the line; it never quotes a cell."""
    at = heading.columns
    cells = list(_cells(lines, heading))
    clock = _Clock([row[at[role]] for _, row in cells for role in ("start", "end")], heading.delimiter)
    return [
        Row(
            line,
            clock.seconds(row[at["start"]], line, "start"),
            clock.seconds(row[at["end"]], line, "end"),
            plain_name(row[at["speaker"]]) if "speaker" in at else None,
            plain_text(row[at["text"]]),
        )
        for line, row in cells
    ]


def _cells(lines: Sequence[str], heading: Heading) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that is not empty."""
    below = lines[heading.line :]
    # Tab-separated transcripts (DAIC-WOZ's among them) hold stray quotation marks, so there a row is always a line.
    dialect = _Lines if heading.delimiter == "\t" else csv.excel
    reader = csv.reader((f"{line}\n" for line in below), dialect, delimiter=heading.delimiter, strict=True)
    while True:
        line = heading.line + reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error:
            raise ValueError(
                f"line {line} cannot be split into columns; put text in one pair of quotation marks"
            ) from None
        if row is None:
            return
        row = [cell.strip() for cell in row]
        if not any(row):
            continue
        if heading.delimiter == "\t":
            row = [_unquoted(cell) for cell in row]
        if any(row[heading.width :]):
            raise ValueError(
                f"line {line} has {len(row)} columns under a heading of {heading.width}; "
                "put text that holds the separator in quotation marks"
            )
        if len(row) <= max(heading.columns.values()):
            raise ValueError(
                f"line {line} has {len(row)} columns under a heading of {heading.width}; fill in what is missing"
            )
        yield line, row


class _Lines(csv.excel):
    quoting = csv.QUOTE_NONE


class _Clock:
    """Reads a table's times: seconds, or hours:minutes:seconds. Decides once whether its comma is the decimal mark."""

    def __init__(self, cells: Sequence[str], delimiter: str) -> None:
        commas = [cell for cell in cells if "," in cell and ":" not in cell]
        grouped = [cell for cell in commas if _THOUSANDS.fullmatch(cell)]
        # '1,500' is 1500 or 1.5: another time such as '0,25' tells, for it cannot hold thousands.
        self._ambiguous = bool(commas) and len(grouped) == len(commas)
        self._mixed = bool(commas) and any("." in cell for cell in cells)

    def seconds(self, cell: str, line: int, which: str) -> float:
        """The time in a cell. Raises ValueError."""
        if ":" in cell:
            found = clock_seconds(cell)
        elif "," in cell and (self._ambiguous or self._mixed):
            raise ValueError(
                f"line {line}: the comma in the {which} may be a decimal mark or part thousands; write 1500.0 or 1.5"
            )
        else:
            found = float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else None
        if found is None:
            raise ValueError(f"line {line}: the {which} is not a time; write seconds (62.5) or 00:01:02.5")
        return found


def _heading_name(cell: str) -> str:
    """`"Start Time (s)"` as start_time."""
    name = re.sub(r"\((?:s|sec|seconds)\)$", "", _unquoted(cell.strip()).strip().casefold())
    return re.sub(r"[ _-]+", "_", name).strip("_")


def _unquoted(cell: str) -> str:
    inside = cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else None
    return cell if inside is None else inside.replace('""', '"')
