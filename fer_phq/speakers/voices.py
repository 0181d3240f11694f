"""The voices of a recording's sound, as it comes in: whose are alike is told when it has ended."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, Rows
from fer_phq.speakers.clustering import Voices, group_voices
from fer_phq.speakers.encoder import HOP as ROW
from fer_phq.speakers.encoder import SIZE, VoiceEncoder, mel_powers
from fer_phq.speakers.segmentation import FIRST_CENTRE, FRAMES, HOP, VOICES, WINDOW, Segmenter, Window, frame_times
from fer_phq.speakers.trace import VoiceTrace
from fer_phq.speakers.turn import Turn
from fer_phq.speakers.turns import SPEAKS, Activity, decide_activity, find_turns, join_windows, move_switches
from fer_phq.video.types import SOUND_RATE

LEAST_ROWS = 20
"""Rows of 10 ms from which a voice has a vector."""
_FIRST_ROW = FIRST_CENTRE // ROW  # the row in the middle of what the first frame is computed from
_FRAME_OF_ROW = np.minimum(np.arange(WINDOW // ROW - _FIRST_ROW) * ROW // HOP, FRAMES - 1)


class VoiceListener:
    """Collects the voices of sound. Holds a window and a block of sound, and about 3 kB for each second of speech."""

    def __init__(self) -> None:
        """Load the networks.

        Raises:
            ModelError: Weights are missing or damaged.
        """
        self._segmenter = Segmenter()
        self._encoder = VoiceEncoder()
        self._trace = VoiceTrace(self._encoder, self._segmenter.is_spoken)
        self._active = Rows(np.uint8, FRAMES, VOICES)
        self._first_frames: list[int] = []
        self._vectors = Rows(np.float16, SIZE)
        self._alone_s: list[float] = []
        self._places: list[tuple[int, int]] = []  # window and voice of each vector

    def push(self, samples: FloatArray) -> None:
        """Take the next samples, (n,) float32 at 16 kHz."""
        self._add(self._segmenter.push(samples))
        self._trace.push(samples)

    def finish(self, most: int) -> tuple[Turn, ...]:
        """Take the end of the sound, and return everybody's turns.

        Args:
            most: The most speakers.
        """
        self._add(self._segmenter.finish())
        self._trace.finish()
        if not len(self._vectors):
            return ()
        places = np.array(self._places)
        people = group_voices(Voices(self._vectors.take(), np.array(self._alone_s), places[:, 0]), most)
        active = self._active.take()
        speaker_of = np.full((len(active), VOICES), -1)
        speaker_of[places[:, 0], places[:, 1]] = people.speaker_of
        frames = -(-self._segmenter.samples // HOP)
        score = join_windows(active, self._first_frames, speaker_of, frames)
        del active
        likeness = self._trace.likeness(people.centres[: score.shape[1]], frame_times(frames)[:-1])
        activity = decide_activity(score, likeness, self._segmenter.speech(frames))
        activity = Activity(move_switches(activity.speaks, frame_times(frames)), activity.sureness)
        return find_turns(activity, self._segmenter.samples / SOUND_RATE)

    def _add(self, windows: Iterable[Window]) -> None:
        """Keep who speaks in windows, and a vector of each voice that is heard for long enough."""
        for window in windows:
            rows = mel_powers(window.sound)[_FIRST_ROW : _FIRST_ROW + len(_FRAME_OF_ROW)]
            for voice in range(VOICES):
                is_alone = window.alone[_FRAME_OF_ROW, voice]
                # Who never speaks alone is told by what there is.
                is_active = window.active[_FRAME_OF_ROW, voice] > SPEAKS
                is_used = is_alone if is_alone.sum() >= LEAST_ROWS else is_active
                level = _level(window.sound, is_used)
                if is_used.sum() < LEAST_ROWS or level <= 0:
                    continue
                self._vectors.add(self._encoder.encode(rows[is_used], level)[None])
                self._alone_s.append(float(is_alone.sum()) * ROW / SOUND_RATE)
                self._places.append((len(self._active), voice))
            self._active.add(np.round(window.active * 255)[None])
            self._first_frames.append(window.first_frame)


def _level(sound: FloatArray, rows: npt.NDArray[np.bool_]) -> float:
    """Return the RMS of the sound of rows, which begin with `_FIRST_ROW`; 0 for none."""
    samples = sound[_FIRST_ROW * ROW :][: len(rows) * ROW].reshape(-1, ROW)[rows]
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
