"""Whose voice the sessions of a person were measured of, and who speaks: what a line over sessions may join.

A line of the voice joins no sessions in which the subject's voice was found in two ways, or everybody's was measured in
one of them. A line of turn taking joins neither those nor turns that were told in two ways. A line of words joins none
that were given with recognised ones, nor recognised ones of a subject who was found in two ways.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import pandas as pd

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.messages import Message
from fer_phq.core.phq import Modality
from fer_phq.features.measures import MEASURES, RECOGNISED_SHARE, TURNS
from fer_phq.longitudinal.periods import kind_runs
from fer_phq.speakers.files.taking import OF_TALK
from service.views import messages

VOICE_NAMES = frozenset(measure.name for measure in MEASURES if measure.modality == Modality.VOICE)
TURN_NAMES = frozenset(measure.name for measure in MEASURES if measure.modality == TURNS)
TALK_NAMES = frozenset(
    measure.name for measure in MEASURES if measure.modality == TURNS and measure.functional in OF_TALK
)
"""Measures of turn taking of all speakers together, whoever is the subject."""
SUBJECT_NAMES = TURN_NAMES - TALK_NAMES
"""Measures of turn taking of the subject's."""

WORD_NAMES = frozenset(measure.name for measure in MEASURES if measure.modality == Modality.WORDS) - {RECOGNISED_SHARE}
SPEECH_NAMES = VOICE_NAMES | TURN_NAMES | WORD_NAMES
"""Measures that depend on how it was told who speaks, or what is said."""

EVERYBODY = "everybody"
"""Whose voice is measured where the subject's is not known."""
_VOICES = {
    SpeakerChoice.LABELS_DISAGREE: str(SpeakerChoice.TRANSCRIPT),  # the voice is taken at the transcript's times
    **dict.fromkeys(
        (
            *(SpeakerChoice.NO_MOUTH, SpeakerChoice.MOUTH_TOO_SELDOM, SpeakerChoice.MOUTH_TOO_BRIEF),
            *(SpeakerChoice.TOO_LITTLE_SPEECH, SpeakerChoice.MOUTH_STILL, SpeakerChoice.MOUTH_WITH_TWO),
            SpeakerChoice.OTHER_FACES,
            SpeakerChoice.CHOICE_LOST,  # no voice is measured then
        ),
        EVERYBODY,
    ),
}


def voice_of(choice: str | None, *, has_sidecar: bool) -> str:
    """Return whose voice an analysis measured: `EVERYBODY`'s, or the subject's as it was found.

    Args:
        choice: A `SpeakerChoice`; None where who speaks was not told. The times of a transcript were taken then.
        has_sidecar: Whether a transcript or a sound was given beside the recording.
    """
    if choice is None:
        return str(SpeakerChoice.TRANSCRIPT) if has_sidecar else EVERYBODY
    return _VOICES.get(SpeakerChoice(choice), choice)


@dataclass(frozen=True)
class Telling:
    """How it was told who speaks in a session, which speaker is the subject, and what is said.

    Attributes:
        turns_kind: The kind of its turns; None where they were not told.
        choice: A `SpeakerChoice`; None without a turn, and where turns were not told.
        has_sidecar: Whether a transcript or a sound was given beside the recording.
        recognised: `RECOGNISED_SHARE`; NaN without words, and where an earlier version measured them.
    """

    turns_kind: str | None
    choice: str | None
    has_sidecar: bool
    recognised: float

    def of(self, name: str) -> Hashable | None:
        """Return what sessions must share for a measure of `SPEECH_NAMES` to be of one kind; None for others."""
        if name in VOICE_NAMES:
            return voice_of(self.choice, has_sidecar=self.has_sidecar)
        if name in WORD_NAMES and math.isfinite(self.recognised):
            return ("recognised", self.choice) if self.recognised else "given"
        if name in TURN_NAMES and self.turns_kind is not None:
            return self.turns_kind, None if name in TALK_NAMES else self.choice
        return None


def telling_runs(trend: pd.DataFrame, name: str) -> list[int]:
    """Number the runs of sessions in which it was told in one way whose voice it is, who speaks, or what is said.

    Args:
        trend: Rows of `Store.trends.load` or of one person of `Store.cohort.load`, `recorded_at` ascending.
        name: One of `SPEECH_NAMES`. A session without it belongs to any run.
    """
    return kind_runs(_tellings(trend, name))


def voice_notes(names: Iterable[str], sessions: pd.DataFrame) -> dict[str, Message]:
    """Say where these measures of voice, words and turn taking are of several kinds, or are missing.

    Args:
        names: The measures that are shown.
        sessions: Rows as in `telling_runs`, of any people.

    Returns:
        What is to be said, by what it is of: `several_voices`, `several_words`, `several_turns`, `subject_unknown`.
    """
    shown = set(names)
    notes = {}
    if any(_differ(sessions, name) for name in shown & VOICE_NAMES):
        notes["several_voices"] = messages.MIXED_VOICES()
    if any(_differ(sessions, name) for name in shown & WORD_NAMES):
        notes["several_words"] = messages.MIXED_WORDS()
    if any(_differ(sessions, name) for name in shown & TURN_NAMES):
        notes["several_turns"] = messages.MIXED_TURNS()
    unknown = sum(subject_unknown(sessions)) if shown & SUBJECT_NAMES else 0
    if unknown:
        notes["subject_unknown"] = messages.SUBJECT_UNKNOWN(count=unknown, total=len(sessions))
    return notes


def subject_unknown(sessions: pd.DataFrame) -> list[bool]:
    """Tell of each session whether it is not known which voice is the subject's, or who speaks was not told.

    Args:
        sessions: As in `voice_notes`.
    """
    return [
        kind is None or (choice is not None and _is_unknown(choice))
        for kind, choice in zip(_texts(sessions["turns_kind"]), _texts(sessions["speaker_choice"]), strict=True)
    ]


def _is_unknown(choice: str) -> bool:
    return choice in _VOICES


def _differ(sessions: pd.DataFrame, name: str) -> bool:
    """Tell whether sessions that have a measure of `SPEECH_NAMES` were told in several ways."""
    return name in sessions and len(set(_tellings(sessions, name)) - {None}) > 1


def _tellings(sessions: pd.DataFrame, name: str) -> list[Hashable | None]:
    """Return what sessions must have in common for one measure to be of one kind; None where it was not measured."""
    recognised = sessions[RECOGNISED_SHARE] if RECOGNISED_SHARE in sessions else [math.nan] * len(sessions)
    columns = (_texts(sessions["turns_kind"]), _texts(sessions["speaker_choice"]), sessions["has_sidecar"], recognised)
    tellings = [Telling(*row).of(name) for row in zip(*columns, strict=True)]
    return [telling if measured else None for telling, measured in zip(tellings, sessions[name].notna(), strict=True)]


def _texts(column: pd.Series[str]) -> list[str | None]:
    return [text if isinstance(text, str) else None for text in column]
