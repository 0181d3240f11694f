"""Whose voice the sound is like at each time: a vector of 1.6 s every 0.4 s."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, Rows
from fer_phq.speakers.encoder import HOP, ROWS, SIZE, VoiceEncoder, mel_powers
from fer_phq.video.types import SOUND_RATE

STEP_ROWS = 40
STEP = STEP_ROWS * HOP
"""Samples from one vector to the next: 0.4 s."""
LENGTH = ROWS * HOP
"""Samples of which a vector is made: 1.6 s."""
TEMPERATURE = 0.03
"""Difference of cosines that makes it e times as likely that sound is the nearer speaker's."""

_BATCH = 10  # vectors a run
_BLOCK = 1024  # vectors that are widened at once
_SPAN = LENGTH + (_BATCH - 1) * STEP
_LEAST_LEVEL = 1e-4

Floats = npt.NDArray[np.float64]


class VoiceTrace:
    """Collects vectors of sound, as it comes in. Holds seven seconds of sound, and 1.3 kB for each second."""

    def __init__(self, encoder: VoiceEncoder, is_spoken: Callable[[int, int], bool]) -> None:
        """Start before the first sample.

        Args:
            encoder: Makes the vectors.
            is_spoken: Tells whether anybody may speak between two samples; elsewhere no vector is made.
        """
        self._encoder = encoder
        self._is_spoken = is_spoken
        self._buffer: FloatArray = np.zeros(0, np.float32)
        self._first = 0  # sample of the recording with which the buffer begins
        self._vectors = Rows(np.float16, SIZE)

    def push(self, samples: FloatArray) -> None:
        """Take the next samples, (n,) float32 at 16 kHz."""
        self._buffer = np.concatenate([self._buffer, samples])
        while len(self._buffer) >= _SPAN:
            self._run(self._buffer[:_SPAN])
            self._buffer = self._buffer[_BATCH * STEP :]
            self._first += _BATCH * STEP

    def finish(self) -> None:
        """Take the end of the sound."""
        self.push(np.zeros(max(0, _SPAN - len(self._buffer)), np.float32))

    def likeness(self, centres: Floats, times: Floats) -> npt.NDArray[np.float32]:
        """Compute how likely the sound is each speaker's voice, (times, speakers) of sum 1, and forget the vectors.

        Args:
            centres: (speakers, 256) mean vector of each speaker, of length 1.
            times: (times,) in seconds.
        """
        columns = centres.T.astype(np.float32)
        vectors = self._vectors.take()
        starts = range(0, len(vectors), _BLOCK)
        cosines = np.concatenate([vectors[i : i + _BLOCK].astype(np.float32) @ columns for i in starts])
        likely = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / TEMPERATURE)
        likely /= likely.sum(axis=1, keepdims=True)
        middles = (np.arange(len(cosines)) * STEP + LENGTH / 2) / SOUND_RATE
        return np.stack([np.interp(times, middles, column) for column in likely.T], axis=1).astype(np.float32)

    def _run(self, sound: FloatArray) -> None:
        if not self._is_spoken(self._first, self._first + _SPAN):
            self._vectors.add(np.zeros((_BATCH, SIZE)))
            return
        rows = mel_powers(sound)
        parts = np.stack([rows[k * STEP_ROWS :][:ROWS] for k in range(_BATCH)])
        pieces = np.stack([sound[k * STEP :][:LENGTH] for k in range(_BATCH)])
        levels = np.sqrt(np.mean(np.square(pieces, dtype=np.float64), axis=1))
        self._vectors.add(self._encoder.encode_parts(parts, np.maximum(levels, _LEAST_LEVEL)))
