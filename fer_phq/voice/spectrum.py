"""Loudness and spectral descriptors of a voice, ten rows a second, as sound comes in.

Power spectra of frames of 25 ms (Hann window, 512-point FFT) every 10 ms are averaged over each row's ten frames, and
the descriptors are taken from that mean: the definitions below were made for long-term average spectra, and loud frames
weigh most, as they do in the ear.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from fer_phq.core.arrays import FloatArray
from fer_phq.video import SOUND_RATE
from fer_phq.voice.kinds import MFCCS, SPECTRUM

FRAME = 400
STEP = 160
FRAMES_A_ROW = 10
"""Samples a frame and from one frame to the next; frames a row of 0.1 s."""

ROW = STEP * FRAMES_A_ROW
SILENT_DB = -100.0
"""Levels end here; a row below it has no spectrum (16-bit sound cannot be fainter)."""

MEL_BANDS = 26
MEL_RANGE_HZ = (20.0, 8000.0)

_Numbers = npt.NDArray[np.floating[Any]]
_POINTS = 512
_PAD = (FRAME - STEP) // 2  # frame i is centred on the middle of its 10 ms: zeros before the first and after the last
_SPAN = STEP + (FRAMES_A_ROW - 1) * STEP + FRAME  # samples a row sees: the frame before it and its own
_FREQUENCY = np.arange(_POINTS // 2 + 1) * (SOUND_RATE / _POINTS)
_WINDOW = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)
_SILENT = 10 ** (SILENT_DB / 10)


class Spectrum:
    """Turns 16 kHz sound into rows of descriptors; the result does not depend on the block size."""

    def __init__(self) -> None:
        """Start before the first sample."""
        self._buffer: FloatArray = np.zeros(STEP + _PAD, np.float32)

    def push(self, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Process the next samples.

        Args:
            samples: (n,) float32, 16 kHz, -1 to 1.

        Returns:
            Descriptors of the rows that they complete, (rows, len(SPECTRUM)) float32, and levels of their frames in dB,
            (rows * 10,).
        """
        sound = np.concatenate([self._buffer, samples])
        rows = max(0, (len(sound) - _SPAN) // ROW + 1)
        self._buffer = sound[rows * ROW :]
        if not rows:
            return np.zeros((0, len(SPECTRUM)), np.float32), np.zeros(0, np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP][: rows * FRAMES_A_ROW + 1]
        power = _power(frames)
        mean = power[1:].reshape(rows, FRAMES_A_ROW, -1).mean(axis=1, dtype=np.float64)
        return describe(mean, _flux(power)), _decibels(power[1:] @ _a_weights().astype(np.float32))

    def finish(self) -> tuple[FloatArray, FloatArray]:
        """Return the rows that are still to come, as `push` does; sound that fills no whole row is left out."""
        return self.push(np.zeros(_PAD, np.float32))


def describe(power: _Numbers, flux: FloatArray) -> FloatArray:
    """Compute descriptors of mean power spectra.

    Loudness: A-weighted level (IEC 61672-1) in dB re full scale: -3 for the loudest sine at 1 kHz, at least -100. It
    depends on the microphone, so only differences within a session mean anything. Of a row that is not silent:
    centroid: mean frequency in Hz, weighted by power. Flatness: geometric over arithmetic mean of the power, 0 (tone)
    to 1 (noise), as in MPEG-7. Flux: see `_flux`. Alpha ratio: dB of the energy at 50-1000 Hz above that at 1-5 kHz;
    openSMILE gives it with the other sign. Hammarberg index: dB of the strongest peak at 0-2 kHz above that at
    2-5 kHz. Slope: of the regression of the level in dB on frequency up to 500 Hz, in dB/Hz. These three follow
    eGeMAPS (Eyben et al., 2016, IEEE Trans. Affective Computing 7(2)). MFCC 1-12: orthonormal DCT-II of the natural
    logarithm of 26 mel bands from 20 to 8000 Hz (Davis & Mermelstein, 1980; mel as in HTK). NaN in a silent row.

    Args:
        power: (rows, 257) mean power spectra, each of which sums to the row's mean square.
        flux: (rows,) spectral flux.

    Returns:
        (rows, len(SPECTRUM)) float32.
    """
    audible = power[:, 1:]
    total = audible.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(np.maximum(audible, 1e-20))
        columns = [
            audible @ _FREQUENCY[1:] / total,
            np.exp(np.log(np.maximum(audible, 1e-20)).mean(axis=1)) / audible.mean(axis=1),
            flux,
            10 * np.log10(_energy(power, 50, 1000) / _energy(power, 1000, 5000)),
            level[:, _band(0, 2000)[1:]].max(axis=1) - level[:, _band(2000, 5000)[1:]].max(axis=1),
            level[:, _band(0, 500)[1:]] @ _regression(_FREQUENCY[1:][_band(0, 500)[1:]]),
        ]
    mel = np.log(np.maximum(power @ _mel_filters().T, 1e-15))
    spectral = np.column_stack([*columns, fft.dct(mel, type=2, norm="ortho", axis=1)[:, 1 : MFCCS + 1]])
    spectral[(total < _SILENT) | ~np.isfinite(spectral).all(axis=1)] = np.nan
    return np.column_stack([_decibels(power @ _a_weights()), spectral]).astype(np.float32)


def _power(frames: FloatArray) -> FloatArray:
    """Compute the power spectra (frames, 257) of windowed frames, each summing to the frame's mean square."""
    transformed = fft.rfft(frames * _WINDOW, _POINTS, axis=1)
    power = np.square(transformed.real) + np.square(transformed.imag)
    power[:, 1:-1] *= 2
    scaled: FloatArray = power / np.float32(_POINTS * np.square(_WINDOW).sum())
    return scaled


def _flux(power: FloatArray) -> FloatArray:
    """Compute the spectral flux of each row from (rows * 10 + 1, 257) power spectra, the first of the frame before.

    It is the Euclidean distance between the amplitude spectra of neighbouring frames, each divided by its sum
    (Tzanetakis & Cook, 2002), so that it does not depend on the level; the mean over the row's frames. 0 in silence.
    """
    amplitude = np.sqrt(power)
    total = amplitude.sum(axis=1, keepdims=True)
    silent = power.sum(axis=1) < _SILENT
    amplitude /= np.maximum(total, np.float32(1e-12))
    amplitude[silent] = 0
    distance = np.sqrt(np.square(np.diff(amplitude, axis=0)).sum(axis=1))
    distance[silent[1:] | silent[:-1]] = 0
    mean: FloatArray = distance.reshape(-1, FRAMES_A_ROW).mean(axis=1)
    return mean


def _decibels(mean_square: _Numbers) -> FloatArray:
    decibels: FloatArray = (10 * np.log10(np.maximum(mean_square, _SILENT))).astype(np.float32)
    return decibels


def _band(low_hz: float, high_hz: float) -> npt.NDArray[np.bool_]:
    """Return which of the spectrum's frequencies lie in a band, (257,); its upper end is not part of it."""
    return (low_hz <= _FREQUENCY) & (high_hz > _FREQUENCY)


def _energy(power: _Numbers, low_hz: float, high_hz: float) -> _Numbers:
    total: _Numbers = power[:, _band(low_hz, high_hz)].sum(axis=1)
    return total


def _regression(x: _Numbers) -> _Numbers:
    """Return weights whose product with y is the slope of the least-squares line of y on x."""
    centred = x - x.mean()
    weights: _Numbers = centred / np.square(centred).sum()
    return weights


@lru_cache(maxsize=1)
def _a_weights() -> _Numbers:
    """Compute A-weighting as a factor of power at each frequency, 1 at 1 kHz (IEC 61672-1, annex E)."""

    def response(f: _Numbers) -> _Numbers:
        squared = np.square(f)
        below = np.sqrt((squared + 107.7**2) * (squared + 737.9**2))
        amplitude = 12194**2 * np.square(squared) / ((squared + 20.6**2) * below * (squared + 12194**2))
        gain: _Numbers = np.square(amplitude)
        return gain

    return response(_FREQUENCY) / response(np.array([1000.0]))


@lru_cache(maxsize=1)
def _mel_filters() -> _Numbers:
    """Compute triangular filters (26, 257), evenly spaced in mel = 2595 log10(1 + f / 700), each with a peak of 1."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in MEL_RANGE_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, MEL_BANDS + 2) / 2595) - 1)
    left = edges[:-2, None]
    centre = edges[1:-1, None]
    right = edges[2:, None]
    rising = (_FREQUENCY - left) / (centre - left)
    falling = (right - _FREQUENCY) / (right - centre)
    filters: _Numbers = np.clip(np.minimum(rising, falling), 0, None)
    return filters
