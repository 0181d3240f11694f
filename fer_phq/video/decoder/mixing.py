"""Which channels and tracks of a recording's sound are heard, decided on all of it. Runs in the decoder process only.

Everybody who speaks shall keep the level of the microphone that is nearest. The mean of all channels does that where
they hold much the same. It loses 6 dB of a person on one of two channels, and everything of opposite phases; there
another mixture is taken: one part alone, or several added. The mixture holds for the whole recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.video.types import SOUND_RATE

MOST_CHANNELS = 64
"""The most channels that a sound track has."""

FRAME = SOUND_RATE // 10
"""Samples in which levels are compared: a tenth of a second."""

MOST_NUMBERS = 1 << 21
"""Numbers that the comparison of levels holds at the most (16 MB): of stereo all frames of half a day, else frames that
are spread evenly over the recording."""

SEGMENT = 2 * SOUND_RATE
"""Samples in which the waveforms of two tracks are compared."""

ACTIVE_DB = 30.0
"""Decibels below the loud frames (their 95th percentile) down to which a frame tells anything about voices."""

LOST_DB = 5.1
"""Decibels below the loudest part at which a frame of a mixture is too faint: the mean of two unrelated channels is so
where one is 7 dB louder than the other. The mean of two that are equally loud loses 3 dB, which is let pass."""

LOUD_DB = 3.5
"""Decibels above the loudest part at which a frame is too loud: the sum of two voices at once is 3 dB louder."""

WORST_DB = 20.0
"""A frame that is fainter than this counts as if it were as faint as this: it is lost anyhow."""

NOTABLE_DB = 0.3
"""Decibels of error, averaged over the frames, that matter: the loss of 6 dB in every twentieth frame."""

VOICE_DB = 10 * WORST_DB
"""Decibels, summed over the frames, that a further part must mend to be added: a second of a voice that was lost. Who
says little is heard as well."""

OPPOSITE = -0.25
"""Correlation below which two channels weaken each other enough to be called opposite."""

COPY = 0.9
"""Correlation at the best delay from which one track is a copy of another, such as the same sound in another codec."""

LONGEST_DELAY = SOUND_RATE // 5
"""Samples that a copy may be late: encoders delay by up to a tenth of a second."""

COVERED_DB = 12.0
"""Decibels below the loudest track down to which a track that is unrelated to the others is heard, though it is the
fainter one throughout: a voice beside a track of music. A voice that leaks into another microphone is related."""

UNRELATED = 0.2
"""Correlation at the best delay below which two tracks hold nothing in common."""

_BAND = slice(13, 401)  # bins of 10 Hz from 130 to 4000 Hz: voices, without hum, offsets and hiss
_LOWEST_HZ = 100.0
_SILENT = 1e-8  # mean square: -80 dB

_Grams = npt.NDArray[np.float64]
Parts = tuple[int, ...]
"""Indices of channels or tracks, ascending, from 0."""

Correlation = Callable[[int, int], float]
"""Gives the correlation of two tracks, by index."""


@dataclass(frozen=True)
class Mixture:
    """How the channels of a track become one: mean, or some of them added.

    Attributes:
        parts: For each number of channels, which are added; all others are averaged.
    """

    parts: Mapping[int, Parts] = field(default_factory=dict)

    @classmethod
    def of_channel(cls, number: int, channels: int) -> Mixture:
        """Return the mixture that is one channel alone.

        Args:
            number: Its number, from 1.
            channels: How many channels the track has; a span with fewer than `number` is averaged.
        """
        return cls(dict.fromkeys(range(number, max(channels, MOST_CHANNELS) + 1), (number - 1,)))

    def __call__(self, columns: FloatArray) -> FloatArray:
        """Mix samples (n, channels) float32: (n,)."""
        parts = self.parts.get(columns.shape[1])
        if parts is None:
            mean: FloatArray = columns.mean(axis=1, dtype=np.float32)
            return mean
        mono: FloatArray = columns[:, list(parts)].sum(axis=1, dtype=np.float32)
        return mono


class LevelSurvey:
    """Compares the levels of parts of the sound, frame by frame; memory is bounded by `MOST_NUMBERS`."""

    def __init__(self, parts: int) -> None:
        """Start before the first sample of so many channels or tracks."""
        self._rest = np.zeros((0, parts), np.float32)
        self._count = 0  # frames so far
        self._stride = 1
        self._kept: list[tuple[npt.NDArray[np.int64], _Grams]] = []
        self._size = 0

    @property
    def count(self) -> int:
        """Frames so far."""
        return self._count

    def add(self, columns: FloatArray) -> None:
        """Take the next samples, (n, parts) float32."""
        sound = np.concatenate([self._rest, columns])
        count = len(sound) // FRAME
        self._rest = sound[count * FRAME :]
        if not count:
            return
        frames = sound[: count * FRAME].reshape(count, FRAME, -1)
        spectra = np.fft.rfft(frames, axis=1)[:, _BAND]
        grams = np.matmul(spectra.conj().transpose(0, 2, 1), spectra).real * (2 / FRAME**2)
        index = np.arange(self._count, self._count + count)
        self._count += count
        self._keep(index, grams)
        while self._size * self._rest.shape[1] ** 2 > MOST_NUMBERS:
            self._stride *= 2
            everything = self._kept
            self._kept = []
            self._size = 0
            for old_index, old_grams in everything:
                self._keep(old_index, old_grams)

    def grams(self) -> _Grams:
        """Return (frames, parts, parts): mean products of the parts' samples, of the frames that are not silent."""
        parts = self._rest.shape[1]
        return np.concatenate([np.zeros((0, parts, parts)), *(grams for _, grams in self._kept)])

    def _keep(self, index: npt.NDArray[np.int64], grams: _Grams) -> None:
        loud = np.diagonal(grams, axis1=1, axis2=2).max(axis=1) > _SILENT
        keep = loud & (index % self._stride == 0)
        self._kept.append((index[keep], grams[keep]))
        self._size += int(keep.sum())


