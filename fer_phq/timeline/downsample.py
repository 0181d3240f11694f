"""Downsampling for charts: a long session's rows are grouped in bins that keep their lowest and highest values.

No bin crosses the border of a gap, so a gap keeps its width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray
from fer_phq.timeline.gaps import row_edges, run_ids

Float = npt.NDArray[np.float64]
MAX_ROWS = 1200
"""As many rows as a chart as wide as a screen can tell apart."""


@dataclass(frozen=True, eq=False)
class Downsampled:
    """The m bins of n rows, m <= n.

    Attributes:
        first: (m,) index of each bin's first row among the n, with which other columns can be grouped alike.
        count: (m,) rows in each bin.
        time_s: (m,) seconds, the time of the row in the bin's middle.
        from_s: (m,) seconds, where the time that the bin stands for begins.
        to_s: (m,) seconds, where it ends, which is where the next bin begins.
        mean: (m, k) mean of the measured values, NaN where there are none.
        low: (m, k) lowest of them.
        high: (m, k) highest of them.
    """

    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    time_s: TimeArray
    from_s: TimeArray
    to_s: TimeArray
    mean: Float
    low: Float
    high: Float

    def __len__(self) -> int:
        """Return the number of bins."""
        return len(self.first)


def downsample(
    time_s: TimeArray,
    values: npt.NDArray[np.floating],
    *,
    is_measured: npt.NDArray[np.bool_] | None = None,
    max_rows: int = MAX_ROWS,
    edges_s: TimeArray | None = None,
) -> Downsampled:
    """Group rows in about `max_rows` bins of equal duration; each row is a bin when there are no more than that.

    A bin in which a gap begins or ends is split there, so that there may be more than `max_rows` bins.

    Args:
        time_s: (n,) seconds, not decreasing.
        values: (n, k), NaN where not measured.
        is_measured: (n,) bool, the rows that are no gap; by default those with any number.
        max_rows: How many bins the session's duration is divided into, 1 or more.
        edges_s: (n + 1,) seconds, when each row's time begins and when the last one's ends: rows then count in a bin's
            mean as long as they last. Where they are omitted, a row lasts from halfway to the one before it to halfway
            to the next, and all rows count alike.
    """
    rows = np.asarray(values, np.float64)
    edges = row_edges(time_s) if edges_s is None or not len(time_s) else edges_s
    weights = np.ones(len(time_s)) if edges_s is None else np.diff(edges)
    count = len(rows)
    if count <= max_rows:
        first = np.arange(count)
    else:
        measured = np.asarray(np.isfinite(rows).any(axis=1) if is_measured is None else is_measured)
        position = (time_s - time_s[0]) / max(float(time_s[-1] - time_s[0]), 1e-9)
        bins = np.minimum((position * max_rows).astype(np.int64), max_rows - 1)
        runs = run_ids(time_s, measured)
        first = np.flatnonzero(np.r_[True, (np.diff(bins) != 0) | (np.diff(runs) != 0)])
    counts = np.diff(np.r_[first, count])
    mean = _means(rows, weights, first)
    low = _extreme(np.fmin, rows, first)
    high = _extreme(np.fmax, rows, first)
    return Downsampled(
        first=np.asarray(first, np.int64),
        count=np.asarray(counts, np.int64),
        time_s=np.asarray(time_s[first + (counts - 1) // 2], np.float64),
        from_s=edges[:-1][first],
        to_s=np.r_[edges[:-1][first[1:]], edges[-1:]] if count else np.zeros(0),
        mean=mean,
        low=low,
        high=high,
    )


def bin_minimum(values: npt.NDArray[np.floating], downsampled: Downsampled) -> Float:
    """Compute the lowest value in each bin of a column that was not downsampled with the others.

    Args:
        values: (n,) a value for each row.
        downsampled: The bins of these rows.

    Returns:
        (m,) float64, NaN for a bin of NaN alone.
    """
    return _extreme(np.fmin, np.asarray(values, np.float64)[:, None], downsampled.first)[:, 0]


def _means(rows: Float, weights: Float, first: npt.NDArray[np.integer]) -> Float:
    if not len(rows):
        return rows
    is_finite = np.isfinite(rows)
    share = np.where(is_finite, weights[:, None], 0.0)
    sums = np.add.reduceat(np.where(is_finite, rows, 0.0) * share, first, axis=0)
    total = np.add.reduceat(share, first, axis=0)
    return np.where(total > 0, sums / np.maximum(total, np.finfo(float).tiny), np.nan)


def _extreme(pick: np.ufunc, rows: Float, first: npt.NDArray[np.integer]) -> Float:
    return np.asarray(pick.reduceat(rows, first, axis=0)) if len(rows) else rows
