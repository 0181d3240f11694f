"""A table that names recordings: whose, from when, with which consent and transcript; checked before any is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from db.records import GivenTranscript
from fer_phq.core.errors import FerPhqError
from service.ingest.csv_input import Problem, Row, moment, read_table
from service.ingest.transcripts import ReadTranscript

COLUMNS = ("file", "subject", "recorded_at", "consent_by", "keep_days", "transcript", "speaker")
REQUIRED = ("file", "subject")
EXAMPLE = """file,subject,recorded_at,consent_by,keep_days,transcript,speaker
P01-first.mp4,P01,2026-11-03 14:05,Dr Meyer,365,P01-first.vtt,Client
P02-first.mp4,P02,2026-11-04,Dr Meyer,,,
"""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

T = TypeVar("T")
OpenTranscript = Callable[[str], ReadTranscript]
"""Reads the transcript that a row names; FerPhqError, as one sentence, when it cannot be used."""


@dataclass(frozen=True)
class Named:
    """What a row says of one recording. recorded_at: None stands for the file's own date. keep_days: None for the
    installation's retention."""

    row: int
    file: str
    subject: str
    recorded_at: datetime | None
    consent_by: str
    keep_days: int | None
    transcript: GivenTranscript | None


@dataclass(frozen=True)
class SessionTable:
    """Every recording that a table names, and every problem of the table; it may be used when there is none."""

    named: tuple[Named, ...]
    problems: tuple[Problem, ...]

    @property
    def by_file(self) -> Mapping[str, Named]:
        """The rows by the name of their file."""
        return {one.file: one for one in self.named}


def read_session_table(
    document: bytes,
    *,
    zone: tzinfo,
    now: datetime,
    consent_by: str = "",
    open_transcript: OpenTranscript,
    file_problem: Callable[[str], str | None] = lambda _: None,
) -> SessionTable:
    """Read a table and everything that it names.

    consent_by: who recorded the consent where a row does not say. file_problem: what is wrong with a file's name, as
    the end of a sentence, or None.
    """
    rows, problems = read_table(document, known=COLUMNS, required=REQUIRED)
    found = list(problems)
    named: list[Named] = []
    seen: dict[str, int] = {}
    for row in rows:
        wrong: list[str] = []
        one = _named(row, zone, now, consent_by, open_transcript, wrong)
        file = row["file"]
        if file and file in seen:
            wrong.append(f"the file '{file[:60]}' stands in row {seen[file]} already.")
        elif file:
            seen[file] = row.number
            problem = file_problem(file)
            if problem is not None:
                wrong.append(problem)
        found += [Problem(row.number, says) for says in wrong]
        if one is not None and not wrong:
            named.append(one)
    return SessionTable(tuple(named), tuple(sorted(found)))


def _named(
    row: Row, zone: tzinfo, now: datetime, consent_by: str, open_transcript: OpenTranscript, wrong: list[str]
) -> Named | None:
    """A row's recording; what is wrong with it is added to `wrong`."""
    if not row["file"]:
        wrong.append("it names no file.")
    subject = _tried(lambda: subject_label(row["subject"]), wrong)
    at = _tried(lambda: _recorded_at(row["recorded_at"], zone, now), wrong)
    days = _tried(lambda: _days(row["keep_days"]), wrong)
    by = row["consent_by"] or consent_by.strip()
    if not by:
        wrong.append("nobody is named who recorded the consent; fill in consent_by, or name somebody on the page.")
    elif len(by) > 80 or not by.isprintable():
        wrong.append("consent_by must be one line of at most 80 characters.")
    words = None
    if row["transcript"]:
        words = _tried(lambda: open_transcript(row["transcript"]).given(row["speaker"] or None), wrong)
    elif row["speaker"]:
        wrong.append("it names a speaker and no transcript.")
    if wrong or subject is None:
        return None
    return Named(row.number, row["file"], subject, at, by, days, words)


def subject_label(text: str) -> str:
    """A subject's label as the store takes it. Raises ValueError with the end of a sentence."""
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise ValueError("the subject must be one line of 1 to 200 characters.")
    return text


def _tried(read: Callable[[], T], wrong: list[str]) -> T | None:
    try:
        return read()
    except (FerPhqError, ValueError) as error:
        wrong.append(str(error))
    return None


def _recorded_at(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    if not text:
        return None
    at = moment(text, zone)
    if at > now:
        raise ValueError(f"the date '{text[:40]}' lies in the future.")
    if at < EARLIEST:
        raise ValueError(f"the date '{text[:40]}' lies before 1990.")
    return at


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 36500):
        raise ValueError(f"keep_days is '{text[:20]}'; write whole days from 1 to 36500, or leave it empty.")
    return int(text)
