"""What a speech recogniser is: the interface, so that a model that somebody has can be used for other languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from fer_phq.core.arrays import FloatArray


@dataclass(frozen=True)
class Hypothesis:
    """Words that a recogniser takes a sound for.

    Attributes:
        start_s: Where they begin, in seconds of the sound.
        end_s: Where they end, in seconds of the sound.
        text: The words, possibly none.
        confidence: How sure the recogniser is of them, 0 to 1: the geometric mean of the tokens' probabilities, or
            another model's own measure of the same range.
        is_complete: The recogniser came to an end by itself; False where it was stopped.
    """

    start_s: float
    end_s: float
    text: str = field(repr=False)
    confidence: float
    is_complete: bool = True


class Recognizer(Protocol):
    """Recognises words in short sounds, each at most `longest_s` long."""

    @property
    def model_id(self) -> str:
        """The model's name and a short hash of its files."""
        ...

    @property
    def language(self) -> str:
        """The language that it knows, as BCP 47 writes it ("en"). It takes every other one for this."""
        ...

    @property
    def longest_s(self) -> float:
        """Seconds of the longest sound that it takes, more than 2."""
        ...

    def recognize(self, samples: FloatArray) -> tuple[Hypothesis, ...]:
        """Recognise the words of a sound.

        Args:
            samples: (n,) float32, mono, 16 kHz, -1 to 1.

        Returns:
            Hypotheses in their order, within the sound; none where it takes the sound for silence.
        """
        ...
