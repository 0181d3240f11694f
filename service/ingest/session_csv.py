"""Table of recordings: file, subject, date, consent and transcript of each, checked before any recording is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from db.records import NewTranscript
from fer_phq.core.csv_input import Column, Problem, Row, TableFormat, parse_time, read_table
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.ingest import messages
from service.ingest.transcripts import CheckedTranscript

MAX_BYTES = 8 * 2**20
MAX_ROWS = 5000
SUBJECT = Column("subject_id", ("subject",), required=True)
COLUMNS = (
    Column("file", required=True),
    SUBJECT,
    Column("recorded_at"),
    Column("consent_by"),
    Column("keep_days"),
    Column("transcript"),
    Column("speaker"),
)
EXAMPLE = """file,subject_id,recorded_at,consent_by,keep_days,transcript,speaker
P01-first.mp4,P01,2026-11-03 14:05,Dr Meyer,365,P01-first.vtt,Client
P02-first.mp4,P02,2026-11-04,Dr Meyer,,,
"""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

T = TypeVar("T")
OpenTranscript = Callable[[str], CheckedTranscript]
"""Reads the transcript that a row names. Raises FerPhqError when it cannot be used."""


@dataclass(frozen=True)
class SessionRow:
    """One recording of a table.

    Attributes:
        row: The row's number.
        file: Name of the recording's file.
        subject: The subject's label.
        recorded_at: When it was recorded; None stands for the file's own date.
        consent_by: Who recorded the consent.
        keep_days: Days until it is erased, 1 to 36500; None stands for the installation's retention.
        transcript: The transcript with the subject's speaker, or None.
    """

    row: int
    file: str
    subject: str
    recorded_at: datetime | None
    consent_by: str
    keep_days: int | None
    transcript: NewTranscript | None


@dataclass(frozen=True)
class SessionTable:
    """Recordings of a table and everything that is wrong with it. It may be used when there are no problems."""

    rows: tuple[SessionRow, ...]
    problems: tuple[Problem, ...]

    @property
    def by_file(self) -> Mapping[str, SessionRow]:
        """The rows by the name of their file."""
        return {row.file: row for row in self.rows}


def read_session_table(
    document: bytes,
    *,
    zone: tzinfo,
    now: datetime,
    consent_by: str = "",
    open_transcript: OpenTranscript,
    file_problem: Callable[[str], Message | None] = lambda _: None,
    max_bytes: int = MAX_BYTES,
    max_rows: int = MAX_ROWS,
) -> SessionTable:
    """Read a table of recordings and the transcripts that it names.

    Args:
        document: The CSV file's bytes.
        zone: Zone of dates without an offset.
        now: Dates after it are problems.
        consent_by: Who recorded the consent where a row is silent.
        open_transcript: Reads a transcript by its name.
        file_problem: Returns what is wrong with a recording's name, or None.
        max_bytes: The most bytes of the file.
        max_rows: The most recordings.

    Returns:
        The rows without problems, and all problems in the order of the rows.
    """
    table = read_table(document, TableFormat(COLUMNS, max_bytes=max_bytes, max_rows=max_rows))
    problems = list(table.problems)
    rows: list[SessionRow] = []
    first_rows: dict[str, int] = {}
    for row in table.sound_rows:
        reader = RowReader(row)
        session = _session_row(reader, zone, now, consent_by, open_transcript)
        file = row["file"]
        if file and file in first_rows:
            reader.add("file", messages.REPEATED_FILE(file=file[:60], row=first_rows[file]))
        elif file:
            first_rows[file] = row.number
            reader.add("file", file_problem(file))
        problems += reader.problems
        if session is not None and not reader.problems:
            rows.append(session)
    return SessionTable(tuple(rows), tuple(sorted(problems)))


class RowReader:
    """A row of a table and the problems of its cells."""

    def __init__(self, row: Row) -> None:
        """Begin without problems."""
        self.row = row
        self.problems: list[Problem] = []

    def add(self, column: str, message: Message | None) -> None:
        """Note a problem with a cell.

        Args:
            column: The cell's column, as the table's format names it.
            message: What is wrong; None where nothing is.
        """
        if message is not None:
            self.problems.append(Problem(self.row.number, self.row.label(column), message))

    def read(self, column: str, parse: Callable[[str], T]) -> T | None:
        """Parse a cell.

        Args:
            column: The cell's column, as the table's format names it.
            parse: Turns the cell's text into a value, or raises FerPhqError.

        Returns:
            The value; None, with a problem noted, where the cell cannot be parsed.
        """
        try:
            return parse(self.row[column])
        except FerPhqError as error:
            self.add(column, error.message)
        return None


def _session_row(
    reader: RowReader, zone: tzinfo, now: datetime, consent_by: str, open_transcript: OpenTranscript
) -> SessionRow | None:
    """Read a row's recording; None where a cell has a problem."""
    row = reader.row
    if not row["file"]:
        reader.add("file", messages.NO_FILE())
    subject = reader.read("subject_id", subject_label)
    recorded_at = reader.read("recorded_at", lambda cell: session_time(cell, zone, now) if cell else None)
    days = reader.read("keep_days", _days)
    consent = row["consent_by"] or consent_by.strip()
    if not consent:
        reader.add("consent_by", messages.NOBODY_CONSENTED())
    elif len(consent) > 80 or not consent.isprintable():
        reader.add("consent_by", messages.CONSENT_BY())
    transcript = None
    if row["transcript"]:
        transcript = reader.read("transcript", lambda cell: _with_subject(open_transcript(cell), row["speaker"]))
    elif row["speaker"]:
        reader.add("speaker", messages.SPEAKER_ALONE())
    if reader.problems or subject is None:
        return None
    return SessionRow(row.number, row["file"], subject, recorded_at, consent, days, transcript)


def _with_subject(checked: CheckedTranscript, speaker: str) -> NewTranscript:
    """Return a row's transcript with its subject. Raises FerPhqError where it is not known who of several it is."""
    if not speaker and checked.needs_speaker:
        raise FerPhqError(messages.SPEAKER_NEEDED(name=checked.name, speakers=checked.names))
    return checked.with_speaker(speaker or None)


def subject_label(cell: str) -> str:
    """Return a subject's label as the store takes it.

    Raises:
        FerPhqError: The cell is empty, longer than 200 characters, or not one line.
    """
    if not 1 <= len(cell) <= 200 or not cell.isprintable():
        raise FerPhqError(messages.SUBJECT_LABEL())
    return cell


def session_time(cell: str, zone: tzinfo, now: datetime) -> datetime:
    """Return the time in a cell.

    Args:
        cell: A date, or a date and a time, such as 2026-11-03 14:05.
        zone: Zone of a time without an offset.
        now: The latest time.

    Raises:
        FerPhqError: It is no date, lies in the future or before 1990.
    """
    time = parse_time(cell, zone)
    if time is None:
        raise FerPhqError(messages.NO_DATE(text=cell[:40]))
    if time > now:
        raise FerPhqError(messages.IN_THE_FUTURE(text=cell[:40]))
    if time < EARLIEST:
        raise FerPhqError(messages.BEFORE_1990(text=cell[:40]))
    return time


def _days(cell: str) -> int | None:
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and len(cell) < 6 and 1 <= int(cell) <= 36500):
        raise FerPhqError(messages.KEEP_DAYS(text=cell[:20]))
    return int(cell)
