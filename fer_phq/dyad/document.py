"""The measures of two people as JSON."""

from __future__ import annotations

from typing import Any

from fer_phq.dyad.answers import Coincidence
from fer_phq.dyad.measures import DyadMeasures
from fer_phq.dyad.synchrony import Synchrony

_DECIMALS = 4


def dyad_document(measures: DyadMeasures) -> dict[str, Any]:
    """Return the measures as JSON-able values; null where there is too little of both people.

    Args:
        measures: The measures.
    """
    return {name: None if value is None else _rounded(value) for name, value in vars(measures).items()}


def _rounded(value: Synchrony | Coincidence) -> dict[str, float | None]:
    return {name: None if number is None else round(number, _DECIMALS) for name, number in vars(value).items()}
