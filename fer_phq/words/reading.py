"""`read_transcript`: any of the usual transcript files, judged by what it holds, as a `Transcript`.

`parse_transcript` is the same for a file's bytes that are at hand.
"""

from __future__ import annotations

import codecs
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.words.captions import is_captions, is_webvtt, read_captions
from fer_phq.words.tables import find_heading, read_table
from fer_phq.words.transcript import MAX_SECONDS, Row, Transcript, Utterance

MAX_BYTES = 32 << 20
"""Largest transcript file: a day of uninterrupted speech takes less than a tenth of it."""

TOLERANCE_S = 0.01
"""Seconds by which a speaker's cues may overlap unnoticed: times are often rounded."""


def read_transcript(path: Path) -> Transcript:
    """Read WebVTT, SRT, DAIC-WOZ's and E-DAIC's transcripts, or a table with the columns start, end, speaker and text.

    The content decides the format, not the file's name. Encodings: UTF-8 with or without a byte order mark, UTF-16
    with one. Times are seconds from the recording's start. Cues without words are left out, cues out of order are
    sorted; each such thing is one sentence in `Transcript.warnings`. The text is neither written nor logged.

    Raises FerPhqError, in one sentence that names the line and never quotes the text, for a file that is missing,
    empty, too large, not text or of no such format; for times that are no times, negative, beyond a day, or an end
    before its start; and when no cue is left.
    """
    try:
        return _parsed(_bytes(Path(path)), str(path))
    except FileNotFoundError:
        raise FerPhqError(f"There is no transcript {path}: check its name.") from None
    except OSError as error:
        raise FerPhqError(f"The transcript {path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise FerPhqError(f"The transcript {path} cannot be used: {error}.") from None


def parse_transcript(data: bytes, name: str) -> Transcript:
    """As `read_transcript`, of a file's bytes; `name` is what the file is called. Raises FerPhqError as it does."""
    try:
        return _parsed(_sized(data), name)
    except ValueError as error:
        raise FerPhqError(f"The transcript {name} cannot be used: {error}.") from None


def _parsed(data: bytes, name: str) -> Transcript:
    rows, warnings = _rows(_lines(data), Path(name))
    return _transcript(rows, warnings)


def _bytes(path: Path) -> bytes:
    """The file's bytes, if it is an ordinary file that is neither empty nor too large."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is not an ordinary file; name a WebVTT, SRT, CSV or tab-separated file")
    with path.open("rb") as file:
        return _sized(file.read(MAX_BYTES + 1))


def _sized(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB, which no session's transcript is")
    if not data:
        raise ValueError("it is empty")
    return data


def _lines(data: bytes) -> list[str]:
    """The text's lines, at any of the three usual line ends."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in data and not wide:
            raise ValueError("it is not text; name a WebVTT, SRT, CSV or tab-separated file") from None
        line = data.count(b"\n", 0, error.start) + 1
        encoding = "UTF-16" if wide else f"UTF-8 at line {line}"
        raise ValueError(f"it is not valid {encoding}; save it as UTF-8 text") from None
    if "\0" in text:
        raise ValueError("it is not text; name a WebVTT, SRT, CSV or tab-separated file, saved as UTF-8")
    # not str.splitlines: U+2028, form feeds and the like stand inside of lines
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _rows(lines: Sequence[str], path: Path) -> tuple[list[Row], list[str]]:
    """Rows and warnings by the reader that the content asks for."""
    heading = None if is_webvtt(lines) else find_heading(lines)
    if heading is not None:
        return read_table(lines, heading), []
    if not is_captions(lines):
        raise ValueError(
            "it holds no cues; a transcript is WebVTT, SRT, or a table whose first line names the columns "
            "start, end and text (and speaker)"
        )
    webvtt = is_webvtt(lines)
    rows, warnings = read_captions(lines, webvtt)
    if path.suffix.lower() == ".vtt" and not webvtt:
        warnings.insert(0, "The file's name says WebVTT, but its first line does not; it was read as SRT.")
    return rows, warnings


def _transcript(rows: Sequence[Row], warnings: list[str]) -> Transcript:
    """Rows as a transcript: impossible times are refused, what a reader would forgive is mended with a warning."""
    for row in rows:
        _check(row)
    spoken = [row for row in rows if row.text]
    if not spoken:
        raise ValueError("it holds no cue with words")
    _warn(warnings, rows, lambda i: not rows[i].text, "hold no words and were left out")
    _warn(warnings, spoken, lambda i: spoken[i].start_s == spoken[i].end_s, "last no time; their rates are unknown")
    _warn(
        warnings,
        spoken,
        lambda i: i > 0 and spoken[i].start_s < spoken[i - 1].start_s,
        "start before the one above them; all were sorted by time, so split the file if it joins recordings",
    )
    ordered = sorted(spoken, key=lambda row: row.start_s)
    overlaps = _overlaps(ordered)
    _warn(warnings, ordered, lambda i: overlaps[i], "begin before the same speaker's last one ends")
    return Transcript(
        tuple(Utterance(row.start_s, row.end_s, row.speaker, row.text) for row in ordered), tuple(warnings)
    )


def _check(row: Row) -> None:
    if min(row.start_s, row.end_s) < 0:
        raise ValueError(f"line {row.line}: the time is negative; count from the recording's start")
    if max(row.start_s, row.end_s) > MAX_SECONDS:
        raise ValueError(f"line {row.line}: the time lies beyond 24 hours; write seconds or hours:minutes:seconds")
    if row.end_s < row.start_s:
        raise ValueError(f"line {row.line}: the end lies before the start; correct the two times")


def _warn(warnings: list[str], rows: Sequence[Row], holds: Callable[[int], bool], what: str) -> None:
    """Add a sentence about the rows for which something holds, if there are any."""
    found = [rows[i].line for i in range(len(rows)) if holds(i)]
    if found:
        warnings.append(f"{len(found)} of {len(rows)} cues (the first at line {found[0]}) {what}.")


def _overlaps(rows: Sequence[Row]) -> list[bool]:
    """Whether each of the ordered rows begins before an earlier one of the same speaker ends."""
    reach: dict[str, float] = {}
    found = []
    for row in rows:
        who = (row.speaker or "").casefold()
        found.append(row.start_s < reach.get(who, 0.0) - TOLERANCE_S)
        reach[who] = max(reach.get(who, 0.0), row.end_s)
    return found
