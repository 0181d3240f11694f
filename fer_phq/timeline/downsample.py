"""Fewer rows for drawing: a long session's rows brought together in bins, with their lowest and highest values.

No bin reaches over the border of a gap, so a gap is as wide in the thinned rows as it was, and can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray
from fer_phq.timeline.gaps import row_edges, run_ids

Float = npt.NDArray[np.float64]
MAX_ROWS = 1200
"""Rows that a chart as wide as a screen can tell apart."""


@dataclass(frozen=True, eq=False)
class Downsampled:
    """Rows for drawing, m <= n of them when there were many.

    first (m,): the index of each bin's first row among the n, so that a bin's rows can be brought together in other
    ways. count (m,): its rows. time_s (m,): the time of the row in its middle. from_s, to_s (m,): the time that it
    stands for; bins follow one another without holes. mean, low, high (m, k): of what was measured, NaN where nothing
    was.
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
        return len(self.first)


def downsample(
    time_s: TimeArray,
    values: npt.NDArray[np.floating],
    *,
    is_measured: npt.NDArray[np.bool_] | None = None,
    max_rows: int = MAX_ROWS,
) -> Downsampled:
    """Rows brought together in about `most` bins of equal length, or as they are when there are no more than that.

    time_s (n,) seconds, not decreasing; values (n, k), NaN where not measured. seen (n,): which rows are no gap; by
    default those with any number. Where a gap begins or ends inside a bin, the bin is split there, so there may be more
    than `most`.
    """
    rows = np.asarray(values, np.float64)
    edges = row_edges(time_s)
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
    mean = _means(rows, first)
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
    """(m,) the lowest of a bin's values (n,), such as the worst state that a bin holds."""
    return _extreme(np.fmin, np.asarray(values, np.float64)[:, None], downsampled.first)[:, 0]


def _means(rows: Float, first: npt.NDArray[np.integer]) -> Float:
    if not len(rows):
        return rows
    is_finite = np.isfinite(rows)
    sums = np.add.reduceat(np.where(is_finite, rows, 0.0), first, axis=0)
    counts = np.add.reduceat(is_finite.astype(np.float64), first, axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _extreme(pick: np.ufunc, rows: Float, first: npt.NDArray[np.integer]) -> Float:
    return np.asarray(pick.reduceat(rows, first, axis=0)) if len(rows) else rows
