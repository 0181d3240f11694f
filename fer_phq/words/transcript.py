"""A transcript: who said what, from when to when. The text is left out of every `repr`, so no log can hold it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_SECONDS = 24 * 3600.0
"""Latest time of a transcript, in seconds: no session lasts longer than a day."""


@dataclass(frozen=True)
class Utterance:
    """What one speaker said from start_s to end_s: seconds from the recording's start, 0 <= start_s <= end_s <= a day.

    speaker: the transcript's name of who spoke, or None. text: the words, without markup. Raises ValueError.
    """

    start_s: float
    end_s: float
    speaker: str | None
    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start_s <= self.end_s <= MAX_SECONDS:
            raise ValueError(f"An utterance cannot last from {self.start_s} s to {self.end_s} s.")


@dataclass(frozen=True)
class Transcript:
    """A session's utterances, ordered by start, and one sentence about each thing that was mended in reading.

    Raises ValueError for utterances that are not in order.
    """

    utterances: tuple[Utterance, ...]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(after.start_s < before.start_s for before, after in itertools.pairwise(self.utterances)):
            raise ValueError("Utterances must be ordered by their start.")

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, by first appearance; names that differ only in case are one, as first spelled."""
        first: dict[str, str] = {}
        for utterance in self.utterances:
            if utterance.speaker is not None:
                first.setdefault(utterance.speaker.casefold(), utterance.speaker)
        return tuple(first.values())


class Row(NamedTuple):
    """An utterance as a file has it, before it is checked: its line, seconds, speaker and text without markup."""

    line: int
    start_s: float
    end_s: float
    speaker: str | None
    text: str


def is_by(utterance: Utterance, speaker: str | None) -> bool:
    """Whether a speaker said it; None stands for every speaker."""
    if speaker is None:
        return True
    return utterance.speaker is not None and utterance.speaker.casefold() == speaker.strip().casefold()