class CopySurvey:
    """Compares the waveforms of tracks, whatever the delay between them."""

    def __init__(self, tracks: int) -> None:
        """Start before the first segment of so many tracks."""
        bins = SEGMENT // 2 + 1
        self._energy = np.zeros(tracks)
        self._cross = {(i, j): np.zeros(bins, np.complex128) for j in range(tracks) for i in range(j)}
        self._bins = np.fft.rfftfreq(SEGMENT, 1 / SOUND_RATE) >= _LOWEST_HZ

    def add(self, segment: FloatArray) -> None:
        """Take the next segment, (`SEGMENT`, tracks) float32."""
        spectra = np.fft.rfft(segment, axis=0) * self._bins[:, None]
        self._energy += (np.abs(spectra) ** 2).sum(axis=0)
        for i, j in self._cross:
            self._cross[i, j] += spectra[:, i] * np.conj(spectra[:, j])

    def correlation(self, first: int, second: int) -> float:
        """Compute the correlation of two tracks at the best delay.

        Args:
            first: Index of one track.
            second: Index of the other.

        Returns:
            0 to 1; 0 where either is silent.
        """
        i, j = sorted((first, second))
        energy = 2 * np.sqrt(self._energy[i] * self._energy[j]) / SEGMENT
        lags = np.abs(np.fft.irfft(self._cross[i, j], SEGMENT))
        best = max(float(lags[: LONGEST_DELAY + 1].max()), float(lags[-LONGEST_DELAY:].max()))
        return best / float(energy) if energy > 0 else 0.0


def choose_channels(grams: _Grams) -> Parts | None:
    """Choose the channels of a track that are added; None for the mean of all.

    Args:
        grams: (frames, channels, channels) from `LevelSurvey`.
    """
    active = _active(grams)
    if not len(active):
        return None
    channels = grams.shape[1]
    mean_error = _error(active, np.full(channels, 1 / channels))
    if mean_error < NOTABLE_DB:
        return None
    parts, error = _add_up(active, 0)
    return parts if error < mean_error - NOTABLE_DB else None


def choose_tracks(grams: _Grams, default: int, correlation: Correlation) -> Parts:
    """Choose the tracks that are added: until nobody loses level, and those that a louder one, as of music, covers.

    Args:
        grams: (frames, tracks, tracks) from `LevelSurvey`.
        default: Index of the track that is heard where another adds nothing to it.
        correlation: Correlation of two tracks, by index, at the best delay.
    """
    active = _active(grams)
    if not len(active):
        return (default,)
    parts = list(_add_up(active, default)[0])
    levels = np.percentile(np.diagonal(active, axis1=1, axis2=2), 95, axis=0)
    for i in np.argsort(-levels):
        is_present = levels[i] > levels.max() * 10 ** (-COVERED_DB / 10)
        if i not in parts and is_present and all(correlation(int(i), part) < UNRELATED for part in parts):
            parts.append(int(i))
    return tuple(sorted(parts))


def is_opposite(grams: _Grams, part: int) -> bool:
    """Return whether a channel and another that is about as loud weaken each other.

    Args:
        grams: (frames, channels, channels) from `LevelSurvey`.
        part: Index of the channel.
    """
    total = _active(grams).sum(axis=0)
    level = np.diagonal(total)
    others = [i for i in range(len(level)) if i != part and level[i] > 0.1 * level[part]]
    return any(total[part, i] < OPPOSITE * np.sqrt(level[part] * level[i]) for i in others)


def _active(grams: _Grams) -> _Grams:
    """Return the frames that are loud enough to hold a voice."""
    peak = _peak(grams)
    if not len(peak):
        return grams
    return grams[peak >= np.percentile(peak, 95) * 10 ** (-ACTIVE_DB / 10)]


def _peak(grams: _Grams) -> npt.NDArray[np.float64]:
    """Return the energy of the loudest part of each frame, (frames,)."""
    peak: npt.NDArray[np.float64] = np.diagonal(grams, axis1=1, axis2=2).max(axis=1)
    return peak


def _error(grams: _Grams, weights: npt.NDArray[np.float64]) -> float:
    """Compute by how many decibels a mixture misses the level of the loudest part, where it misses it notably."""
    energy = np.einsum("fij,i,j->f", grams, weights, weights)
    level = 10 * np.log10(np.maximum(energy / _peak(grams), 10 ** (-WORST_DB / 10)))
    wrong = (level < -LOST_DB) | (level > LOUD_DB)
    return float(np.where(wrong, np.abs(level), 0.0).mean())


def _add_up(grams: _Grams, default: int) -> tuple[Parts, float]:
    """Return the best part, with further ones as long as each brings a voice, and the mixture's error."""
    count = grams.shape[1]
    unit = np.eye(count)
    errors = [_error(grams, unit[i]) for i in range(count)]
    best = min(errors)
    order = [default, *(i for i in range(count) if i != default)]
    parts = [next(i for i in order if errors[i] <= best + NOTABLE_DB)]
    error = errors[parts[0]]
    while len(parts) < count:
        further = {i: _error(grams, unit[[*parts, i]].sum(axis=0)) for i in range(count) if i not in parts}
        i = min(further, key=lambda part: (further[part], part))
        if (error - further[i]) * len(grams) < VOICE_DB:
            break
        parts.append(i)
        error = further[i]
    return tuple(sorted(parts)), error
