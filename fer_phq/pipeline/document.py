"""An analysis as a JSON document, with what its series come to."""

from __future__ import annotations

from typing import Any

from fer_phq.behaviour.files.tables import behaviour_document
from fer_phq.core.analysis import SessionAnalysis
from fer_phq.dyad.document import dyad_document
from fer_phq.dyad.measures import measure_dyad
from fer_phq.speakers.files.tables import speech_document


def analysis_document(analysis: SessionAnalysis) -> dict[str, Any]:
    """Return an analysis as JSON has it, with facial behaviour, partner and who speaks; null where that is not there.

    Args:
        analysis: The analysis.
    """
    behaviour = analysis.behaviour
    turns = analysis.turns
    duration_s = analysis.recording.duration_s
    series = {
        "behaviour": None if behaviour is None else behaviour_document(behaviour, duration_s),
        "partner": _partner_document(analysis),
        "speech": None if turns is None else speech_document(turns, analysis.speaker_choice, duration_s),
    }
    return analysis.to_dict() | series


def _partner_document(analysis: SessionAnalysis) -> dict[str, Any] | None:
    if analysis.behaviour is None or analysis.partner is None:
        return None
    return {
        "behaviour": behaviour_document(analysis.partner, analysis.recording.duration_s),
        "dyad": dyad_document(measure_dyad(analysis.behaviour, analysis.partner)),
    }
