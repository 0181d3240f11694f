"""A transcript: utterances with times and speakers. The text is left out of every `repr`, so no log can hold it."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from fer_phq.core.messages import Message

MAX_SECONDS = 24 * 3600.0
"""Latest time of a transcript, in seconds: no session lasts longer than a day."""


@dataclass(frozen=True)
class Utterance:
    """What one speaker said from one time to another. Raises ValueError unless 0 <= start_s <= end_s <= a day.

    Attributes:
        start_s: Seconds from the recording's start.
        end_s: Seconds from the recording's start.
        speaker: The transcript's name of the speaker, or None.
        text: What was said, without markup.
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
    """A session's utterances. Raises ValueError unless they are ordered by their start.

    Attributes:
        utterances: Ordered by start.
        warnings: What was left out or repaired in reading.
    """

    utterances: tuple[Utterance, ...]
    warnings: tuple[Message, ...] = ()

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
                first.setdefault(fold_speaker(utterance.speaker), utterance.speaker)
        return tuple(first.values())


class UnusableTranscript(Exception):
    """A file is no transcript that can be used.

    Attributes:
        reason: The end of a sentence, as "it is empty".
    """

    def __init__(self, reason: Message) -> None:
        """Keep the reason, to be filled into a message that names the file."""
        super().__init__(reason)
        self.reason = reason


class Row(NamedTuple):
    """An utterance as a file has it, before it is checked.

    Attributes:
        line: Number of its first line in the file, from 1.
        start_s: Seconds from the recording's start.
        end_s: Seconds from the recording's start.
        speaker: The file's name of the speaker, or None.
        text: What was said, without markup.
    """

    line: int
    start_s: float
    end_s: float
    speaker: str | None
    text: str


def is_by(utterance: Utterance, speaker: str | None) -> bool:
    """Tell whether a speaker said an utterance.

    Args:
        utterance: The utterance.
        speaker: The speaker's name, whatever its case and the spaces around it; None stands for every speaker.
    """
    if speaker is None:
        return True
    return utterance.speaker is not None and fold_speaker(utterance.speaker) == fold_speaker(speaker)


def fold_speaker(name: str) -> str:
    """Return a speaker's name for comparison, without differences of case, outer spaces and composed letters."""
    return unicodedata.normalize("NFC", name.strip()).casefold()
