"""Reading of transcripts: WebVTT, SRT, Whisper's and WhisperX's JSON, tables such as DAIC-WOZ's, as a `Transcript`."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from fer_phq.core.csv_input import CsvError, decode
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message, Template
from fer_phq.words import messages
from fer_phq.words.transcripts.captions import is_captions, is_webvtt, read_captions
from fer_phq.words.transcripts.segments import is_json, read_segments
from fer_phq.words.transcripts.tables import WORDING, find_table, read_utterances
from fer_phq.words.transcripts.transcript import MAX_SECONDS, Row, Transcript, UnusableTranscript, Utterance

MAX_BYTES = 32 << 20
"""Largest transcript file: a day of uninterrupted speech takes less than a tenth of it."""

TOLERANCE_S = 0.01
"""Seconds by which a speaker's cues may overlap unnoticed: times are often rounded."""


def read_transcript(path: Path, display_name: str | None = None) -> Transcript:
    """Read WebVTT, SRT, what Whisper, whisper.cpp and WhisperX write, DAIC-WOZ's and E-DAIC's tables or others.

    Other tables have the columns start, end, text and perhaps speaker. The content decides the format, not the file's
    name. Encodings: UTF-8 with or without a byte order mark, UTF-16 with one. Times are seconds from the recording's
    start; tables in milliseconds are recognised. Cues without text are left out, cues out of order are sorted;
    `Transcript.warnings` says so. The text is neither written nor logged.

    Args:
        path: The transcript.
        display_name: What errors call the file; its path when omitted.

    Raises:
        FerPhqError: The file is missing, empty, too large, not text or of no such format; a time is no time, negative
            or beyond a day, or an end lies before its start; no cue with text is left. The error names the line and
            never quotes the text.
    """
    name = display_name or str(path)
    try:
        return parse_transcript(_read_bytes(Path(path)), name)
    except UnusableTranscript as error:
        raise FerPhqError(messages.TRANSCRIPT_UNUSABLE(file=name, reason=error.reason)) from None
    except FileNotFoundError:
        raise FerPhqError(messages.TRANSCRIPT_MISSING(file=name)) from None
    except OSError as error:
        raise FerPhqError(messages.TRANSCRIPT_UNREADABLE(file=name, error=error.strerror or str(error))) from None
    except ValueError as error:  # a path that holds a NUL
        raise FerPhqError(messages.TRANSCRIPT_UNUSABLE(file=name, reason=str(error))) from None


def parse_transcript(document: bytes, name: str) -> Transcript:
    """Read a transcript from a file's bytes, as `read_transcript` does.

    Args:
        document: The file's bytes.
        name: What the file is called.

    Raises:
        FerPhqError: The bytes are no usable transcript.
    """
    try:
        rows, warnings = _read_rows(_decode(_check_size(document)), Path(name))
        return _build_transcript(rows, warnings)
    except UnusableTranscript as error:
        raise FerPhqError(messages.TRANSCRIPT_UNUSABLE(file=name, reason=error.reason)) from None
    except ValueError as error:
        raise FerPhqError(messages.TRANSCRIPT_UNUSABLE(file=name, reason=str(error))) from None


def _read_bytes(path: Path) -> bytes:
    """Read the file, if it is an ordinary one that is neither empty nor too large."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnusableTranscript(messages.NOT_ORDINARY())
    with path.open("rb") as file:
        return _check_size(file.read(MAX_BYTES + 1))


def _check_size(document: bytes) -> bytes:
    if len(document) > MAX_BYTES:
        raise UnusableTranscript(messages.TOO_LARGE(mib=MAX_BYTES >> 20))
    if not document:
        raise UnusableTranscript(messages.EMPTY())
    return document


def _decode(document: bytes) -> str:
    """Decode the text, its line ends as line feeds."""
    try:
        text = decode(document, WORDING)
    except CsvError as error:
        raise UnusableTranscript(error.message) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_rows(text: str, path: Path) -> tuple[list[Row], list[Message]]:
    """Read rows and warnings in the format of the content."""
    lines = text.split("\n")  # not splitlines: U+2028, form feeds and the like stand inside of lines
    if is_json(text):
        return read_segments(text)
    table = None if is_webvtt(lines) else find_table(text)
    if table is not None:
        return read_utterances(table)
    if not is_captions(lines):
        raise UnusableTranscript(messages.NO_CUES())
    webvtt = is_webvtt(lines)
    rows, warnings = read_captions(lines, webvtt)
    if path.suffix.lower() == ".vtt" and not webvtt:
        warnings.insert(0, messages.READ_AS_SRT())
    return rows, warnings


def _build_transcript(rows: Sequence[Row], warnings: list[Message]) -> Transcript:
    """Build the transcript: impossible times are refused, what can be repaired is repaired with a warning."""
    for row in rows:
        _check_times(row)
    cues = [row for row in rows if row.text]
    if not cues:
        raise UnusableTranscript(messages.NO_TEXT())
    _warn(warnings, messages.CUES_WITHOUT_TEXT, rows, lambda i: not rows[i].text)
    _warn(warnings, messages.CUES_WITHOUT_DURATION, cues, lambda i: cues[i].start_s == cues[i].end_s)
    _warn(warnings, messages.CUES_UNSORTED, cues, lambda i: i > 0 and cues[i].start_s < cues[i - 1].start_s)
    ordered = sorted(cues, key=lambda row: row.start_s)
    overlaps = _overlaps(ordered)
    _warn(warnings, messages.CUES_OVERLAP, ordered, lambda i: overlaps[i])
    utterances = tuple(Utterance(row.start_s, row.end_s, row.speaker, row.text) for row in ordered)
    return Transcript(utterances, tuple(warnings))


def _check_times(row: Row) -> None:
    if min(row.start_s, row.end_s) < 0:
        raise UnusableTranscript(messages.NEGATIVE_TIME(line=row.line))
    if max(row.start_s, row.end_s) > MAX_SECONDS:
        raise UnusableTranscript(messages.LATE_TIME(line=row.line))
    if row.end_s < row.start_s:
        raise UnusableTranscript(messages.END_BEFORE_START(line=row.line))


def _warn(warnings: list[Message], warning: Template, rows: Sequence[Row], applies: Callable[[int], bool]) -> None:
    """Add a warning that counts the rows to which it applies, if there are any."""
    lines = [row.line for i, row in enumerate(rows) if applies(i)]
    if lines:
        warnings.append(warning(count=len(lines), total=len(rows), line=lines[0]))


def _overlaps(rows: Sequence[Row]) -> list[bool]:
    """Return whether each of the ordered rows begins before an earlier one of the same speaker ends."""
    latest_end_s: dict[str, float] = {}
    overlaps = []
    for row in rows:
        speaker = (row.speaker or "").casefold()
        end_s = latest_end_s.get(speaker, 0.0)
        overlaps.append(row.start_s < end_s - TOLERANCE_S)
        latest_end_s[speaker] = max(end_s, row.end_s)
    return overlaps
