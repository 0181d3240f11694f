"""What is found out about who speaks when."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from fer_phq.core.messages import Message

PAUSE_S = 0.3
"""Seconds of silence up to which a turn goes on (NIST's Rich Transcription evaluations, 2006)."""


@dataclass(frozen=True, order=True)
class Turn:
    """A stretch of time in which somebody speaks, alone or while others do.

    Attributes:
        start_s: Start in seconds from the recording's start.
        end_s: End in seconds, after the start.
        speaker: Who it is, counted from 1 in the order in which they first speak.
        confidence: How sure it is that this speaker speaks there, 0 to 1.
    """

    start_s: float
    end_s: float
    speaker: int
    confidence: float

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s < self.end_s):
            raise ValueError(f"A turn needs a start from 0 on and a later end, got {self.start_s:g} to {self.end_s:g}.")
        if self.speaker < 1 or not 0 <= self.confidence <= 1:
            raise ValueError(f"Speaker {self.speaker} or confidence {self.confidence:g} of a turn is out of range.")

    @property
    def duration_s(self) -> float:
        """How long it lasts, in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Diarization:
    """Who speaks when.

    Attributes:
        turns: Everybody's turns in the order of their starts; those of different speakers may overlap.
        duration_s: Length of the sound in seconds.
        is_by_part: Whether the speakers are tracks or channels of the sound, and not told by their voices.
        warnings: What limits it.
    """

    turns: tuple[Turn, ...]
    duration_s: float
    is_by_part: bool
    warnings: tuple[Message, ...]

    @property
    def speakers(self) -> int:
        """How many speakers have a turn."""
        return max((turn.speaker for turn in self.turns), default=0)


def speaker_name(number: int) -> str:
    """Return the name of a speaker, who is counted from 1, in documents."""
    return f"Speaker {number}"


def speaker_number(name: str | None) -> int | None:
    """Return the number of a speaker whom `speaker_name` named; None for another name, or none."""
    match = re.fullmatch(r"Speaker ([1-9]\d*)", name or "")
    return None if match is None else int(match[1])
