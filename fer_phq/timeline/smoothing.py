"""Smoothing of a timeline over true times, which never looks across a gap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray
from fer_phq.timeline.gaps import run_ids

Float = npt.NDArray[np.float64]


def smooth(time_s: TimeArray, values: npt.NDArray[np.floating], width_s: float) -> Float:
    """Each row as the weighted mean of the rows around it, by a triangle that is `width_s` wide at half its height.

    time_s (n,) seconds, not decreasing; values (n, k), a row with any NaN is a gap. Rows of the same stretch that lie
    less than `width_s` seconds away count, the nearer the more, whatever the steps between them are; a gap stays a gap.
    Rows that sum to 1 still do. Returns (n, k) float64; width 0 gives the values as they are. Raises ValueError for
    a negative width.
    """
    if not width_s >= 0:
        raise ValueError(f"The width must be 0 s or more, got {width_s:g}.")
    rows = np.asarray(values, np.float64)
    if width_s == 0 or len(rows) < 2:
        return rows.copy()
    is_measured = np.asarray(~np.isnan(rows).any(axis=1))
    runs = run_ids(time_s, is_measured)
    filled = np.where(is_measured[:, None], rows, 0.0)
    total = filled.copy()
    weights = np.ones(len(rows))
    for lag in range(1, len(rows)):
        distance = time_s[lag:] - time_s[:-lag]
        if not (distance < width_s).any():
            break
        weight = np.where(runs[lag:] == runs[:-lag], np.maximum(1 - distance / width_s, 0), 0)
        total[lag:] += weight[:, None] * filled[:-lag]
        total[:-lag] += weight[:, None] * filled[lag:]
        weights[lag:] += weight
        weights[:-lag] += weight
    return np.where(is_measured[:, None], total / weights[:, None], np.nan)
