"""Who speaks when in a session under review: turns as they are drawn, and how they are taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.core.speech.transcription import Transcription
from fer_phq.features.measures import MEASURES, TURNS
from fer_phq.speakers.files.series import subject_of, turns_of
from fer_phq.speakers.files.tables import turn_taking
from fer_phq.speakers.files.taking import subject_taking
from fer_phq.speakers.measures import Measured, TurnTaking
from fer_phq.speakers.messages import FEW_EVENTS
from fer_phq.speakers.turn import Turn, speaker_name

TAKING = tuple(measure for measure in MEASURES if measure.modality == TURNS)
"""The measures of turn taking that people follow over sessions."""


@dataclass(frozen=True, eq=False)
class TurnsView:
    """Everybody's turns of an analysis.

    Attributes:
        series: The turns, of `turn_series`.
        choice: How the subject's speaker was found, or why it is not known; None without a turn.
        recording_s: Length of the recording in seconds.
        transcription: Recognised words, which stand beside their turns; None without any.
    """

    series: FeatureSeries
    choice: SpeakerChoice | None
    recording_s: float
    transcription: Transcription | None = None

    @property
    def subject(self) -> int | None:
        """The subject's speaker; None where it is not known."""
        return subject_of(self.series)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a turn: start_s, end_s, speaker (a number), text (recognised words, or none), is_subject."""
        turns = turns_of(self.series)
        subject = self.subject
        return pd.DataFrame(
            {
                "start_s": [turn.start_s for turn in turns],
                "end_s": [turn.end_s for turn in turns],
                "speaker": [turn.speaker for turn in turns],
                "text": [self._words(turn) for turn in turns],
                "is_subject": [turn.speaker == subject for turn in turns],
            }
        )

    @cached_property
    def taking(self) -> TurnTaking:
        """The measures of turn taking."""
        return turn_taking(self.series, self.recording_s)

    @cached_property
    def subject_taking(self) -> dict[str, Measured]:
        """How the subject takes turns, of `fer_phq.speakers.files.taking.subject_taking`."""
        return subject_taking(self.series, self.recording_s)

    @property
    def measures(self) -> dict[str, float]:
        """The measures of turn taking that people follow over sessions, by the names of `fer_phq.features.measures`."""
        values = {measure: self.subject_taking[measure.functional].value for measure in TAKING}
        return {measure.name: measure.factor * value for measure, value in values.items() if value is not None}

    @property
    def missing(self) -> dict[str, Message]:
        """Why some of them are missing, by their names."""
        reasons = {measure.name: self.subject_taking[measure.functional].reason for measure in TAKING}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    @property
    def speakers(self) -> list[int]:
        """The speakers who have a turn, the subject first."""
        subject = self.subject
        return sorted(self.taking.speakers, key=lambda speaker: (speaker != subject, speaker))

    @property
    def reasons(self) -> list[Message]:
        """Why measures are missing, each reason once; that events are few aside."""
        reasons = [reason for _name, reason in self._missing() if reason.code != FEW_EVENTS.code]
        return [reason for index, reason in enumerate(reasons) if reason not in reasons[:index]]

    def has_few(self, names: Collection[str]) -> bool:
        """Tell whether any of these measures is missing because events are few."""
        return any(name in names and reason.code == FEW_EVENTS.code for name, reason in self._missing())

    def _missing(self) -> list[tuple[str, Message]]:
        """Return the names of the measures without a value, of the talk and of each speaker, with the reasons."""
        columns = (self.taking.talk, *self.taking.speakers.values())
        measures = [(name, measured.reason) for column in columns for name, measured in column.items()]
        return [(name, reason) for name, reason in measures if reason is not None]

    def _words(self, turn: Turn) -> str:
        """Return the recognised words of a speaker whose middle lies in a turn; doubtful ones have a mark."""
        segments = () if self.transcription is None else self.transcription.segments
        name = speaker_name(turn.speaker)
        return " ".join(
            f"(?) {segment.text}".strip() if segment.is_uncertain else segment.text
            for segment in segments
            if segment.speaker == name and turn.start_s <= (segment.start_s + segment.end_s) / 2 < turn.end_s
        )
