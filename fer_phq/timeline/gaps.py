"""Gaps in a time series.

Statistics over neighbouring rows (slope, dwell, transitions) are computed within a run: rows that follow one another
without a gap.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray

GAP_FACTOR = 3.0
"""A step longer than this many median steps is a gap."""


def steps_without_gap(time_s: TimeArray) -> npt.NDArray[np.bool_]:
    """Find the steps between neighbouring rows that are no gap.

    Args:
        time_s: (n,) seconds, not decreasing.

    Returns:
        (n - 1,) bool; empty for fewer than two rows.
    """
    steps = np.diff(time_s)
    return np.asarray(steps <= GAP_FACTOR * np.median(steps)) if len(steps) else np.zeros(0, bool)


def run_ids(time_s: TimeArray, is_measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Number the runs of a time series.

    A run is made of neighbouring rows that are all measured, or all not, with no gap in time between them.

    Args:
        time_s: (n,) seconds, not decreasing.
        is_measured: (n,) bool.

    Returns:
        (n,) int64 number of each row's run, from 0, ascending.
    """
    if not len(time_s):
        return np.zeros(0, np.int64)
    starts_run = np.r_[False, (is_measured[1:] != is_measured[:-1]) | ~steps_without_gap(time_s)]
    return np.asarray(np.cumsum(starts_run), np.int64)


def row_edges(time_s: TimeArray) -> TimeArray:
    """Compute where the time that each row stands for begins and ends: halfway to its neighbours.

    The first and the last row are as wide as their only step; a lone row lasts one second.

    Args:
        time_s: (n,) seconds, not decreasing.

    Returns:
        (n + 1,) seconds: the beginnings, then the end of the last row.
    """
    if len(time_s) < 2:
        return np.array([time - 0.5 for time in time_s] + [time_s[-1] + 0.5 if len(time_s) else 0.0], np.float64)
    midpoints = (time_s[1:] + time_s[:-1]) / 2
    first = time_s[0] - (midpoints[0] - time_s[0])
    last = time_s[-1] + (time_s[-1] - midpoints[-1])
    return np.concatenate([[first], midpoints, [last]])
