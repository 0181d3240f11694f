"""The words of one analysis as a recogniser wrote them, from and to bytes."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from db.queries.base import Queries, get_row
from db.tables import AnalysisRow, TranscriptionRow
from fer_phq.core.analysis import SessionAnalysis
from fer_phq.core.speech.transcription import Doubt, Segment, Source, Transcription


class TranscriptionQueries(Queries):
    """Recognised words."""

    def load(self, *, analysis_id: str) -> Transcription | None:
        """Load the recognised words of an analysis; None where none were recognised, or the actor may not read words.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return transcription_of(session, analysis_id)


def transcription_row(analysis: SessionAnalysis) -> dict[str, Any] | None:
    """Return the columns of an analysis's `TranscriptionRow`, its id aside; None where no words were recognised."""
    transcription = analysis.transcription
    if transcription is None:
        return None
    segments = [
        [segment.start_s, segment.end_s, segment.speaker, segment.text, segment.confidence, list(segment.doubts)]
        for segment in transcription.segments
    ]
    return {
        "model_id": transcription.model_id,
        "language": transcription.language,
        "duration_s": transcription.duration_s,
        "speech_s": transcription.speech_s,
        "segments": json.dumps(segments, ensure_ascii=False).encode(),
    }


def transcription_of(session: Session, analysis_id: str) -> Transcription | None:
    """Load the recognised words of an analysis in an open transaction; None where there are none.

    What limits them is among the analysis's warnings.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.
    """
    row = session.get(TranscriptionRow, analysis_id)
    if row is None:
        return None
    segments = tuple(
        Segment(start_s, end_s, speaker, text, Source.RECOGNISED, confidence, tuple(map(Doubt, doubts)))
        for start_s, end_s, speaker, text, confidence, doubts in json.loads(row.segments)
    )
    return Transcription(segments, row.model_id, row.language, row.duration_s, row.speech_s)
