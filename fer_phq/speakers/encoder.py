"""Vectors that tell voices apart: Resemblyzer's voice encoder, run by onnxruntime.

The weights are `pretrained.pt` of the PyPI package `Resemblyzer` (Resemble AI; Wan et al., 2018, "Generalized
end-to-end loss for speaker verification"; Apache-2.0), converted by `benchmarks/speaker_weights.py`.

They are used for one thing: to tell the voices of one recording apart. Vectors live as long as the recording is
analysed. They are neither stored nor compared with those of another recording.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.runtime.devices import CPU
from fer_phq.runtime.sessions import shared_session
from fer_phq.video.types import SOUND_RATE

WEIGHTS = Path(__file__).with_name("voice_encoder.onnx")

HOP = 160
"""Samples from one row of mel bands to the next: 10 ms."""
SIZE = 256
"""Numbers of a vector."""
ROWS = 160
"""Rows of which the network was trained to make a vector: 1.6 s."""

_LENGTH = 400  # samples of a row: 25 ms
_BANDS = 40
_LEVEL = 10 ** (-30 / 20)  # RMS to which speech is brought, as in training

Bools = npt.NDArray[np.bool_]


def mel_filters(rate: int = SOUND_RATE, length: int = _LENGTH, bands: int = _BANDS) -> FloatArray:
    """Compute triangular filters on Slaney's mel scale, each of area 1 (Slaney, 1998, "Auditory Toolbox").

    Args:
        rate: Samples a second.
        length: Samples of the transform.
        bands: Number of filters, from 0 Hz to half the rate.

    Returns:
        (length // 2 + 1, bands) float32.
    """
    per_step = np.log(6.4) / 27  # above 1 kHz, 27 steps make a factor of 6.4; below, a step is 200/3 Hz
    highest = 15 + np.log(rate / 2 / 1000) / per_step
    mel = np.linspace(0, highest, bands + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * per_step))
    hertz = np.fft.rfftfreq(length, 1 / rate)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])
    return np.asarray(filters, np.float32)


_FILTERS = mel_filters()
_TAPER = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_LENGTH) / _LENGTH)).astype(np.float32)


def mel_powers(sound: FloatArray) -> FloatArray:
    """Compute the powers of mel bands, (rows, 40), a row every 10 ms, the first around the first sample.

    Args:
        sound: (n,) float32 at 16 kHz.
    """
    padded = np.pad(sound, _LENGTH // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LENGTH)[::HOP]
    spectrum = np.fft.rfft(frames * _TAPER, axis=1)
    powers: FloatArray = ((spectrum.real**2 + spectrum.imag**2).astype(np.float32)) @ _FILTERS
    return powers


class VoiceEncoder:
    """Computes vectors of voices."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        self._session = shared_session(WEIGHTS, threads=1, device=CPU)

    def encode(self, rows: FloatArray, level: float) -> FloatArray:
        """Compute the vector of a voice.

        Args:
            rows: (n, 40) powers of `mel_powers` in which it is heard, n at least 1.
            level: RMS of the sound of which they are, above 0.

        Returns:
            (256,) float32 of length 1.
        """
        parts = -(-len(rows) // ROWS)
        starts = np.linspace(0, max(0, len(rows) - ROWS), parts).astype(int)
        levels = np.full(parts, level)
        mean = self.encode_parts(np.stack([rows[start : start + ROWS] for start in starts]), levels).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def encode_parts(self, parts: FloatArray, levels: npt.NDArray[np.floating]) -> FloatArray:
        """Compute the vectors of several parts of sound.

        Args:
            parts: (n, rows, 40) powers of `mel_powers`; the network was trained on `ROWS` rows.
            levels: (n,) RMS of the sound of each, above 0.

        Returns:
            (n, 256) float32 of length 1.
        """
        scaled = parts * ((_LEVEL / levels) ** 2).astype(np.float32)[:, None, None]
        (vectors,) = self._session.run(None, {"mel": scaled})
        return np.asarray(vectors, np.float32)
