"""Smoothing of a time series over true times, within runs without a gap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray
from fer_phq.timeline.gaps import run_ids

Float = npt.NDArray[np.float64]


def smooth(
    time_s: TimeArray, values: npt.NDArray[np.floating], width_s: float, *, duration_s: TimeArray | None = None
) -> Float:
    """Replace each row by the weighted mean of the rows around it in its run.

    The weights are a triangle over time: 1 at the row itself, one half at `width_s / 2`, 0 from `width_s` on, whatever
    the steps between rows are. A gap stays a gap, and rows that sum to 1 still do.

    Args:
        time_s: (n,) seconds, not decreasing.
        values: (n, k); a row with any NaN is a gap.
        width_s: Seconds between the points at which the triangle has half its height, 0 or more; 0 changes nothing.
        duration_s: (n,) seconds that each row stands for, which multiply its weight; where they are omitted, all rows
            count alike.

    Returns:
        (n, k) float64.

    Raises:
        ValueError: The width is negative.
    """
    if not width_s >= 0:
        raise ValueError(f"The width must be 0 s or more, got {width_s:g}.")
    rows = np.asarray(values, np.float64)
    if width_s == 0 or len(rows) < 2:
        return rows.copy()
    is_measured = np.asarray(~np.isnan(rows).any(axis=1))
    runs = run_ids(time_s, is_measured)
    filled = np.where(is_measured[:, None], rows, 0.0)
    lasting = np.ones(len(rows)) if duration_s is None else np.maximum(duration_s, 1e-9)
    total = lasting[:, None] * filled
    weights = lasting.copy()
    for lag in range(1, len(rows)):
        distance = time_s[lag:] - time_s[:-lag]
        if not (distance < width_s).any():
            break
        weight = np.where(runs[lag:] == runs[:-lag], np.maximum(1 - distance / width_s, 0), 0)
        total[lag:] += (weight * lasting[:-lag])[:, None] * filled[:-lag]
        total[:-lag] += (weight * lasting[lag:])[:, None] * filled[lag:]
        weights[lag:] += weight * lasting[:-lag]
        weights[:-lag] += weight * lasting[lag:]
    return np.where(is_measured[:, None], total / weights[:, None], np.nan)
