"""The voices of a session, of which a person chooses the subject's: how much each speaks, and a piece to play."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from db.records import AnalysisSummary
from fer_phq.core.analysis import AUTOMATIC, SoundChoice
from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import RecordingError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.pipeline import messages
from fer_phq.speakers.files.series import subject_of, turns_of
from fer_phq.speakers.turn import Turn
from fer_phq.video import SOUND_RATE, read_sound
from service.views.messages import VOICE_NOT_THERE

SAMPLE_S = 3.0
"""Seconds of a voice that are played."""
LEAST_SAMPLE_S = 0.5
"""Seconds for which somebody must speak alone, so that it is heard who it is."""
MARGIN_S = 0.1
"""Seconds interruptions another's turn that are not played: the ends of turns are right within about that."""
BLOCK_S = 5.0
ASKING = (
    messages.VOICE_OF_SPEAKERS.code,
    messages.VOICE_OF_ONE.code,
    messages.VOICE_OF_OTHER_FACES.code,
    messages.MOUTH_AGAINST_CHOICE.code,
    messages.CHOICE_LOST.code,
)
"""Codes of the warnings that ask whose voice is the subject's."""

Span = tuple[float, float]


@dataclass(frozen=True)
class SpeakerVoice:
    """The voice of a speaker.

    Attributes:
        speaker: The speaker's number in the analysis.
        is_subject: Whether the analysis takes the speaker for the subject; None where that is not known.
        speech_s: Seconds in which the speaker speaks.
        share: That of the speech of all speakers added up, 0 to 1.
        turns: The number of turns.
        sample: From when to when the speaker is heard alone, in seconds; None where that is never long enough.
    """

    speaker: int
    is_subject: bool | None
    speech_s: float
    share: float
    turns: int
    sample: Span | None


def list_voices(series: FeatureSeries) -> tuple[SpeakerVoice, ...]:
    """List the voices of an analysis by the numbers of their speakers.

    Args:
        series: Everybody's turns, of `turn_series`.
    """
    turns = turns_of(series)
    subject = subject_of(series)
    total_s = sum(turn.duration_s for turn in turns)
    voices = []
    for speaker in sorted({turn.speaker for turn in turns}):
        speaker_turns = [turn for turn in turns if turn.speaker == speaker]
        speech_s = sum(turn.duration_s for turn in speaker_turns)
        voices.append(
            SpeakerVoice(
                speaker=speaker,
                is_subject=None if subject is None else speaker == subject,
                speech_s=speech_s,
                share=speech_s / total_s,
                turns=len(speaker_turns),
                sample=find_sample(speaker_turns, [turn for turn in turns if turn.speaker != speaker]),
            )
        )
    return tuple(voices)


def find_sample(turns: list[Turn], interjections: list[Turn]) -> Span | None:
    """Find where somebody is heard alone for longest, and there the middle `SAMPLE_S`.

    Args:
        turns: Turns of the speaker.
        interjections: Turns of all others.

    Returns:
        Start and end in seconds; None where it is nowhere as long as `LEAST_SAMPLE_S`.
    """
    longest = (0.0, 0.0)
    for turn in turns:
        start_s = turn.start_s
        interruptions = [(turn.start_s - MARGIN_S, turn.end_s + MARGIN_S) for turn in interjections]
        interruptions = sorted(span for span in interruptions if span[1] > turn.start_s and span[0] < turn.end_s)
        for from_s, until_s in [*interruptions, (turn.end_s, turn.end_s)]:
            if from_s - start_s > longest[1] - longest[0]:
                longest = (start_s, from_s)
            start_s = max(start_s, until_s)
    length_s = longest[1] - longest[0]
    if length_s < LEAST_SAMPLE_S:
        return None
    margin_s = max(0.0, length_s - SAMPLE_S) / 2
    return longest[0] + margin_s, longest[1] - margin_s


def read_sample(path: Path, span: Span, sound: SoundChoice = AUTOMATIC, display_name: str | None = None) -> bytes:
    """Read a piece of a recording's sound as a WAV file (16 kHz, 16 bits, mono): of the sound in which turns were told.

    Args:
        path: The recording.
        span: From when to when, in seconds.
        sound: The track and the channel that are heard, where they are set by hand.
        display_name: What errors call the recording; its path when omitted.

    Raises:
        RecordingError: The recording cannot be read, or ends before.
    """
    pieces: list[FloatArray] = []
    with read_sound(path, block_s=BLOCK_S, display_name=display_name, choice=sound) as stream:
        for block in stream:
            first, last = (round((time_s - block.time_s) * SOUND_RATE) for time_s in span)
            if last <= 0:
                break
            if first < len(block.samples):
                pieces.append(block.samples[max(first, 0) : last])
    if not pieces:
        raise RecordingError(VOICE_NOT_THERE(start=span[0]))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SOUND_RATE)
        out.writeframes((np.clip(np.concatenate(pieces), -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def asks_for_voice(summary: AnalysisSummary) -> bool:
    """Tell whether an analysis does not know which voice is the subject's, or doubts the one that was chosen."""
    return any(warning.code in ASKING for warning in summary.warnings)


def voice_evidence(summary: AnalysisSummary) -> Message | None:
    """Return how clearly the mouth chose the subject's voice among several; None where it did not."""
    code = messages.SUBJECT_BY_MOUTH.code
    return next((warning for warning in summary.warnings if warning.code == code), None)
