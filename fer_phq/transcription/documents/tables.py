"""CSV and JSON, which hold all of a transcription."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from fer_phq.core.csv_input import without_formula
from fer_phq.core.speech.transcription import Source, Transcription
from fer_phq.transcription.documents.marks import marked_text

if TYPE_CHECKING:
    import pandas as pd

TABLE_COLUMNS = ("start_s", "end_s", "speaker", "text", "source", "confidence")
COLUMNS = (*TABLE_COLUMNS, "doubts")
_DECIMALS = 3


def csv_table(transcription: Transcription) -> str:
    """Return the CSV: a row a segment; `doubts` are separated by spaces."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for segment in transcription.segments:
        cells = (f"{segment.start_s:.3f}", f"{segment.end_s:.3f}")
        texts = (without_formula(segment.speaker or ""), without_formula(marked_text(segment)))
        writer.writerow((*cells, *texts, segment.source.value, f"{segment.confidence:.4f}", " ".join(segment.doubts)))
    return file.getvalue()


def segment_table(transcription: Transcription) -> pd.DataFrame:
    """Return the segments of an analysis as a table, a row each; words that are doubtful have their mark.

    Args:
        transcription: The words.

    Returns:
        start_s, end_s and confidence float64; speaker, empty where it is not known, text and source texts.
    """
    import pandas as pd

    rows = [
        (
            round(segment.start_s, _DECIMALS),
            round(segment.end_s, _DECIMALS),
            segment.speaker or "",
            without_formula(marked_text(segment)),
            segment.source.value,
            round(segment.confidence, _DECIMALS),
        )
        for segment in transcription.segments
    ]
    types = ("float64", "float64", "object", "object", "object", "float64")
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS)).astype(dict(zip(TABLE_COLUMNS, types, strict=True)))


def json_document(transcription: Transcription) -> str:
    """Return the JSON: `segments` as speech recognisers write them, and where they come from."""
    document = {
        "source": Source.RECOGNISED.value,
        "model_id": transcription.model_id,
        "language": transcription.language,
        "duration_s": round(transcription.duration_s, 3),
        "speech_s": round(transcription.speech_s, 3),
        "warnings": [str(warning) for warning in transcription.warnings],
        "segments": [
            {
                "start": round(segment.start_s, 3),
                "end": round(segment.end_s, 3),
                "speaker": segment.speaker,
                "text": marked_text(segment),
                "source": segment.source.value,
                "confidence": segment.confidence,
                "doubts": list(segment.doubts),
            }
            for segment in transcription.segments
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
