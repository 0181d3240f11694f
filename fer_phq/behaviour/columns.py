"""Columns and kinds of behaviour series, their rates, and what their rows come to over time; without the networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries

KIND = "mesh-2"
"""What made a series' values. Series of the kind `mesh-1` have no gaze, and eyes where they were hidden."""
MEASURED_KINDS = ("mesh-1", KIND)
"""Kinds whose measures may be compared with each other: the same network, read alike."""
STEP_S = 0.5
"""Seconds over which slow changes are measured: over a single frame they would be the mesh's own trembling."""
LONGEST_STEP_S = 0.5 + 1e-6
"""Seconds from one row to the next beyond which what lies between them is not seen."""
LONGEST_QUICK_STEP_S = 0.15
"""The same for what is over in a fraction of a second: blinks, and swings of the head."""
_GAP_STEPS = 3.0  # usual steps from one row to the next beyond which frames are missing
_LONE_ROW_S = 1.0  # that a lone row lasts at least: its own duration says nothing of how often others would come
_RATE_TOLERANCE = 0.98  # 14.99 frames a second are fifteen


def column(series: FeatureSeries, name: str) -> FloatArray:
    """Return a column of a behaviour series, (n,) float32; NaN where a series of an earlier kind has none.

    Args:
        series: The series.
        name: The column's name.
    """
    if name not in series.names:
        return np.full(len(series), np.nan, np.float32)
    values: FloatArray = series.values[:, series.names.index(name)]
    return values


def mean_of_sides(series: FeatureSeries, stem: str) -> FloatArray:
    """Return the mean of a blendshape's left and right column, (n,) float32.

    Args:
        series: The series.
        stem: The columns' name without `Left` and `Right`, or `_left` and `_right`.
    """
    left, right = ("_left", "_right") if f"{stem}_left" in series.names else ("Left", "Right")
    sides = [column(series, stem + left), column(series, stem + right)]
    mean: FloatArray = np.mean(sides, axis=0, dtype=np.float32)
    return mean


def row_times(series: FeatureSeries) -> TimeArray:
    """Return the rows' times in seconds, (n,)."""
    return np.zeros(0) if series.time_s is None else series.time_s


def row_durations(series: FeatureSeries) -> TimeArray:
    """Return how many seconds each row stands for, (n,)."""
    return np.zeros(len(series)) if series.duration_s is None else series.duration_s


def seen_durations(series: FeatureSeries) -> TimeArray:
    """Return how many seconds each row says something of, (n,): of a frozen picture only the first half second."""
    return np.minimum(row_durations(series), LONGEST_STEP_S)


def true_rate_hz(series: FeatureSeries) -> float:
    """Compute how often a second the face was looked at, by the rows' times: a recording may have fewer frames.

    It is the mean over the time without gaps, as frames need not lie evenly. Rows of one time are one look.

    Args:
        series: The series.
    """
    time_s = np.unique(row_times(series))
    if len(time_s) < 2:
        return 1 / max(float(row_durations(series).sum()), _LONE_ROW_S) if len(time_s) else 0.0
    steps = np.diff(time_s)
    steps = steps[steps <= max(LONGEST_STEP_S, _GAP_STEPS * float(np.median(steps)))]
    return len(steps) / float(steps.sum())


def has_rate(series: FeatureSeries, least_hz: float) -> bool:
    """Return whether a series has a number of frames a second.

    Args:
        series: The series.
        least_hz: The number.
    """
    return true_rate_hz(series) >= least_hz * _RATE_TOLERANCE


def moments(values: FloatArray, durations: TimeArray) -> tuple[float | None, float | None]:
    """Compute mean and standard deviation over time; None where nothing is known.

    Args:
        values: (n,), NaN where missing.
        durations: (n,) seconds.
    """
    visible = np.isfinite(values)
    weights = durations[visible]
    if not weights.sum() > 0:
        return None, None
    mean = float(np.average(values[visible], weights=weights))
    return mean, float(np.sqrt(np.average((values[visible] - mean) ** 2, weights=weights)))


def percentiles_over_time(values: FloatArray, durations: TimeArray, percentiles: Sequence[float]) -> FloatArray:
    """Compute percentiles of values that last for different times; NaN where no value is known.

    Args:
        values: (n,), NaN where missing.
        durations: (n,) seconds; where all of them are 0, each value counts alike.
        percentiles: 0 to 100.

    Returns:
        A level for each percentile, float64.
    """
    visible = np.isfinite(values)
    if not visible.any():
        return np.full(len(percentiles), np.nan)
    numbers, weights = values[visible], durations[visible]
    if not weights.sum() > 0:
        weights = np.ones(len(numbers))
    order = np.argsort(numbers)
    middle = np.cumsum(weights[order]) - weights[order] / 2
    levels: FloatArray = np.interp(np.asarray(percentiles) / 100 * weights.sum(), middle, numbers[order])
    return levels


def stretches(
    visible: npt.NDArray[np.bool_], time_s: TimeArray, longest_s: float = LONGEST_STEP_S
) -> list[tuple[int, int]]:
    """Return first and last index of each stretch of rows that are seen and follow each other closely.

    Args:
        visible: (n,) which rows are known.
        time_s: (n,) seconds, increasing.
        longest_s: Seconds from one row to the next, at most.
    """
    places = np.flatnonzero(visible)
    if not len(places):
        return []
    breaks = (np.diff(places) > 1) | (np.diff(time_s[places]) > longest_s)
    return list(zip(np.r_[places[0], places[1:][breaks]], np.r_[places[:-1][breaks], places[-1]], strict=True))


def watched_seconds(
    series: FeatureSeries,
    visible: npt.NDArray[np.bool_],
    *,
    longest_s: float = LONGEST_STEP_S,
    least_s: float = 0.0,
) -> float:
    """Compute the time in which something would have been seen had it happened.

    A row before a frozen picture, or of a low rate, stands for long, and what happens meanwhile is in no row.

    Args:
        series: The series.
        visible: (n,) which rows are known.
        longest_s: Seconds from one row to the next, at most.
        least_s: Seconds that it lasts at least: shorter stretches of rows do not count.

    Returns:
        Seconds.
    """
    time_s, durations = row_times(series), row_durations(series)
    durations = np.where(durations <= longest_s, durations, 0)
    return sum(
        float(durations[first : last + 1].sum())
        for first, last in stretches(visible, time_s, longest_s)
        if time_s[last] - time_s[first] >= least_s
    )


def half_seconds(series: FeatureSeries, names: Sequence[str]) -> list[tuple[TimeArray, FloatArray]]:
    """Take columns every half second, interpolated between rows, within each stretch in which all of them are seen.

    Args:
        series: The series.
        names: The columns.

    Returns:
        Of each stretch of a half second and more the times, (m,) seconds, and the values, (m, columns).
    """
    time_s = row_times(series)
    values = np.stack([column(series, name) for name in names], axis=1)
    visible: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
    parts = []
    for first, last in stretches(visible, time_s):
        grid = np.arange(time_s[first], time_s[last] + 1e-9, STEP_S)
        if len(grid) < 2:
            continue
        inside = slice(first, last + 1)
        at_grid = [np.interp(grid, time_s[inside], values[inside, i]) for i in range(len(names))]
        parts.append((grid, np.stack(at_grid, axis=1).astype(np.float32)))
    return parts
