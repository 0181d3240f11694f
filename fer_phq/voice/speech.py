"""Speech detection by silero-vad 6.2 (Silero Team, MIT), run by onnxruntime.

The weights are the file `silero_vad_16k_sequence.onnx` of the PyPI package `silero-vad`, which itself would bring
PyTorch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.runtime.devices import CPU
from fer_phq.runtime.sessions import shared_session
from fer_phq.voice.kinds import SPEECH

WEIGHTS = Path(__file__).with_name("silero_vad.onnx")

WINDOW = 512
"""Samples that one probability covers: 32 ms at 16 kHz."""

STAYS_SPEECH = 0.35
"""Speech goes on until its probability falls below this (silero-vad's own rule: 0.15 below where it starts)."""

_CONTEXT = 64  # samples before a window that the network sees as well
_BATCH = 512  # windows a run: bounds memory for long blocks
_STATE = (1, 1, 128)


class SpeechDetector:
    """Computes the probability of speech for each `WINDOW` samples, as sound comes in; its state carries over."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        # Too small for more threads, or for a graphics card.
        self._session = shared_session(WEIGHTS, threads=1, device=CPU)
        self._hidden = np.zeros(_STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)
        self._buffer: FloatArray = np.zeros(_CONTEXT, np.float32)  # the context, then samples of no whole window yet

    def push(self, samples: FloatArray) -> FloatArray:
        """Process the next samples.

        Args:
            samples: (n,) float32, 16 kHz, -1 to 1.

        Returns:
            (windows,) float32 probabilities from 0 to 1 of the windows that the samples complete.
        """
        sound = np.concatenate([self._buffer, samples])
        count = (len(sound) - _CONTEXT) // WINDOW
        self._buffer = sound[count * WINDOW :]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT + WINDOW)[::WINDOW]
        return np.concatenate([self._run(windows[i : i + _BATCH]) for i in range(0, count, _BATCH)])

    def finish(self) -> FloatArray:
        """Return the probability of the last samples, as if silence followed: (1,), or (0,) when there are none."""
        rest = len(self._buffer) - _CONTEXT
        return self.push(np.zeros(WINDOW - rest if rest else 0, np.float32))

    def _run(self, windows: FloatArray) -> FloatArray:
        inputs = {"input": np.ascontiguousarray(windows), "h": self._hidden, "c": self._cell}
        outputs, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        probabilities: FloatArray = outputs.reshape(-1)
        return probabilities


def find_speech(probability: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.bool_]:
    """Find which rows are speech: from `SPEECH` on, until the probability falls below `STAYS_SPEECH`.

    Args:
        probability: (rows,) 0 to 1; NaN is not speech.
    """
    decided = ~((probability >= STAYS_SPEECH) & (probability < SPEECH))
    last = np.maximum.accumulate(np.where(decided, np.arange(len(probability)), -1))
    is_speech: npt.NDArray[np.bool_] = (last >= 0) & (probability[last] >= SPEECH)
    return is_speech
