"""Candidates of a voice's pitch by SwiftF0 0.3 (Nieradzik, 2025, MIT).

The weights and constants are those of the PyPI package `swift-f0`; `benchmarks/package_weights.py` makes the scores of
all pitches an output. The network scores 95 pitches in every frame. `swift_f0` returns the best alone, which in high
voices is often an octave off and beneath music is the instrument's: here the peaks of the scores are candidates, and
`fer_phq.voice.pitch_path` chooses among them with the whole recording in view.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from fer_phq.core.arrays import FloatArray
from fer_phq.runtime.devices import CPU
from fer_phq.runtime.sessions import shared_session

WEIGHTS = Path(__file__).with_name("swift_f0.onnx")
SCORES = "scores"
"""The output that `benchmarks/package_weights.py` adds."""

SAMPLE_RATE = 16_000
HOP = 256
"""Samples from one frame's centre to the next: 16 ms; the first is centred on sample 0."""

REFERENCE_HZ = 27.5
"""0 semitones: A0, as in eGeMAPS (Eyben et al., 2016)."""

LOWEST_HZ = 55.0
HIGHEST_HZ = 1000.0
"""The range in which a voice's pitch is searched, as in eGeMAPS."""

VOICED = 0.5
"""The confidence from which a frame counts as voiced; SwiftF0's is calibrated to it."""

CANDIDATES = 5
"""Candidates a frame: with music beneath speech the voice is among the first five in 95 of 100 frames."""

TOO_LOW = 8.0
"""Cost of a candidate (natural logarithm) at which the sound repeats no better than an octave higher."""

SAME = 0.15
"""Share of the autocorrelation by which it must be better for no cost; half of it costs all."""

# Constants of `swift_f0.core`: the lowest and highest of the network's pitches in Hz, the frames that it looks back and
# ahead, and the level below which it takes sound for digital silence.
_LOWEST_PITCH_HZ = 46.875
_HIGHEST_PITCH_HZ = 2093.75
_LOOK_BACK = 11
_LOOK_AHEAD = 10
_SILENCE = 0.001

_BATCH = 512  # frames whose waveform is looked at at once
_OCTAVE_WIDTH = 0.8  # semitones by which two candidates may miss an octave
_LEAST_REPETITION = 0.3  # below, the waveform does not tell
_WAVE = 768  # samples, 48 ms
_POINTS = 2048
_STEPS = 95  # pitches that the network scores, evenly spaced in the logarithm
_IMPOSSIBLE = -1e4  # the score of a candidate that is none

_Numbers = npt.NDArray[np.floating[Any]]
_WINDOW = np.hanning(_WAVE).astype(np.float32)
_OF_WINDOW = np.correlate(_WINDOW, _WINDOW, "full")[_WAVE - 1 : _WAVE + 300] / np.square(_WINDOW).sum()


def semitones(frequency_hz: _Numbers) -> FloatArray:
    """Convert frequencies in Hz to semitones above `REFERENCE_HZ`: 12 log2(f / 27.5)."""
    above: FloatArray = (12 * np.log2(frequency_hz / REFERENCE_HZ)).astype(np.float32)
    return above


_PITCHES = semitones(np.geomspace(_LOWEST_PITCH_HZ, _HIGHEST_PITCH_HZ, _STEPS))
_INSIDE = np.flatnonzero((semitones(np.array(LOWEST_HZ)) <= _PITCHES) & (semitones(np.array(HIGHEST_HZ)) >= _PITCHES))


