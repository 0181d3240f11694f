"""Masking of voices: another pitch, another vocal tract, the same words.

Two steps, with values that are drawn for each export and not stored:

1. Everything is moved up or down by a ratio, pitch and formants alike, by overlapping grains of 40 ms that are read at
   another speed and joined where they fit best (SOLA: Roucos & Wilgus, 1985, ICASSP).
2. The formants are moved against each other by the McAdams coefficient (McAdams, 1984; Patino, Tomashenko, Todisco,
   Nautsch & Evans, 2021, "Speaker anonymisation using the McAdams coefficient", Interspeech, the second baseline of the
   VoicePrivacy Challenge): the angle of each complex pole of the linear prediction is raised to a power.

Loudness and rhythm stay. It keeps people from knowing a voice at once, and is no anonymity: the challenge's own attacks
recognise many speakers behind it, whoever guesses the two values can undo most of it, and dialect, choice of words and
pauses stay. Several speakers of a recording get the same values and can still be told apart.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.video import SOUND_RATE

SEMITONES = (3.0, 5.0)
"""Least and most by which the pitch is moved, up or down."""

COEFFICIENTS = (0.72, 0.86)
"""Range of the McAdams coefficient; 1 would change nothing, and above 1 words are hard to understand."""

GRAIN = 640
"""Samples of a grain: 40 ms, which holds two periods of a low voice."""

SEARCH = 200
"""Samples by which a grain may be moved to fit the one before: 12.5 ms, a period at 80 Hz."""

ORDER = 20
"""Poles of the linear prediction, as in the baseline at 16 kHz."""

FRAME = 320
"""Samples that are predicted together: 20 ms, each 10 ms."""

_HOP = FRAME // 2
_STEP = GRAIN // 2
_SILENT = 1e-9  # mean square of a frame, -90 dB, below which it is left as it is
_LARGEST_RADIUS = 0.985
_WHITE = 1e-5  # share of the energy added as white noise, which keeps the prediction stable

_Numbers = npt.NDArray[np.float64]
_WINDOW = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME))
_GRAIN_WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(GRAIN) / GRAIN)


class SoundMask(Protocol):
    """What changes sound piece by piece; as many samples come out as went in, without a shift in time."""

    def push(self, samples: FloatArray) -> FloatArray:
        """Take the next samples; return those that are ready."""

    def finish(self) -> FloatArray:
        """Return the samples that are still to come."""


@dataclass(frozen=True)
class VoiceChange:
    """By how much a voice is changed.

    Attributes:
        ratio: Of the new pitch to the old.
        coefficient: The McAdams coefficient: the power to which the angles of the poles are raised.
    """

    ratio: float
    coefficient: float


def draw_change() -> VoiceChange:
    """Draw by how much the voices of an export are changed, from the system's source of secrets."""
    source = secrets.SystemRandom()
    semitones = source.choice((-1, 1)) * source.uniform(*SEMITONES)
    return VoiceChange(2 ** (semitones / 12), source.uniform(*COEFFICIENTS))


class VoiceMask:
    """Changes pitch and formants as sound comes in; the result does not depend on the size of the pieces."""

    def __init__(self, change: VoiceChange | None = None) -> None:
        """Take by how much; drawn when omitted."""
        change = change or draw_change()
        self._pitch = _PitchShift(change.ratio)
        self._formants = _FormantShift(change.coefficient)

    def push(self, samples: FloatArray) -> FloatArray:
        """Change the next samples.

        Args:
            samples: (n,) float32 from -1 to 1, `SOUND_RATE` a second.

        Returns:
            The samples that are ready, which lag behind by less than 0.1 s.
        """
        return self._formants.push(self._pitch.push(samples))

    def finish(self) -> FloatArray:
        """Return the samples that are still to come."""
        return np.concatenate([self._formants.push(self._pitch.finish()), self._formants.finish()])


