"""The words of a recording: segments with times, speakers and doubts. No `repr` and no log holds a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fer_phq.core.messages import Message


class Source(StrEnum):
    """Where words come from."""

    RECOGNISED = "recognised"
    """A recogniser wrote them; what a person wrote is never called so."""


class Doubt(StrEnum):
    """Why words of a segment are uncertain, or are left out."""

    UNLIKELY = "unlikely"
    """The recogniser itself finds them hardly likely."""
    SHORT = "short"
    """They are few, and it is not very sure of them: a lone "yes" or a breath makes it invent."""
    INVENTED = "invented"
    """They are what it says where nobody speaks."""
    REPEATED = "repeated"
    """They go round in circles."""
    RATE = "rate"
    """They are too many or too few for the time."""
    CUT = "cut"
    """It did not come to an end."""
    OVERLAP = "overlap"
    """Several people speak at once."""


@dataclass(frozen=True)
class Segment:
    """Words from one time to another.

    Attributes:
        start_s: Seconds from the recording's start.
        end_s: Seconds from the recording's start. Only segments have times, single words have none.
        speaker: Who said them; None where that is not known.
        text: The words; "" where somebody speaks and the words cannot be told.
        source: Where they come from.
        confidence: How sure the recogniser is, 0 to 1.
        doubts: Why they are uncertain, or left out; empty where they are neither.
    """

    start_s: float
    end_s: float
    speaker: str | None
    text: str = field(repr=False)
    source: Source
    confidence: float
    doubts: tuple[Doubt, ...] = ()

    @property
    def is_uncertain(self) -> bool:
        """Whether the words should not be relied upon."""
        return bool(self.doubts)


@dataclass(frozen=True)
class Transcription:
    """What was recognised of a recording.

    Attributes:
        segments: Ordered by start.
        model_id: The recogniser's name and the short hash of its files.
        language: The language that the recogniser knows; every other one is taken for it.
        duration_s: Length of the sound in seconds.
        speech_s: How long somebody speaks, in seconds.
        warnings: What limits it.
    """

    segments: tuple[Segment, ...]
    model_id: str
    language: str
    duration_s: float
    speech_s: float
    warnings: tuple[Message, ...] = ()
