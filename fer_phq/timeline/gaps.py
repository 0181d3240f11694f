"""Where a session's rows follow one another without a gap: whatever is said of neighbours is said within a stretch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray

GAP_FACTOR = 3.0
"""Two rows further apart than this many of the session's usual steps have a gap between them: nothing is said of it."""


def steps_without_gap(time_s: TimeArray) -> npt.NDArray[np.bool_]:
    """(rows - 1,) bool: the steps between neighbouring rows that are no gap."""
    steps = np.diff(time_s)
    return np.asarray(steps <= GAP_FACTOR * np.median(steps)) if len(steps) else np.zeros(0, bool)


def run_ids(time_s: TimeArray, is_measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """(n,) the number of each row's stretch: rows that are all seen, or all not, with no gap in time between them.

    time_s (n,) seconds, not decreasing; seen (n,) bool, which rows were measured.
    """
    if not len(time_s):
        return np.zeros(0, np.int64)
    starts_run = np.r_[False, (is_measured[1:] != is_measured[:-1]) | ~steps_without_gap(time_s)]
    return np.asarray(np.cumsum(starts_run), np.int64)


def row_edges(time_s: TimeArray) -> TimeArray:
    """(n + 1,) where each row's share of time begins and the last one's ends: halfway to its neighbours.

    The first and the last row are as wide as the step beside them; a lone row lasts one second.
    """
    if len(time_s) < 2:
        return np.array([time - 0.5 for time in time_s] + [time_s[-1] + 0.5 if len(time_s) else 0.0], np.float64)
    midpoints = (time_s[1:] + time_s[:-1]) / 2
    first = time_s[0] - (midpoints[0] - time_s[0])
    last = time_s[-1] + (time_s[-1] - midpoints[-1])
    return np.concatenate([[first], midpoints, [last]])
