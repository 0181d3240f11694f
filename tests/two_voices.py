"""A recording of a low and a high voice in turn, whose times are known exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import sounds
from synthetic_sessions import Plan, synthetic_analysis

from fer_phq.core.analysis import SessionAnalysis, SpeakerChoice
from fer_phq.core.messages import Message
from fer_phq.pipeline import messages
from fer_phq.speakers import messages as reasons
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.speakers.turn import Turn
from fer_phq.video import probe

LOW, HIGH = 105, 230
"""Pitch of the voices in Hz."""
SPANS = ((0.6, 4.6, 1), (5.2, 8.2, 2), (8.8, 11.3, 1), (11.9, 16.9, 2))
"""When each of them speaks, in seconds, by the number that diarization gives it."""


def write_talk(path: Path) -> Path:
    """Write the recording; its pictures, of nobody, last a second."""
    blocks = [sounds.silence(0.6)]
    for number, (start_s, end_s, speaker) in enumerate(SPANS):
        hertz = (LOW, HIGH)[speaker - 1]
        blocks += [sounds.talk(hertz, end_s - start_s, seed=number, pause_every_s=99)[0], sounds.silence(0.6)]
    sound = np.concatenate(blocks)
    sound = sound + sounds.noise(len(sound) / sounds.RATE, level=0.0005, seed=99)
    return sounds.write_tracks(path, [sound], pictures=True)


def talk_analysis(
    path: Path, subject: int | None = None, choice: SpeakerChoice = SpeakerChoice.MOUTH_STILL, *warnings: Message
) -> SessionAnalysis:
    """An analysis of the recording with these turns, which does not know the subject's voice unless it is given."""
    unknown = messages.VOICE_OF_SPEAKERS(speakers=2, reason=reasons.MOUTH_STILL(correlation=0.1, score=0.4))
    turns = [Turn(*span, 0.9) for span in SPANS]
    return replace(
        synthetic_analysis(1, Plan(seconds=1.0), probe(path)),
        turns=turn_series(turns, subject, BY_VOICES),
        speaker_choice=choice,
        warnings=warnings if warnings or subject is not None else (unknown,),
    )


def pitch_of(samples: sounds.Samples) -> float:
    """The pitch of a voice in Hz, by the autocorrelation of all of it."""
    centred = samples.astype(np.float64) - samples.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)
    lags = np.arange(sounds.RATE // 300, sounds.RATE // 80)
    return float(sounds.RATE / lags[np.argmax(correlation[lags])])
