"""Where somebody speaks: silero-vad 6.2 (Silero Team, MIT) run by onnxruntime.

The weights are the file `silero_vad_16k_sequence.onnx` inside the PyPI package `silero-vad`. The package itself is
never imported, because it would import torch and set its number of threads.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError

WINDOW = 512
"""Samples a probability speaks of: 32 ms at 16 kHz."""

_CONTEXT = 64  # samples before a window that the network sees as well
_AT_ONCE = 512  # windows a run: bounds memory for long blocks
_STATE = (1, 1, 128)


class SpeechDetector:
    """Gives each `WINDOW` samples the probability that they hold speech, as sound comes in; its state carries over."""

    def __init__(self) -> None:
        """Raises ModelError when the weights are missing or damaged."""
        self._session = _session()
        self._hidden = np.zeros(_STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)
        self._held: FloatArray = np.zeros(_CONTEXT, np.float32)  # the context, then samples of no whole window yet

    def push(self, samples: FloatArray) -> FloatArray:
        """(windows,) float32 probabilities from 0 to 1 of the windows that these 16 kHz samples complete."""
        sound = np.concatenate([self._held, samples])
        count = (len(sound) - _CONTEXT) // WINDOW
        self._held = sound[count * WINDOW :]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT + WINDOW)[::WINDOW]
        return np.concatenate([self._run(windows[i : i + _AT_ONCE]) for i in range(0, count, _AT_ONCE)])

    def finish(self) -> FloatArray:
        """The probability of the samples left over, as if silence followed: (1,), or (0,) when there are none."""
        rest = len(self._held) - _CONTEXT
        return self.push(np.zeros(WINDOW - rest if rest else 0, np.float32))

    def _run(self, windows: FloatArray) -> FloatArray:
        inputs = {"input": np.ascontiguousarray(windows), "h": self._hidden, "c": self._cell}
        found, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        probabilities: FloatArray = found.reshape(-1)
        return probabilities


def weights_path() -> Path:
    """Where the weights lie. Raises ModelError when the package that carries them is not installed."""
    spec = find_spec("silero_vad")  # finds, does not import
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / "data" / "silero_vad_16k_sequence.onnx").is_file():
            return path
    raise ModelError(
        "The speech detector's weights (silero_vad_16k_sequence.onnx) were not found: install the Python package "
        "'silero-vad' 6.2.3 or newer."
    )


@lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the network is too small for more
    options.log_severity_level = 3
    path = weights_path()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises types of its own for a damaged file
        raise ModelError(
            f"The speech detector's weights {path} cannot be read ({error}): reinstall 'silero-vad'."
        ) from error
