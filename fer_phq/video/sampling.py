"""The rule by which frames are sampled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TypeVar

from fer_phq.core.feature_series import GRID_HZ
from fer_phq.timeline import grid

T = TypeVar("T")

EPSILON_S = grid.EPSILON_S
"""Containers round times to a millisecond; a frame this much late still counts as on display."""


def displayed_at_rate(frames: Iterable[tuple[float, T]], fps: float, end_s: float) -> Iterator[tuple[float, T]]:
    """Yield the frames on display at the target times k / fps, k = 0, 1, 2, ...; each frame at most once.

    A frame is on display from its time to the next one's. The first is also on display before its time, the last until
    `end_s`. At a rate above the grid's, the grid's times are targets as well: what is computed on the grid is then the
    same at every such rate.

    Args:
        frames: (time, frame) pairs in ascending time, seconds from the recording's start.
        fps: Target times per second.
        end_s: When the last frame ends, in seconds.

    Yields:
        The (time, frame) pairs, times strictly increasing.
    """
    rates = (fps, GRID_HZ) if fps > GRID_HZ else (fps,)
    target_s = 0.0
    on_display: tuple[float, T] | None = None
    for time_s, frame in frames:
        if on_display is not None and time_s <= on_display[0]:
            continue  # times must advance; a damaged stream may step back
        if on_display is not None and target_s + EPSILON_S < time_s:
            yield on_display
            target_s = min(math.ceil((time_s - EPSILON_S) * rate) / rate for rate in rates)
        on_display = (time_s, frame)
    if on_display is not None:
        last_target = max(end_s - EPSILON_S, on_display[0] + EPSILON_S)
        if target_s == 0 or target_s < last_target:
            yield on_display
