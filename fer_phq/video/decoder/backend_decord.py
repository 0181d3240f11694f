"""Sampling by decord, which gives up when it cannot be trusted with a recording. Runs in the decoder process only."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from fer_phq.core.arrays import Image
from fer_phq.video.decoder.recording import Recording
from fer_phq.video.sampling import EPSILON_S, displayed_at_rate
from fer_phq.video.types import Frame

MAX_REPEATS = 4
"""decord fills what it cannot decode by repeating a picture; after this many it is no longer believed."""

SKIP_AT_ONCE = 32
"""Frames skipped in one call at most, so that the parent process keeps seeing progress."""

BLOCK = 16
"""Side in pixels of the squares over which pictures of two decoders are compared."""

MAX_DIFFERENCE = 8.0
"""Levels, of 255, by which the mean colour of a square may differ between decoders."""

MIN_SIDE = 32
"""Narrower pictures come out of decord with misaligned rows."""


class DecordUnreliable(Exception):
    """decord is not, or no longer, used for this recording. The text says why."""


def sample(
    recording: Recording, fps: float, on_ready: Callable[[], None], expected: Sequence[Frame] = ()
) -> Iterator[Frame]:
    """Yield the frames on display at k / fps, held back while they repeat.

    Args:
        recording: The recording, with its index.
        fps: Target times per second.
        on_ready: Called once decord is trusted.
        expected: The first frames as PyAV gives them; as many are held back until they have been compared.

    Raises:
        DecordUnreliable: decord cannot be loaded, cannot open the recording, disagrees with the index or with PyAV,
            fails, or repeats itself. The frames yielded before are good.
    """
    module = _import_decord()
    reader, times = _open(module, recording)
    frames = _distinct(_sample(module, reader, recording, fps, times))
    first = list(islice(frames, len(expected)))
    for frame, other in zip(first, expected, strict=False):
        if not _shows_the_same(frame, other):
            raise DecordUnreliable(f"decord gives another picture than PyAV at {frame.time_s:.1f} s")
    on_ready()
    yield from first
    yield from frames


def _sample(module: Any, reader: Any, recording: Recording, fps: float, times: Any) -> Iterator[Frame]:
    next_number = 0
    for time_s, number in displayed_at_rate(((float(t), i) for i, t in enumerate(times)), fps, recording.end_s):
        rgb = _picture(module, reader, recording, number - next_number)
        next_number = number + 1
        recording.last_s = time_s
        yield Frame(time_s, rgb, recording.scale)


def _distinct(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield frames, held back while they repeat. Raises DecordUnreliable when they repeat too often."""
    held_back: list[Frame] = []
    for frame in frames:
        if held_back and np.array_equal(frame.rgb, held_back[0].rgb):
            held_back.append(Frame(frame.time_s, held_back[0].rgb, frame.scale))
            if len(held_back) >= MAX_REPEATS:
                raise DecordUnreliable(f"decord repeats a picture from {held_back[0].time_s:.1f} s on")
            continue
        yield from held_back
        held_back = [frame]
    yield from held_back


def _shows_the_same(frame: Frame, other: Frame) -> bool:
    """Return whether two decoders' frames show the same picture: both scale with filters of their own."""
    if abs(frame.time_s - other.time_s) > EPSILON_S or frame.rgb.shape != other.rgb.shape:
        return False
    height, width, _ = (side // BLOCK * BLOCK for side in frame.rgb.shape)
    difference = frame.rgb[:height, :width].astype(np.float32) - other.rgb[:height, :width]
    blocks = difference.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean(axis=(1, 3))
    return bool(np.abs(blocks).max() <= MAX_DIFFERENCE)


def _import_decord() -> Any:
    """Import decord without the CUDA libraries that it loads when NVIDIA's Python packages are installed.

    They cost 600 MB and half a second, and decoding here is on the processor. A None in sys.modules makes decord's
    search for them find nothing; this process does nothing else, so nobody misses them.
    """
    sys.modules.setdefault("nvidia", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("decord")
    except (ImportError, OSError, RuntimeError) as error:
        raise DecordUnreliable(f"decord cannot be loaded ({error})") from None


def _open(module: Any, recording: Recording) -> tuple[Any, Any]:
    """Return a reader and the pictures' times, if decord's own index agrees with the container's.

    Raises DecordUnreliable otherwise.
    """
    times = recording.times
    if times is None or not len(times):
        raise DecordUnreliable("there is no index to compare with")
    width, height = recording.size
    try:
        reader = module.VideoReader(recording.path, width=width, height=height, num_threads=recording.threads)
        recording.heartbeat()
        starts = reader.get_frame_timestamp(range(len(reader)))[:, 0].astype(np.float64)
    except (module.DECORDError, RuntimeError, AssertionError):
        raise DecordUnreliable("decord cannot open it") from None
    if len(starts) != len(times):
        raise DecordUnreliable(f"decord counts {len(starts)} pictures, the container {len(times)}")
    if starts[0] < 0:
        raise DecordUnreliable("decord's first time is negative")
    expected = times - times[0]
    tolerance = np.maximum(EPSILON_S, expected * 1e-6)  # decord keeps times in single precision
    if bool((np.abs(starts - starts[0] - expected) > tolerance).any()):
        raise DecordUnreliable("decord's times differ from the container's")
    return reader, times


def _picture(module: Any, reader: Any, recording: Recording, skip: int) -> Image:
    """Decode the picture after `skip` others.

    Raises DecordUnreliable when decord fails or gives a picture of the wrong shape.
    """
    try:
        while skip > 0:
            reader.skip_frames(min(skip, SKIP_AT_ONCE))
            skip -= SKIP_AT_ONCE
            recording.heartbeat()
        rgb: Image = reader.next().asnumpy()
    except (module.DECORDError, RuntimeError, StopIteration):
        raise DecordUnreliable("decord fails while decoding") from None
    recording.heartbeat()
    if rgb.shape != (recording.size[1], recording.size[0], 3):
        raise DecordUnreliable("decord gives pictures of the wrong shape")
    return rgb
