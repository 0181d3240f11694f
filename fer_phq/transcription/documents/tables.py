"""CSV and JSON, which hold all of a transcription."""

from __future__ import annotations

import csv
import io
import json

from fer_phq.core.csv_input import without_formula
from fer_phq.transcription.documents.marks import marked_text
from fer_phq.transcription.transcription import Source, Transcription

COLUMNS = ("start_s", "end_s", "speaker", "text", "source", "confidence", "doubts")


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
