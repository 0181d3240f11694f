"""A model's estimate of a PHQ total as an answer: never without its interval, its provenance and its caveat."""

from __future__ import annotations

from starlette.requests import Request

from fer_phq.core.phq import PhqEstimate, PhqResult, Provenance, bands_between
from service.api import messages
from service.api.v1.analyses import schemas
from service.api.v1.answers.problems import Sentences


def describe_estimate(sentences: Sentences, request: Request, phq: PhqResult) -> schemas.Estimate | schemas.NoEstimate:
    """Return an estimate, or why there is none.

    Args:
        sentences: Writes messages.
        request: Its `Accept-Language` chooses.
        phq: What the model gave.
    """
    if not isinstance(phq, PhqEstimate):
        return schemas.NoEstimate(reason=phq.reason, detail=sentences.note(request, phq.message))
    simulated = [messages.SIMULATED()] if phq.provenance is Provenance.SIMULATED else []
    return schemas.Estimate(
        score=phq.score,
        low=phq.low,
        high=phq.high,
        level=phq.level,
        scale=phq.scale,
        bands=list(bands_between(phq.low, phq.high)),
        provenance=phq.provenance,
        model_id=phq.model_id,
        modalities=list(phq.modalities),
        notes=[sentences.note(request, message) for message in simulated],
    )
