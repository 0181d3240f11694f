"""The voices of a recording's sound, as it comes in: whose are alike is told when it has ended."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.speakers.clustering import Voices, group_voices
from fer_phq.speakers.encoder import HOP as ROW
from fer_phq.speakers.encoder import VoiceEncoder, mel_powers
from fer_phq.speakers.segmentation import HOP, VOICES, WINDOW, Segmenter, Window
from fer_phq.speakers.turn import Turn
from fer_phq.speakers.turns import find_turns, join_windows
from fer_phq.video.types import SOUND_RATE

LEAST_ROWS = 20
"""Rows of 10 ms from which a voice has a vector."""
_MARGIN = 0.05  # difference of cosines that makes it e times as likely that a voice is the nearest speaker's
_FRAME_OF_ROW = np.arange(WINDOW // ROW) * ROW // HOP  # from the sample in the middle of the first frame on
_FIRST_ROW = 495 // ROW


class VoiceListener:
    """Collects the voices of sound. Holds a window and a block of sound, and about 2 kB for each second of speech."""

    def __init__(self) -> None:
        """Load the networks.

        Raises:
            ModelError: Weights are missing or damaged.
        """
        self._segmenter = Segmenter()
        self._encoder = VoiceEncoder()
        self._active: list[npt.NDArray[np.uint8]] = []
        self._first_frames: list[int] = []
        self._vectors: list[FloatArray] = []
        self._alone_s: list[float] = []
        self._places: list[tuple[int, int]] = []  # window and voice of each vector

    def push(self, samples: FloatArray) -> None:
        """Take the next samples, (n,) float32 at 16 kHz."""
        self._add(self._segmenter.push(samples))

    def finish(self, most: int) -> tuple[Turn, ...]:
        """Take the end of the sound, and return everybody's turns.

        Args:
            most: The most speakers.
        """
        self._add(self._segmenter.finish())
        if not self._vectors:
            return ()
        places = np.array(self._places)
        voices = Voices(np.stack(self._vectors).astype(np.float32), np.array(self._alone_s), places[:, 0])
        labels, margins = group_voices(voices, most)
        speaker_of = np.full((len(self._active), VOICES), -1)
        speaker_of[places[:, 0], places[:, 1]] = labels
        identity = np.zeros(speaker_of.shape, np.float32)
        identity[places[:, 0], places[:, 1]] = 1 / (1 + np.exp(-margins / _MARGIN))
        frames = -(-self._segmenter.samples // HOP)
        is_speech = self._segmenter.speech(frames)
        activity = join_windows(self._active, self._first_frames, speaker_of, identity, is_speech)
        return find_turns(activity, self._segmenter.samples / SOUND_RATE)

    def _add(self, windows: Iterable[Window]) -> None:
        for window in windows:
            number = len(self._active)
            self._active.append(np.round(window.active * 255).astype(np.uint8))
            self._first_frames.append(window.first_frame)
            rows = mel_powers(window.sound)[_FIRST_ROW:][: len(_FRAME_OF_ROW)]
            frame = np.minimum(_FRAME_OF_ROW[: len(rows)], len(window.alone) - 1)
            for voice in range(VOICES):
                is_alone = window.alone[:, voice][frame]
                alone_s = float(is_alone.sum()) * ROW / SOUND_RATE
                # Who never speaks alone is told by what there is.
                chosen = is_alone if is_alone.sum() >= LEAST_ROWS else window.active[:, voice][frame] > 0.5
                level = _level(window.sound, chosen)
                if chosen.sum() < LEAST_ROWS or level <= 0:
                    continue
                self._vectors.append(self._encoder.encode(rows[chosen], level).astype(np.float16))
                self._alone_s.append(alone_s)
                self._places.append((number, voice))


def _level(sound: FloatArray, rows: npt.NDArray[np.bool_]) -> float:
    """Return the RMS of the sound around rows."""
    samples = sound[_FIRST_ROW * ROW :][: len(rows) * ROW]
    table = samples[: len(samples) // ROW * ROW].reshape(-1, ROW)[rows[: len(samples) // ROW]]
    return float(np.sqrt(np.mean(table.astype(np.float64) ** 2))) if len(table) else 0.0
