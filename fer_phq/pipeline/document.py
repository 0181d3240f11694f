"""An analysis as a JSON document, with what its series come to."""

from __future__ import annotations

from typing import Any

from fer_phq.behaviour.files.tables import behaviour_document
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.speech.transcription import Source, Transcription
from fer_phq.dyad.document import dyad_document
from fer_phq.dyad.measures import measure_dyad
from fer_phq.speakers.files.tables import speech_document


def recognition_document(transcription: Transcription) -> dict[str, Any]:
    """Return what JSON says of recognised words: who recognised them, and how many segments are doubtful.

    Args:
        transcription: The words.
    """
    return {
        "source": str(Source.RECOGNISED),
        "model_id": transcription.model_id,
        "language": transcription.language,
        "segments": len(transcription.segments),
        "uncertain": sum(segment.is_uncertain for segment in transcription.segments),
    }


def analysis_document(analysis: SessionAnalysis, coverage_floor: float = Settings.coverage_floor) -> dict[str, Any]:
    """Return an analysis as JSON has it, with facial behaviour, partner, who speaks, and who recognised the words.

    Each is null where it is not there. The words themselves are not in it.

    Args:
        analysis: The analysis.
        coverage_floor: Share of the recording that must be seen before something is measured, 0 to 1.
    """
    behaviour = analysis.behaviour
    turns = analysis.turns
    duration_s = analysis.recording.duration_s
    transcription = analysis.transcription
    series = {
        "behaviour": None if behaviour is None else behaviour_document(behaviour, duration_s, coverage_floor),
        "partner": _partner_document(analysis, coverage_floor),
        "speech": None if turns is None else speech_document(turns, analysis.speaker_choice, duration_s),
        "recognition": None if transcription is None else recognition_document(transcription),
    }
    document = analysis.to_dict()
    warnings = [*document["warnings"], *(str(warning) for warning in analysis.partner_warnings)]
    return document | {"warnings": warnings} | series


def _partner_document(analysis: SessionAnalysis, coverage_floor: float) -> dict[str, Any] | None:
    if analysis.behaviour is None or analysis.partner is None:
        return None
    return {
        "behaviour": behaviour_document(analysis.partner, analysis.recording.duration_s, coverage_floor),
        "dyad": dyad_document(measure_dyad(analysis.behaviour, analysis.partner)),
    }
