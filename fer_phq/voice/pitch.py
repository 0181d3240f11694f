"""The pitch of a voice: SwiftF0 0.3 (Nieradzik, 2025, MIT), whose weights are inside the PyPI package `swift-f0`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from swift_f0 import FRAME_PERIOD, SAMPLE_RATE, PitchResult, SwiftF0

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError

HOP = round(FRAME_PERIOD * SAMPLE_RATE)
"""Samples from one frame's centre to the next: 16 ms; the first is centred on sample 0."""

REFERENCE_HZ = 27.5
"""0 semitones: A0, as in eGeMAPS (Eyben et al., 2016)."""

LOWEST_HZ = 55.0
HIGHEST_HZ = 1000.0
"""The range in which a voice's pitch is searched, as in eGeMAPS."""

VOICED = 0.5
"""The confidence from which a frame counts as voiced; SwiftF0's is calibrated to it."""


class PitchTracker:
    """Gives each `HOP` samples a pitch, as sound comes in; what it returns does not depend on how the sound is cut."""

    def __init__(self) -> None:
        """Raises ModelError when the weights are damaged."""
        self._stream = _detector().stream(LOWEST_HZ, HIGHEST_HZ)

    def push(self, samples: FloatArray) -> FloatArray:
        """(frames, 2) float32 for the frames that these 16 kHz samples settle (10 frames of delay).

        Columns: pitch in semitones above `REFERENCE_HZ`, also where it is a guess; confidence that the frame is
        voiced, 0 to 1.
        """
        return _columns(self._stream.push(samples, SAMPLE_RATE))

    def finish(self) -> FloatArray:
        """The frames that were still to come."""
        return _columns(self._stream.flush())


def semitones(frequency_hz: FloatArray) -> FloatArray:
    """Semitones above `REFERENCE_HZ`: 12 log2(f / 27.5)."""
    above: FloatArray = (12 * np.log2(frequency_hz / REFERENCE_HZ)).astype(np.float32)
    return above


def _columns(found: PitchResult) -> FloatArray:
    return np.stack([semitones(found.pitch_hz), found.confidence.astype(np.float32)], axis=1)


@lru_cache(maxsize=1)
def _detector() -> SwiftF0:
    try:
        return SwiftF0(threads=1, spin=False)
    except Exception as error:  # onnxruntime raises types of its own for a damaged file
        raise ModelError(f"The pitch model's weights cannot be read ({error}): reinstall 'swift-f0'.") from error
