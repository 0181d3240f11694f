"""Points of a reliability diagram."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose confidence, the highest probability, lies in [low, high). An empty bin holds zeros.

    Attributes:
        low: Lower bound, 0 to 1.
        high: Upper bound, 0 to 1.
        n: Number of images.
        confidence: Their mean confidence.
        accuracy: Their accuracy.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
