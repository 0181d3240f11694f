"""The puppet's voice: a conversation of its script, spoken by espeak-ng, and the lips that go with it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fer_phq.core.arrays import FloatArray
from training.simulation.conversation import SUBJECT, Conversation, Cue, simulate_conversation
from training.simulation.puppet.script import LIPS_HZ, Script, draw_script_speaker

_SYLLABLE_S = 0.08  # over which the lips are slow
_LOUD = 80  # percentile of the loudness at which they are wide open


def simulate_speech(script: Script) -> Conversation:
    """Simulate what is said in a session: an interviewer's questions, and the client's answers.

    Raises:
        FerPhqError: espeak-ng cannot speak.
    """
    return simulate_conversation(draw_script_speaker(script), script.seconds, script.generator(2))


def compute_lip_openings(sound: FloatArray, rate: int, cues: Iterable[Cue]) -> FloatArray:
    """Compute how far the client's lips are open: the square root of the loudness while it is the client who speaks.

    Args:
        sound: (n,) samples from -1 to 1.
        rate: Samples a second.
        cues: What is said.

    Returns:
        (m,) 0 to 1, `LIPS_HZ` a second.
    """
    step = round(rate / LIPS_HZ)
    blocks = sound[: len(sound) // step * step].reshape(-1, step).astype(np.float64)
    level = np.sqrt((blocks**2).mean(axis=1))
    time_s = (np.arange(len(level)) + 0.5) * step / rate
    cues = tuple(cues)
    speaking = np.zeros(len(level), bool)
    for cue in cues:
        speaking |= (cue.speaker == SUBJECT) & (time_s >= cue.start_s) & (time_s < cue.end_s)
    if not speaking.any():
        return np.zeros(len(level), np.float32)
    width = max(1, round(_SYLLABLE_S * LIPS_HZ))
    smooth = np.sqrt(np.convolve(np.where(speaking, level, 0), np.ones(width) / width, "same"))
    return np.asarray(np.clip(smooth / np.percentile(smooth[speaking], _LOUD), 0, 1), dtype=np.float32)