class PitchTracker:
    """Finds pitch candidates for each `HOP` samples as sound comes in; the result does not depend on the block size."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        # Too small for more threads, or for a graphics card.
        self._session = shared_session(WEIGHTS, threads=1, device=CPU)
        self._buffer: FloatArray = np.zeros(0, np.float32)
        self._before = 0  # frames in the buffer that were returned and are there for those that follow

    def push(self, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Process the next samples; frames follow with a delay of 10 frames.

        Args:
            samples: (n,) float32, 16 kHz, -1 to 1.

        Returns:
            (frames,) float32, the confidence that each is voiced, 0 to 1; and for each frame with at least `VOICED`, in
            order, (voiced frames, 2, CANDIDATES) float32: semitones above `REFERENCE_HZ` and the natural logarithm of
            their probability, the likeliest first.
        """
        self._buffer = np.concatenate([self._buffer, samples])
        return self._frames(len(self._buffer) // HOP - _LOOK_AHEAD)

    def finish(self) -> tuple[FloatArray, FloatArray]:
        """Return the frames that are still to come, as `push` does."""
        whole = len(self._buffer) // HOP
        if not whole and not self._before and len(self._buffer):
            whole = 1  # sound shorter than a frame has one
        return self._frames(whole)

    def _frames(self, stop: int) -> tuple[FloatArray, FloatArray]:
        """Return the frames of the buffer up to `stop`, without those that were returned before."""
        start = self._before
        if stop <= start:
            return np.zeros(0, np.float32), np.zeros((0, 2, CANDIDATES), np.float32)
        inputs = {
            "audio": self._buffer[None],
            "fmin": np.array(LOWEST_HZ, np.float32),
            "fmax": np.array(HIGHEST_HZ, np.float32),
        }
        confidence, scores = self._session.run(["confidence", SCORES], inputs)
        confidence, scores = confidence[0, start:stop].copy(), scores[0, start:stop]
        sound = self._buffer[start * HOP : stop * HOP]
        padded = np.concatenate([sound, np.zeros((stop - start) * HOP - len(sound), np.float32)])
        # The network never saw digital silence, and answers with random voiced frames (as in `swift_f0`).
        confidence[np.abs(padded).reshape(-1, HOP).max(axis=1) < _SILENCE] = 0
        voiced = np.flatnonzero(confidence >= VOICED)
        candidates = find_candidates(scores[voiced])
        candidates[:, 1] -= octave_cost(candidates, self._around(start + voiced))
        kept = max(0, stop - _LOOK_BACK)
        self._buffer = self._buffer[kept * HOP :]
        self._before = stop - kept
        return confidence, candidates

    def _around(self, frames: npt.NDArray[np.intp]) -> FloatArray:
        """Return the sound around frames of the buffer, (frames, _WAVE); zeros where there is none."""
        padded = np.concatenate([np.zeros(_WAVE // 2, np.float32), self._buffer, np.zeros(_WAVE, np.float32)])
        around: FloatArray = np.lib.stride_tricks.sliding_window_view(padded, _WAVE)[frames * HOP]
        return around


def find_candidates(scores: FloatArray) -> FloatArray:
    """Find the pitches that a frame may have: the highest peaks of the network's scores within the range of a voice.

    Args:
        scores: (frames, 95) float32, the network's scores (logits) of its pitches.

    Returns:
        (frames, 2, CANDIDATES) as `PitchTracker.push`; a frame with fewer peaks has improbable candidates at the end.
    """
    inside = scores[:, _INSIDE].astype(np.float64)
    logs = inside - np.logaddexp.reduce(inside, axis=1, keepdims=True)
    below, above = scores[:, _INSIDE - 1], scores[:, _INSIDE + 1]
    peaks = np.where((inside > below) & (inside >= above), logs, _IMPOSSIBLE)
    best = np.argsort(-peaks, axis=1, kind="stable")[:, :CANDIDATES]
    row = np.arange(len(scores))[:, None]
    # Between its neighbours a pitch is the mean that their probabilities give, as in `swift_f0`.
    three = np.stack([scores[row, _INSIDE[best] + side] for side in (-1, 0, 1)]).astype(np.float64)
    weight = np.exp(three - three.max(axis=0))
    pitch = _PITCHES[_INSIDE[best]] + (weight[2] - weight[0]) / weight.sum(axis=0) * (_PITCHES[1] - _PITCHES[0])
    return np.stack([pitch, peaks[row, best]], axis=1).astype(np.float32)


def octave_cost(candidates: FloatArray, sound: FloatArray) -> FloatArray:
    """Compute what candidates cost that are an octave too low.

    The network's errors on clean voices are all of this kind. The waveform tells: at half the pitch it repeats hardly
    better than at the pitch itself, whereas at the right pitch it repeats much better than an octave higher
    (autocorrelation as in Boersma, 1993: divided by the window's).

    Args:
        candidates: (frames, 2, CANDIDATES) as `PitchTracker.push`.
        sound: (frames, 768) the samples around each frame.

    Returns:
        (frames, CANDIDATES) float32, for the logarithms of the probabilities, 0 to `TOO_LOW`.
    """
    heights, logs = candidates[:, 0], candidates[:, 1]
    cost = np.zeros(heights.shape, np.float32)
    is_octave = np.abs(heights[:, None, :] - heights[:, :, None] - 12) < _OCTAVE_WIDTH  # (frames, low, high)
    is_octave &= (logs > _IMPOSSIBLE)[:, None, :]
    asked = np.flatnonzero(is_octave.any(axis=(1, 2)))
    for first in range(0, len(asked), _BATCH):
        rows = asked[first : first + _BATCH]
        repeats = _repetition(sound[rows], heights[rows])
        better = repeats[:, :, None] - repeats[:, None, :]  # at the lower than at the higher one
        doubt = 1 - better / (SAME * np.maximum(repeats, _LEAST_REPETITION)[:, :, None])
        doubt = np.where(is_octave[rows] & (repeats >= _LEAST_REPETITION)[:, :, None], np.clip(2 * doubt, 0, 1), 0)
        cost[rows] = TOO_LOW * doubt.max(axis=2)
    return cost


def _repetition(sound: FloatArray, heights: FloatArray) -> FloatArray:
    """Compute how well sound (frames, _WAVE) repeats at pitches (frames, n): its normalised autocorrelation."""
    spectrum = fft.rfft((sound - sound.mean(axis=1, keepdims=True)) * _WINDOW, _POINTS, axis=1)
    autocorrelation = fft.irfft(np.square(spectrum.real) + np.square(spectrum.imag), axis=1)[:, : len(_OF_WINDOW)]
    autocorrelation /= np.maximum(autocorrelation[:, :1], 1e-12) * _OF_WINDOW
    lag = np.rint(SAMPLE_RATE / (REFERENCE_HZ * 2 ** (heights / 12))).astype(np.intp)
    row = np.arange(len(sound))[:, None]
    best: FloatArray = np.max([autocorrelation[row, lag + side] for side in (-1, 0, 1)], axis=0)
    return best
