"""Documents of a transcription: WebVTT, SRT, text, JSON, CSV, Praat's TextGrid and ELAN's EAF.

Words that should not be relied upon begin with `UNCERTAIN`, alone where they were left out, so that a document that
has no other place for a doubt holds it as well. It is in round brackets: readers of captions drop square ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from fer_phq.core.errors import FerPhqError
from fer_phq.core.speech.transcription import Transcription
from fer_phq.transcription import messages
from fer_phq.transcription.documents.captions import srt, webvtt
from fer_phq.transcription.documents.coding import eaf, textgrid
from fer_phq.transcription.documents.plain import plain
from fer_phq.transcription.documents.tables import csv_table, json_document

WRITERS: Mapping[str, Callable[[Transcription], str]] = MappingProxyType(
    {
        ".vtt": webvtt,
        ".srt": srt,
        ".txt": plain,
        ".json": json_document,
        ".csv": csv_table,
        ".TextGrid": textgrid,
        ".eaf": eaf,
    }
)
"""What makes the document of each ending."""


def write_transcription(transcription: Transcription, path: Path) -> None:
    """Write a transcription in the format of the file's ending, whatever its case.

    Args:
        transcription: The transcription.
        path: The file; one that is there is replaced.

    Raises:
        FerPhqError: The ending is of no format that can be written.
        OSError: The file cannot be written.
    """
    content = find_writer(path)(transcription)
    path.write_text(content, encoding="utf-8", newline="")


def find_writer(path: Path) -> Callable[[Transcription], str]:
    """Return what makes the document of a file's ending.

    Raises:
        FerPhqError: There is none.
    """
    for suffix, writer in WRITERS.items():
        if path.suffix.lower() == suffix.lower():
            return writer
    raise FerPhqError(messages.UNKNOWN_FORMAT(path=str(path), suffixes=tuple(WRITERS)))
