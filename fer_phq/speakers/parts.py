"""Sound tracks and channels that have a speaker each: a headset's, a participant's of a call.

They are used as the speakers, which no voice can tell as surely. What a microphone hears of somebody else is fainter
there than at the other's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from fer_phq.core.analysis import SoundChoice, SoundTrackInfo
from fer_phq.core.arrays import FloatArray
from fer_phq.speakers.segmentation import LATE
from fer_phq.speakers.turn import Turn
from fer_phq.speakers.turns import Activity, find_turns
from fer_phq.video.types import SOUND_RATE
from fer_phq.voice.speech import WINDOW, SpeechDetector, find_speech

MOST_PARTS = 8
"""The most tracks and channels that are compared; of more, the mixture is heard."""

APART_DB = 10.0
"""Decibels by which a part is louder than any other where its own speaker speaks."""

NEAR_DB = 10.0
"""Decibels below the loudest part down to which what is heard in a part is its own speaker's, in an overlap."""

APART = 0.6
"""Share of the time with sound in which some part must be `APART_DB` louder than any other."""

LEAST_S = 2.0
"""Seconds of speech from which a part has a speaker; two must have one."""

ACTIVE_DB = 30.0
"""Decibels below the loud windows (their 95th percentile) down to which there is sound."""

_SILENT_DB = -80.0

Levels = npt.NDArray[np.float64]


def list_parts(tracks: Sequence[SoundTrackInfo], choice: SoundChoice) -> tuple[SoundChoice, ...]:
    """List the parts of a file's sound that may be speakers: none where there are too few or too many.

    Args:
        tracks: The file's sound tracks.
        choice: The track and the channel that are heard, where they are set by hand.
    """
    if choice.channel is not None:
        return ()
    parts = [
        SoundChoice(track.number, channel + 1)
        for track in tracks
        if choice.track in (None, track.number)
        for channel in range(track.channels)
    ]
    return tuple(parts) if 2 <= len(parts) <= MOST_PARTS else ()


class PartListener:
    """Collects levels and speech of parts. Holds a block of each, and about 400 bytes a second for each part."""

    def __init__(self, parts: int) -> None:
        """Load the network.

        Args:
            parts: Number of parts.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        self._detectors = [SpeechDetector() for _ in range(parts)]
        self._probabilities: list[list[FloatArray]] = [[] for _ in range(parts)]
        self._levels: list[Levels] = []
        self._rest = np.zeros((0, parts), np.float32)
        self._samples = 0

    def push(self, columns: FloatArray) -> None:
        """Take the next samples, (n, parts) float32 at 16 kHz."""
        self._samples += len(columns)
        for number, detector in enumerate(self._detectors):
            self._probabilities[number].append(detector.push(np.ascontiguousarray(columns[:, number])))
        self._add_levels(columns)

    def finish(self) -> tuple[Turn, ...] | None:
        """Take the end of the sound, and return the turns of the parts; None where they are not speakers."""
        self._add_levels(np.zeros((-len(self._rest) % WINDOW, self._rest.shape[1]), np.float32))
        for number, detector in enumerate(self._detectors):
            self._probabilities[number].append(detector.finish())
        levels = np.concatenate([np.zeros((0, self._rest.shape[1])), *self._levels])
        if not are_apart(levels):
            return None
        probability = np.stack([np.concatenate(parts)[: len(levels)] for parts in self._probabilities], axis=1)
        speaks = np.stack([_without_late_ends(find_speech(column)) for column in probability.T], axis=1)
        speaks &= levels >= levels.max(axis=1, keepdims=True) - NEAR_DB
        if (speaks.sum(axis=0) * WINDOW >= LEAST_S * SOUND_RATE).sum() < 2:
            return None
        times = np.arange(len(levels) + 1) * WINDOW / SOUND_RATE
        return find_turns(Activity(speaks, probability), self._samples / SOUND_RATE, times)

    def _add_levels(self, columns: FloatArray) -> None:
        sound = np.concatenate([self._rest, columns])
        count = len(sound) // WINDOW
        self._rest = sound[count * WINDOW :]
        squares = sound[: count * WINDOW].reshape(count, WINDOW, sound.shape[1]).astype(np.float64) ** 2
        self._levels.append(10 * np.log10(np.maximum(squares.mean(axis=1), 10 ** (_SILENT_DB / 10))))


def are_apart(levels: Levels) -> bool:
    """Tell whether parts have a speaker each: mostly one of them is much louder than all others, and not always it.

    Args:
        levels: (windows, parts) in dB.
    """
    loudest = levels.max(axis=1, initial=_SILENT_DB)
    is_active = loudest > _SILENT_DB
    if not is_active.any():
        return False
    is_active &= loudest >= np.percentile(loudest[is_active], 95) - ACTIVE_DB
    active = np.sort(levels[is_active], axis=1)
    is_apart = active[:, -1] - active[:, -2] >= APART_DB
    winners = levels[is_active].argmax(axis=1)[is_apart]
    own_s = np.bincount(winners, minlength=levels.shape[1]) * WINDOW / SOUND_RATE
    return bool(is_apart.mean() >= APART and (own_s >= LEAST_S).sum() >= 2)


def _without_late_ends(is_speech: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Take from the ends of speech what silero-vad hears too long: `LATE` windows."""
    return np.asarray(is_speech & np.append(is_speech, np.zeros(LATE, np.bool_))[LATE:])


def join_parts(streams: Sequence[Iterable[FloatArray]]) -> Iterator[FloatArray]:
    """Join the blocks of several parts, which begin together and may end apart: (n, parts) each.

    Args:
        streams: Blocks of samples of each part, of equal length but the last.
    """
    for blocks in zip_longest(*streams):
        size = max(len(block) for block in blocks if block is not None)
        columns = np.zeros((size, len(blocks)), np.float32)
        for number, block in enumerate(blocks):
            if block is not None:
                columns[: len(block), number] = block
        yield columns
