"""Which frames are sampled: the one rule, over times, that both decoders follow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

EPSILON_S = 0.0005
"""Containers round times to a millisecond; a frame this much late still counts as on display."""


def displayed_at_rate(
    frames: Iterable[tuple[float, T]], fps: float, end_s: float, after_s: float = -math.inf
) -> Iterator[tuple[float, T]]:
    """The (time, frame) pairs on display at the target times k / fps, k = 0, 1, 2, ...

    frames: in ascending time, seconds from the recording's start. A frame is on display from its time to the next
    one's; the first also before its time, the last until `end_s`. Each frame comes at most once. Only targets and
    frames later than `after_s` count: that is how sampling is taken up again in the middle.
    """
    k = 0 if after_s < 0 else math.floor((after_s + EPSILON_S) * fps) + 1
    shown: tuple[float, T] | None = None
    for time_s, frame in frames:
        if shown is not None and time_s <= shown[0]:
            continue  # times must advance; a damaged stream may step back
        if shown is not None and k / fps + EPSILON_S < time_s:
            if shown[0] > after_s + EPSILON_S:
                yield shown
            k = math.ceil((time_s - EPSILON_S) * fps)
        shown = (time_s, frame)
    if shown is not None and shown[0] > after_s + EPSILON_S:
        last_target = max(end_s - EPSILON_S, shown[0] + EPSILON_S)
        if k == 0 or k / fps < last_target:
            yield shown