class NoiseMask:
    """Replaces sound by noise of the same loudness over time: when somebody speaks stays, and nothing of what."""

    def __init__(self) -> None:
        """Draw a seed for the noise."""
        self._random = np.random.default_rng(secrets.randbits(64))
        self._rest: FloatArray = np.zeros(0, np.float32)

    def push(self, samples: FloatArray) -> FloatArray:
        """Replace the next samples, in steps of 0.1 s; the samples that are ready are returned.

        Args:
            samples: (n,) float32 from -1 to 1, `SOUND_RATE` a second.
        """
        step = SOUND_RATE // 10
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // step * step
        self._rest = samples[whole:]
        return self._noise(samples[:whole].reshape(-1, step))

    def finish(self) -> FloatArray:
        """Return the samples that are still to come."""
        return self._noise(self._rest[None]) if len(self._rest) else self._rest

    def _noise(self, steps: FloatArray) -> FloatArray:
        level = np.sqrt(np.mean(np.square(steps), axis=1, keepdims=True)) if steps.size else np.zeros((len(steps), 1))
        noise = np.clip(level * self._random.standard_normal(steps.shape), -1, 1)
        return noise.astype(np.float32).ravel()


class _PitchShift:
    """Moves pitch and formants by a ratio and keeps the time."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        # One resampled stretch holds a grain at every place where it may begin.
        self._reach = int(np.ceil(SEARCH / ratio))
        self._half = _STEP + self._reach
        self._context = int(np.ceil(self._half * ratio)) + 2
        self._buffer: _Numbers = np.zeros(self._context)
        self._first = -self._context  # position of the buffer's first sample
        self._centre = 0  # of the next grain
        self._tail: _Numbers | None = None  # second half of the last grain, before its window
        self._sum: _Numbers = np.zeros(_STEP)  # what the last grain adds to the next samples
        self._length = 0
        self._written = 0

    def push(self, samples: FloatArray) -> FloatArray:
        self._buffer = np.concatenate([self._buffer, samples.astype(np.float64)])
        self._length += len(samples)
        return self._grains()

    def finish(self) -> FloatArray:
        rest = self._length - self._written
        self._buffer = np.concatenate([self._buffer, np.zeros(2 * self._context + GRAIN)])
        return self._grains()[:rest]

    def _grains(self) -> FloatArray:
        """Return what the grains give that the buffer suffices for, and forget the samples before them."""
        pieces: list[_Numbers] = []
        offsets = self._ratio * np.arange(-self._half, self._half, dtype=np.float64)
        while self._centre + self._context < self._first + len(self._buffer):
            stretch = _at(self._buffer, offsets + float(self._centre - self._first))
            grain = stretch[self._best_start(stretch) :][:GRAIN]
            self._tail = grain[_STEP:]
            windowed = grain * _GRAIN_WINDOW
            if self._centre:  # the first grain's first half lies before the sound
                pieces.append(self._sum + windowed[:_STEP])
            self._sum = windowed[_STEP:]
            self._centre += _STEP
            surplus = self._centre - self._context - self._first
            self._buffer = self._buffer[surplus:]
            self._first += surplus
        ready = np.concatenate(pieces) if pieces else np.zeros(0)
        self._written += len(ready)
        return ready.astype(np.float32)

    def _best_start(self, stretch: _Numbers) -> int:
        """Return where the grain begins whose first half is most like the last grain's second half."""
        if self._tail is None:
            return self._reach
        heads = stretch[: 2 * self._reach + _STEP]
        likeness = np.correlate(heads, self._tail, "valid")
        energy = np.cumsum(np.concatenate([[0.0], np.square(heads)]))
        energy = energy[_STEP:] - energy[:-_STEP]
        scores = likeness / np.sqrt(energy + 1e-6)
        best = int(scores.argmax())
        return best if scores[best] > scores[self._reach] + 1e-12 else self._reach


def _at(samples: _Numbers, places: _Numbers) -> _Numbers:
    """Return samples between samples, by a straight line."""
    below = np.floor(places).astype(np.int64)
    share = places - below
    values: _Numbers = samples[below] * (1 - share) + samples[below + 1] * share
    return values


