"""Sampling by decord, which gives up when it cannot be trusted with a recording. Runs in the decoding child only."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fer_phq.core.arrays import Image
from fer_phq.video.decoder.recording import Picture, Recording
from fer_phq.video.sampling import EPSILON_S, displayed_at_rate

SAME_IN_A_ROW = 4
"""decord fills what it cannot decode by repeating a picture; after this many it is no longer believed."""

SKIP_AT_ONCE = 32
"""Frames skipped in one call at most, so that the parent keeps hearing of progress."""

MIN_SIDE = 32
"""Narrower pictures come out of decord with misaligned rows."""


class Distrust(Exception):
    """Why decord is not, or no longer, used for this recording."""


def sample(recording: Recording, fps: float, ready: Callable[[], None]) -> Iterator[Picture]:
    """Pictures on display at k / fps, held back while they repeat. `ready` is called once decord is trusted.

    Raises Distrust when decord cannot be loaded, cannot open the recording, disagrees with the index, fails, or
    repeats itself; the pictures handed out before are good.
    """
    module = _import_decord()
    reader, times = _open(module, recording)
    ready()
    held: list[Picture] = []
    position = 0
    for time_s, number in displayed_at_rate(((float(t), i) for i, t in enumerate(times)), fps, recording.end_s):
        rgb = _picture(module, reader, recording, number - position)
        position = number + 1
        recording.last_s = time_s
        if held and np.array_equal(rgb, held[0].rgb):
            held.append(Picture(time_s, held[0].rgb, recording.scale))
            if len(held) >= SAME_IN_A_ROW:
                raise Distrust(f"decord repeats a picture from {held[0].time_s:.1f} s on")
            continue
        yield from held
        held = [Picture(time_s, rgb, recording.scale)]
    yield from held


def _import_decord() -> Any:
    """Import decord without the CUDA libraries that it loads when NVIDIA's Python packages are installed.

    They cost 600 MB and half a second, and decoding here is on the processor. A None in sys.modules makes decord's
    search for them find nothing; this process does nothing else, so nobody misses them.
    """
    sys.modules.setdefault("nvidia", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("decord")
    except (ImportError, OSError, RuntimeError) as error:
        raise Distrust(f"decord cannot be loaded ({error})") from None


def _open(module: Any, recording: Recording) -> tuple[Any, Any]:
    """A reader and the pictures' times, once decord's own index agrees with the container's. Raises Distrust."""
    times = recording.times
    if times is None or not len(times):
        raise Distrust("there is no index to compare with")
    width, height = recording.size
    try:
        reader = module.VideoReader(recording.path, width=width, height=height, num_threads=recording.threads)
        recording.beat()
        starts = reader.get_frame_timestamp(range(len(reader)))[:, 0].astype(np.float64)
    except (module.DECORDError, RuntimeError, AssertionError):
        raise Distrust("decord cannot open it") from None
    if len(starts) != len(times):
        raise Distrust(f"decord counts {len(starts)} pictures, the container {len(times)}")
    if starts[0] < 0:
        raise Distrust("decord's first time is negative")
    expected = times - times[0]
    tolerance = np.maximum(EPSILON_S, expected * 1e-6)  # decord keeps times in single precision
    if bool((np.abs(starts - starts[0] - expected) > tolerance).any()):
        raise Distrust("decord's times differ from the container's")
    return reader, times


def _picture(module: Any, reader: Any, recording: Recording, skip: int) -> Image:
    """The picture after `skip` others. Raises Distrust when decord fails or gives a picture of the wrong shape."""
    try:
        while skip > 0:
            reader.skip_frames(min(skip, SKIP_AT_ONCE))
            skip -= SKIP_AT_ONCE
            recording.beat()
        rgb: Image = reader.next().asnumpy()
    except (module.DECORDError, RuntimeError, StopIteration):
        raise Distrust("decord fails while decoding") from None
    recording.beat()
    if rgb.shape != (recording.size[1], recording.size[0], 3):
        raise Distrust("decord gives pictures of the wrong shape")
    return rgb
