"""Sound as it gets worse: noise, a room, music, a telephone. The times of what is said stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from fer_phq.core.arrays import FloatArray
from training.simulation.talks.talk import Talk
from training.simulation.talks.voices import RATE

REVERBERATION_S = 0.5
"""Seconds in which sound in the room falls by 60 dB."""
DIRECT_TO_REVERBERANT_DB = 3.0
NOTES_HZ = (262.0, 330.0, 392.0, 523.0, 440.0, 349.0, 294.0, 392.0)
NOTE_S = 0.5
MUSIC_DB = 10.0
"""Decibels by which speech is louder than the music."""
TELEPHONE_HZ = (300.0, 3400.0)

Floats = npt.NDArray[np.float64]
Condition = Callable[[Talk, np.random.Generator], FloatArray]


def add_noise(sound: npt.NDArray[np.floating], noise: Floats, ratio_db: float) -> Floats:
    """Add noise to speech.

    Args:
        sound: (n,) speech alone.
        noise: (n,) noise of any level.
        ratio_db: Level of the speech, over the time that it is spoken, above the noise's.
    """
    spoken = np.abs(sound) > 0.02 * np.abs(sound).max(initial=1e-9)
    speech = np.mean(np.square(sound[spoken], dtype=np.float64)) if spoken.any() else 0.0
    gain = np.sqrt(speech / np.mean(noise**2) * 10 ** (-ratio_db / 10))
    return np.asarray(sound + gain * noise, np.float64)


def pink_noise(count: int, rng: np.random.Generator) -> Floats:
    """Draw noise whose power falls by 3 dB an octave from 50 Hz on, as that of rooms and fans does.

    Args:
        count: Number of samples.
        rng: Draws it.
    """
    spectrum = np.fft.rfft(rng.normal(size=count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    return np.asarray(np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 50)), count))


def play_music(count: int) -> Floats:
    """Play notes that die away, over and over: (count,) samples."""
    size = round(NOTE_S * RATE)
    time = np.arange(size) / RATE
    notes = []
    for hertz in NOTES_HZ:
        partials = [np.sin(2 * np.pi * hertz * k * time + k) / k for k in range(1, int(7000 / hertz) + 1)]
        notes.append(np.sum(partials, axis=0) * np.exp(-2 * time))
    return np.resize(np.concatenate(notes), count)


def reverberate(track: FloatArray, rng: np.random.Generator) -> Floats:
    """Return a speaker's track as a room gives it back; what comes straight from the speaker is not late.

    Args:
        track: (n,) samples.
        rng: Draws where in the room the speaker is.
    """
    time = np.arange(round(REVERBERATION_S * RATE)) / RATE
    response = rng.normal(size=len(time)) * 10 ** (-3 * time / REVERBERATION_S)
    response[: RATE // 500] = 0
    response *= np.sqrt(10 ** (-DIRECT_TO_REVERBERANT_DB / 10) / np.sum(response**2))
    response[0] = 1
    return np.asarray(fftconvolve(track, response)[: len(track)])


def telephone(sound: Floats) -> Floats:
    """Return sound as a telephone carries it: 300 to 3400 Hz, 8 kHz, 8 bits on a logarithmic scale (G.711)."""
    band = butter(4, TELEPHONE_HZ, "bandpass", fs=RATE // 2, output="sos")
    narrow = np.clip(sosfilt(band, resample_poly(sound, 1, 2)), -1, 1)
    steps = np.round(127 * np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256))
    decoded = np.sign(steps) * (256 ** np.abs(steps / 127) - 1) / 255
    return np.asarray(resample_poly(decoded, 2, 1))[: len(sound)]


def _noisy(ratio_db: float) -> Condition:
    def apply(talk: Talk, rng: np.random.Generator) -> FloatArray:
        return _as_samples(add_noise(talk.sound, pink_noise(len(talk.sound), rng), ratio_db))

    return apply


def _room(talk: Talk, rng: np.random.Generator) -> FloatArray:
    sound = np.sum([reverberate(track, rng) for track in talk.tracks.T], axis=0)
    return _as_samples(add_noise(sound, pink_noise(len(sound), rng), 20))


def _music(talk: Talk, rng: np.random.Generator) -> FloatArray:
    sound = add_noise(talk.sound, play_music(len(talk.sound)), MUSIC_DB)
    return _as_samples(add_noise(sound, pink_noise(len(sound), rng), 30))


def _telephone(talk: Talk, rng: np.random.Generator) -> FloatArray:
    return _as_samples(telephone(add_noise(talk.sound, pink_noise(len(talk.sound), rng), 20)))


def _as_samples(sound: Floats) -> FloatArray:
    return np.clip(sound, -1, 1).astype(np.float32)


CONDITIONS: dict[str, Condition] = {
    "noise 20 dB below": _noisy(20),
    "noise 10 dB below": _noisy(10),
    "noise 5 dB below": _noisy(5),
    "a room, 0.5 s": _room,
    "music 10 dB below": _music,
    "telephone, 8 kHz": _telephone,
}
"""Each condition by its name; room and telephone have noise 20 dB below as well, music 30 dB."""