class _FormantShift:
    """Moves the formants against each other by the McAdams coefficient."""

    def __init__(self, coefficient: float) -> None:
        self._coefficient = coefficient
        self._buffer: _Numbers = np.zeros(_HOP)  # the first frame begins half a frame before the sound
        self._sum: _Numbers = np.zeros(_HOP)
        self._is_first = True
        self._length = 0
        self._written = 0

    def push(self, samples: FloatArray) -> FloatArray:
        self._buffer = np.concatenate([self._buffer, samples.astype(np.float64)])
        self._length += len(samples)
        return self._frames()

    def finish(self) -> FloatArray:
        rest = self._length - self._written
        self._buffer = np.concatenate([self._buffer, np.zeros(2 * FRAME)])
        return self._frames()[:rest]

    def _frames(self) -> FloatArray:
        count = (len(self._buffer) - _HOP) // _HOP
        if count < 1:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(self._buffer, FRAME)[::_HOP][:count]
        halves = (move_formants(windows * _WINDOW, self._coefficient) * _WINDOW).reshape(count, 2, _HOP)
        ready = halves[:, 0].copy()
        ready[0] += self._sum
        ready[1:] += halves[:-1, 1]
        self._sum = halves[-1, 1]
        self._buffer = self._buffer[count * _HOP :]
        samples = ready[1:].ravel() if self._is_first else ready.ravel()
        self._is_first = False
        self._written += len(samples)
        return np.clip(samples, -1, 1).astype(np.float32)


def move_formants(frames: _Numbers, coefficient: float) -> _Numbers:
    """Move the formants of windowed frames; each keeps its energy.

    Args:
        frames: (n, FRAME) samples.
        coefficient: The power to which the angles of the poles are raised, in radians.

    Returns:
        (n, FRAME) samples.
    """
    energy = np.mean(np.square(frames), axis=1)
    loud = energy > _SILENT
    moved = frames.copy()
    if not loud.any():
        return moved
    prediction = _predict(frames[loud])
    residual = _filter(frames[loud], prediction)
    sound = _resonate(residual, _raise_angles(prediction, coefficient))
    gain = np.sqrt(energy[loud] / np.maximum(np.mean(np.square(sound), axis=1), 1e-20))
    moved[loud] = sound * gain[:, None]
    return moved


def _predict(frames: _Numbers) -> _Numbers:
    """Return (n, ORDER + 1) coefficients of the linear prediction by autocorrelation (Levinson & Durbin)."""
    spectrum = np.fft.rfft(frames, 2 * FRAME, axis=1)
    lags = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : ORDER + 1]
    lags[:, 0] *= 1 + _WHITE
    coefficients = np.zeros((len(frames), ORDER + 1))
    coefficients[:, 0] = 1
    error = lags[:, 0].copy()
    for i in range(1, ORDER + 1):
        reflection = -(coefficients[:, :i] * lags[:, i:0:-1]).sum(axis=1) / error
        coefficients[:, 1 : i + 1] += reflection[:, None] * coefficients[:, i - 1 :: -1][:, :i]
        error *= 1 - np.square(reflection)
    return coefficients


def _raise_angles(prediction: _Numbers, coefficient: float) -> _Numbers:
    """Return predictions whose complex poles have another angle, of the same radius."""
    companion = np.zeros((len(prediction), ORDER, ORDER))
    companion[:, 0] = -prediction[:, 1:]
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1
    poles: npt.NDArray[Any] = np.linalg.eigvals(companion).astype(np.complex128)
    angles = np.angle(poles)
    is_complex = np.abs(poles.imag) > 1e-9
    raised = np.sign(angles) * np.minimum(np.abs(angles) ** coefficient, np.pi)
    radius = np.minimum(np.abs(poles), _LARGEST_RADIUS)
    poles = radius * np.exp(1j * np.where(is_complex, raised, angles))
    polynomial = np.zeros((len(prediction), ORDER + 1), np.complex128)
    polynomial[:, 0] = 1
    for i in range(ORDER):
        polynomial[:, 1 : i + 2] -= poles[:, i, None] * polynomial[:, : i + 1]
    return polynomial.real.copy()


def _filter(frames: _Numbers, prediction: _Numbers) -> _Numbers:
    """Return what the prediction leaves of each frame."""
    size = 2 * FRAME
    product = np.fft.rfft(frames, size, axis=1) * np.fft.rfft(prediction, size, axis=1)
    residual: _Numbers = np.fft.irfft(product, axis=1)[:, :FRAME]
    return residual


def _resonate(residual: _Numbers, prediction: _Numbers) -> _Numbers:
    """Return the sound whose residual is given, sample by sample of all frames at once."""
    sound = np.zeros((ORDER + FRAME, len(residual)))
    weights = prediction[:, :0:-1].T.copy()  # the earliest sample first
    for i in range(FRAME):
        sound[ORDER + i] = residual[:, i] - np.einsum("kn,kn->n", weights, sound[i : i + ORDER])
    return sound[ORDER:].T
