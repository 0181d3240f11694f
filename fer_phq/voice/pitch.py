"""Pitch of a voice by SwiftF0 0.3 (Nieradzik, 2025, MIT), whose weights are inside the PyPI package `swift-f0`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from swift_f0 import FRAME_PERIOD, SAMPLE_RATE, PitchResult, SwiftF0

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.voice import messages

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
    """Estimates a pitch for each `HOP` samples as sound comes in; the result does not depend on the block size."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            ModelError: The weights are damaged.
        """
        self._stream = _detector().stream(LOWEST_HZ, HIGHEST_HZ)

    def push(self, samples: FloatArray) -> FloatArray:
        """Process the next samples; frames follow with a delay of 10 frames.

        Args:
            samples: (n,) float32, 16 kHz, -1 to 1.

        Returns:
            (frames, 2) float32: pitch in semitones above `REFERENCE_HZ`, also where it is a guess; confidence that the
            frame is voiced, 0 to 1.
        """
        return _columns(self._stream.push(samples, SAMPLE_RATE))

    def finish(self) -> FloatArray:
        """Return the frames that are still to come, as `push` does."""
        return _columns(self._stream.flush())


def semitones(frequency_hz: FloatArray) -> FloatArray:
    """Convert frequencies in Hz to semitones above `REFERENCE_HZ`: 12 log2(f / 27.5)."""
    above: FloatArray = (12 * np.log2(frequency_hz / REFERENCE_HZ)).astype(np.float32)
    return above


def _columns(pitch: PitchResult) -> FloatArray:
    return np.stack([semitones(pitch.pitch_hz), pitch.confidence.astype(np.float32)], axis=1)


@lru_cache(maxsize=1)
def _detector() -> SwiftF0:
    try:
        return SwiftF0(threads=1, spin=False)
    except Exception as error:  # onnxruntime raises types of its own for a damaged file
        raise ModelError(messages.PITCH_WEIGHTS_DAMAGED(error=str(error))) from error
