"""Transcripts in tables: a heading, then one utterance a row, with tabs, semicolons or commas between the columns.

Covers DAIC-WOZ (tabs: start_time, stop_time, speaker, value), E-DAIC (commas: Start_Time, End_Time, Text, Confidence;
it names no speakers) and what spreadsheets and speech recognisers write. Whisper's .tsv and whisper.cpp's .csv have the
columns start, end and text as well, in milliseconds, and say so nowhere.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from fer_phq.core.csv_input import Column, CsvReader, OtherColumns, Problem, TableFormat, Wording
from fer_phq.core.messages import Message
from fer_phq.words import messages
from fer_phq.words.transcripts.labels import split_speakers
from fer_phq.words.transcripts.text import clock_seconds, is_frame_time, is_too_slow, plain_name, plain_text
from fer_phq.words.transcripts.transcript import Row, UnusableTranscript

_STARTS = ("start", "start_s", "start_time", "start_sec", "start_seconds", "starttime", "begin", "onset")
_ENDS = ("end", "end_s", "end_time", "end_sec", "end_seconds", "endtime", "stop", "stop_s", "stop_time", "stoptime")
_UNITS = tuple(f"{blank}({unit})" for blank in ("", "_") for unit in ("s", "sec", "seconds"))
_MS = ("ms", "msec", "millis", "milliseconds")
_MS_UNITS = (*(f"_{unit}" for unit in _MS), *(f"{blank}({unit})" for blank in ("", "_") for unit in _MS))


def _in_milliseconds(names: Sequence[str]) -> tuple[str, ...]:
    return (*(name + unit for name in names for unit in _MS_UNITS), *(f"{names[0]}{unit}" for unit in _MS))


_START_MS = _in_milliseconds(_STARTS)
_END_MS = _in_milliseconds(_ENDS)
COLUMNS = (
    Column("start", (*_STARTS[1:], *(name + unit for name in _STARTS for unit in _UNITS), *_START_MS), required=True),
    Column("end", (*_ENDS[1:], *(name + unit for name in _ENDS for unit in _UNITS), *_END_MS), required=True),
    Column("text", ("value", "utterance", "transcript", "transcription", "sentence", "words"), required=True),
    Column("speaker", ("speaker_name", "speaker_id", "speaker_label", "role")),
)
WORDING = Wording(
    no_text=messages.NOT_TEXT,
    not_utf8=messages.NOT_UTF8,
    not_utf16=messages.NOT_UTF16,
    quotes=messages.ROW_UNDIVIDED,
    long_cell=messages.ROW_UNDIVIDED,
    too_many_cells=messages.TOO_MANY_CELLS,
    repeated_column=messages.REPEATED_COLUMN,
    same_meaning=messages.SAME_MEANING,
    no_rows=None,
)
# Tab-separated transcripts (DAIC-WOZ's among them) hold stray quotation marks.
FORMAT = TableFormat(COLUMNS, OtherColumns.IGNORED, quoted_tabs=False, wording=WORDING)

_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,15})?(?:[eE]-?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,15}(?:[.,]0{1,9})?", re.ASCII)
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}", re.ASCII)


def find_table(text: str) -> CsvReader | None:
    """Return the reader of a text whose first line that is not empty has the columns start, end and text, or None."""
    reader = CsvReader(io.StringIO(text, newline=""), FORMAT)
    needed = {column.name for column in COLUMNS if column.required}
    return reader if needed <= reader.labels.keys() else None


def read_utterances(reader: CsvReader) -> tuple[list[Row], list[Message]]:
    """Read the rows under a transcript's heading.

    Speakers come from their column, or else from `Name:` before the text where `split_speakers` finds them. Whole
    numbers that would have people say next to nothing in a second are milliseconds.

    Returns:
        Rows, and warnings about what was assumed.

    Raises:
        UnusableTranscript: A row does not fit the heading, or a time is none. The reason names the line and never
            quotes a cell.
    """
    rows = list(reader)
    _refuse([*reader.heading_problems, *reader.row_problems, *([reader.fault] if reader.fault else [])])
    for row in rows:
        if not {"start", "end", "text", "speaker"} & reader.labels.keys() <= row.cells.keys():
            reason = messages.TOO_FEW_CELLS(line=row.line, cells=row.width, heading=len(reader.heading))
            raise UnusableTranscript(reason)
    clock = _Clock([row[column] for row in rows for column in ("start", "end")])
    times = [
        (
            clock.seconds(row["start"], row.line, messages.START()),
            clock.seconds(row["end"], row.line, messages.END()),
        )
        for row in rows
    ]
    texts = [row["text"] for row in rows]
    start_scale = 1e-3 if reader.labels["start"] in _START_MS else 1.0
    end_scale = 1e-3 if reader.labels["end"] in _END_MS else 1.0
    warnings: list[Message] = []
    if start_scale == end_scale == 1.0 and clock.is_whole and is_too_slow(times, texts):
        start_scale = end_scale = 1e-3
        warnings.append(messages.MILLISECONDS())
    if "speaker" in reader.labels:
        parts = [[(plain_name(row["speaker"]), row["text"])] for row in rows]
    else:
        parts, continued = split_speakers([text.split("\n") for text in texts])
        warnings += [messages.SPEAKER_CONTINUED(n=continued)] if continued else []
    return [
        Row(row.line, start * start_scale, end * end_scale, speaker, plain_text(text))
        for row, (start, end), entry in zip(rows, times, parts, strict=True)
        for speaker, text in entry
    ], warnings


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise UnusableTranscript(problems[0].message)


class _Clock:
    """Reads a table's times: seconds, or hours:minutes:seconds. Decides once whether its comma is the decimal mark.

    Attributes:
        is_whole: Whether every time is a whole number, such as 1500 or 1500.0.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        """Look at all times of a table."""
        commas = [cell for cell in cells if "," in cell and ":" not in cell]
        grouped = [cell for cell in commas if _THOUSANDS.fullmatch(cell)]
        # '1,500' is 1500 or 1.5. Another time such as '0,25' decides: it cannot hold thousands.
        self._ambiguous = bool(commas) and len(grouped) == len(commas)
        self._mixed = bool(commas) and any("." in cell for cell in cells)
        self.is_whole = all(_WHOLE.fullmatch(cell) for cell in cells)

    def seconds(self, cell: str, line: int, name: Message) -> float:
        """Read a time. Raises UnusableTranscript with the line and the name of the time, start or end."""
        if ":" in cell:
            time_s = clock_seconds(cell)
        elif "," in cell and (self._ambiguous or self._mixed):
            raise UnusableTranscript(messages.AMBIGUOUS_COMMA(line=line, which=name))
        else:
            time_s = float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else None
        if time_s is None:
            if is_frame_time(cell):
                raise UnusableTranscript(messages.FRAME_TIME(line=line, which=name))
            raise UnusableTranscript(messages.NOT_A_TIME(line=line, which=name))
        return time_s
