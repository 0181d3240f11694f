"""Recognised words of a session: written down where that is asked for, and the subject's of them as features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fer_phq.core.analysis import SoundChoice
from fer_phq.core.errors import ModelError, RecordingError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.core.speech.transcription import Segment, Transcription
from fer_phq.pipeline import messages
from fer_phq.speakers.files.series import subject_of, turns_of
from fer_phq.speakers.turn import speaker_name
from fer_phq.words import Transcript, Utterance, has_minilm, language_warning, load_minilm, word_features

OnSound = Callable[[float, float | None], None]
"""Called with the seconds of sound done and of all sound, None when that is not known."""


@dataclass(frozen=True, eq=False)
class RecognisedWords:
    """Words of a session as a recogniser writes them.

    Attributes:
        transcription: Everybody's; None where they cannot be recognised.
        words: Features of the subject's; None where they cannot be used.
        warnings: What limits them.
    """

    transcription: Transcription | None
    words: FeatureSeries | None
    warnings: tuple[Message, ...]


def recognise_words(
    sound: str | Path,
    choice: SoundChoice,
    turns: FeatureSeries | None,
    *,
    display_name: str | None = None,
    on_sound: OnSound | None = None,
) -> RecognisedWords:
    """Recognise what is said, and describe the subject's words of it where the subject's speaker is known.

    Words that should not be relied upon are kept, with their doubts, and are no features.

    Args:
        sound: The recording, or the sound file in its place.
        choice: The track and the channel that are heard, where they are set by hand.
        turns: Everybody's turns, of `turn_series`; None where they were not told.
        display_name: What errors call the sound; its path when omitted.
        on_sound: Called with the seconds of sound done and of all sound; it may raise `AnalysisCancelled`.

    Returns:
        The words; none, and a warning, where the extra `speech` is missing or the sound cannot be used.
    """
    from fer_phq.transcription import transcribe  # two networks, which sound without speech does not wait for

    everyones = () if turns is None else turns_of(turns)
    try:
        transcription = transcribe(
            sound, turns=everyones, sound=choice, display_name=display_name, on_progress=on_sound
        )
    except (ModelError, RecordingError) as error:
        return RecognisedWords(None, None, (messages.NOT_RECOGNISED(reason=error.message),))
    if not any(segment.text for segment in transcription.segments):
        return RecognisedWords(transcription, None, transcription.warnings)
    words, reason = _subjects_words(transcription, None if turns is None else subject_of(turns))
    origin = messages.RECOGNISED(model_id=transcription.model_id) if reason is None else reason
    return RecognisedWords(transcription, words, (*transcription.warnings, origin))


def _subjects_words(transcription: Transcription, subject: int | None) -> tuple[FeatureSeries | None, Message | None]:
    """Return features of the subject's words, or the reason why they are not used."""
    from fer_phq.transcription.messages import MOSTLY_UNCERTAIN

    if subject is None:
        return None, messages.RECOGNISED_OF_NOBODY()
    speaker = speaker_name(subject)
    segments = [segment for segment in transcription.segments if segment.speaker == speaker]
    is_sure = np.array([not segment.is_uncertain and bool(segment.text) for segment in segments], bool)
    transcript = Transcript(tuple(map(_utterance, transcription.segments)))
    is_foreign = any(warning.code == MOSTLY_UNCERTAIN.code for warning in transcription.warnings)
    if not is_sure.any() or is_foreign or language_warning(transcript, speaker) is not None:
        return None, messages.RECOGNISED_UNSURE(language=transcription.language)
    # Silences count from what was said before, be it doubtful: so doubts are left out afterwards.
    series = word_features(transcript, speaker, load_minilm() if has_minilm() else None)
    times = None if series.time_s is None else series.time_s[is_sure]
    return replace(series, values=series.values[is_sure], time_s=times), None


def _utterance(segment: Segment) -> Utterance:
    return Utterance(segment.start_s, segment.end_s, segment.speaker, segment.text)
