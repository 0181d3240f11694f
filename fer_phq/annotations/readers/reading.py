"""The door: a file of annotations or of a series, told by its content."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from fer_phq.annotations import messages
from fer_phq.annotations.readers.boris import is_boris_table, read_boris_table
from fer_phq.annotations.readers.boris_project import parse_json, read_boris_project
from fer_phq.annotations.readers.elan import read_elan
from fer_phq.annotations.readers.files import AnnotationFile, SeriesFile, UnusableFile, check_length, check_tiers
from fer_phq.annotations.readers.praat import is_textgrid, read_textgrid
from fer_phq.annotations.readers.series import read_series_table, series_format
from fer_phq.core.csv_input import CsvError, CsvReader, OtherColumns, TableFormat, Wording, decode, open_text
from fer_phq.core.errors import FerPhqError

MAX_BYTES = 64 << 20
"""Largest annotation file: a BORIS project of hundreds of observations has a few MiB."""
MAX_SERIES_BYTES = 2 << 30
"""Largest table of a series, which is read row by row: OpenFace writes half a GiB for an hour."""
_BINARY_PRAAT = b"ooBinaryFile"
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")
"""What ZIP files (.xlsx, .ods), gzip files (.boris.gz) and old spreadsheets begin with."""
_WORDING = Wording(not_utf8=messages.NOT_UTF8, not_utf16=messages.NOT_UTF16, no_text=messages.NOT_TEXT)

T = TypeVar("T")


def read_annotations(path: Path, *, observation: str | None = None, duration_s: float | None = None) -> AnnotationFile:
    """Read a table or a project of BORIS, an .eaf of ELAN or a TextGrid of Praat.

    The content decides the format, not the file's name. Texts are UTF-8, or UTF-16 with a byte order mark.

    Args:
        path: The file.
        observation: Which observation of several in a file of BORIS.
        duration_s: The recording's length in seconds, where it is known.

    Raises:
        FerPhqError: The file is missing, empty, too large or of no such format; a time is none, negative, beyond the
            recording or before its start; or the file is of a recording of another length.
    """
    parse = partial(parse_annotations, observation=observation, duration_s=duration_s)
    return read_file(path, lambda file: parse(file_bytes(file)))


def parse_annotations(
    document: bytes, *, observation: str | None = None, duration_s: float | None = None
) -> AnnotationFile:
    """Read annotations from a file's bytes.

    Args:
        document: The file's bytes.
        observation: Which observation of several in a file of BORIS.
        duration_s: The recording's length in seconds, where it is known.

    Raises:
        UnusableFile: As `read_annotations`, without the file's name.
    """
    coded = _parse(document, observation)
    if not any(tier.annotations for tier in coded.tiers):
        raise UnusableFile(messages.NO_ANNOTATIONS())
    check_length(coded.duration_s, duration_s)
    check_tiers(coded.tiers, coded.duration_s if duration_s is None else duration_s)
    return coded


def read_series(
    path: Path,
    *,
    face: str | None = None,
    min_confidence: float = 0.0,
    frame_rate: float | None = None,
    duration_s: float | None = None,
) -> SeriesFile:
    """Read a table of OpenFace or py-feat as a series.

    Args:
        path: The file.
        face: Which face of several, as the column face_id or identity has it.
        min_confidence: Rows with less confidence are missing, 0 to 1.
        frame_rate: How many frames a second py-feat analysed; OpenFace writes times.
        duration_s: The recording's length in seconds, where it is known.

    Raises:
        FerPhqError: The file is missing, empty, too large or of no such format, or `read_series_table` refuses it.
    """

    def read(file: Path) -> SeriesFile:
        _check_ordinary(file)
        if file.stat().st_size > MAX_SERIES_BYTES:
            raise UnusableFile(messages.TOO_LARGE(mib=MAX_SERIES_BYTES >> 20))
        if not file.stat().st_size:
            raise UnusableFile(messages.EMPTY())
        with file.open("rb") as opened:
            return read_series_table(
                open_text(opened),
                face=face,
                min_confidence=min_confidence,
                frame_rate=frame_rate,
                duration_s=duration_s,
            )

    return read_file(path, read)


def read_file(path: Path, read: Callable[[Path], T]) -> T:
    """Read a file, and name it in what goes wrong.

    Args:
        path: The file.
        read: What reads it.

    Raises:
        FerPhqError: The file is missing, or cannot be read or used.
    """
    try:
        return read(Path(path))
    except UnusableFile as error:
        raise FerPhqError(messages.UNUSABLE(file=str(path), reason=error.message)) from None
    except FileNotFoundError:
        raise FerPhqError(messages.MISSING(file=str(path))) from None
    except OSError as error:
        raise FerPhqError(messages.UNREADABLE(file=str(path), error=error.strerror or str(error))) from None


def _check_ordinary(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnusableFile(messages.NOT_ORDINARY())


def file_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Args:
        path: The file.

    Raises:
        UnusableFile: It is no ordinary file, or too large.
    """
    _check_ordinary(path)
    with path.open("rb") as file:
        document = file.read(MAX_BYTES + 1)
    if len(document) > MAX_BYTES:
        raise UnusableFile(messages.TOO_LARGE(mib=MAX_BYTES >> 20))
    return document


def _parse(document: bytes, observation: str | None) -> AnnotationFile:
    if not document.strip():
        raise UnusableFile(messages.EMPTY())
    if document.startswith(_PACKED):
        raise UnusableFile(messages.SPREADSHEET())
    if document.startswith(_BINARY_PRAAT):
        raise UnusableFile(messages.BINARY_PRAAT())
    if document[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_elan(document)
    text = _text(document)
    if text.lstrip().startswith("<"):
        return read_elan(document)  # UTF-16, which the parser knows by its byte order mark
    if text.lstrip().startswith("{"):
        return read_boris_project(parse_json(text), observation)
    if is_textgrid(text):
        return read_textgrid(text)
    if is_boris_table(text):
        return read_boris_table(text, observation)
    probe = CsvReader(io.StringIO(text[:100_000], newline=""), TableFormat((), OtherColumns.INCLUDED))
    wrote = series_format(probe.heading)
    if wrote is not None:
        raise UnusableFile(messages.IS_SERIES(format=wrote))
    looks_like_table = len(probe.heading) > 1
    raise UnusableFile(messages.NO_BORIS_COLUMNS() if looks_like_table else messages.UNKNOWN_FORMAT())


def _text(document: bytes) -> str:
    try:
        return decode(document, _WORDING)
    except CsvError as error:
        raise UnusableFile(error.message) from None
