"""Windows: a session as windows of equal duration, with all its modalities on the recording's clock.

The learned temporal aggregator (`fer_phq.models.regressors.AttentionRegressor`) reads them where the other models read
functionals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.features.functionals import is_measured
from fer_phq.timeline.gaps import steps_without_gap
from fer_phq.timeline.grid import is_below_grid, steps_on_grid, to_grid

WINDOW_S = 5.0
MIN_WINDOWS = 4
MAX_WINDOWS = 48
"""A session has about one window in WINDOW_S seconds, but at least MIN_WINDOWS and at most MAX_WINDOWS."""


def windows(features: SessionFeatures, modalities: Sequence[Modality]) -> FloatArray:
    """Compute the windows of a session.

    Each modality, in the order of `Modality`, gives the mean of every column and then its mean absolute change from row
    to row within runs without a gap. A face with times is brought onto the grid (`fer_phq.timeline.grid`) first. The
    face's 7 emotions count as columns of the face. A window without speech has no voice. Rows without times are spread
    evenly over the session; where no modality has times, there are as many windows as the longest modality has rows.

    Args:
        features: The session's modalities.
        modalities: Those to read.

    Returns:
        (windows, width) float32, NaN where nothing was measured; `window_modalities` tells the columns apart.

    Raises:
        ValueError: A modality is missing.
    """
    features = to_grid(features)
    required = [modality for modality in Modality if modality in modalities]
    present: dict[Modality, FeatureSeries] = {}
    for modality in required:
        series = features.series(modality)
        if series is not None:
            present[modality] = series
    if len(present) < len(required):
        raise ValueError(f"The session has only {'+'.join(present) or 'nothing'} of {'+'.join(required)}.")
    clock = _clock(list(present.values()))
    columns = []
    for modality, series in present.items():
        values = _with_emotions(series, features.emotions) if modality is Modality.FACE else series.values
        columns.append(_modality_windows(modality, series, values, *clock))
    return np.concatenate(columns, axis=1)


def window_modalities(widths: Mapping[Modality, int]) -> tuple[Modality, ...]:
    """Return the modality of each column of `windows`.

    Args:
        widths: Columns of each modality's series, without the emotions.
    """
    columns: list[Modality] = []
    for modality in Modality:
        if modality in widths:
            width = widths[modality] + (len(EMOTIONS) if modality is Modality.FACE else 0)
            columns += [modality] * (2 * width)
    return tuple(columns)


def _clock(all_series: Sequence[FeatureSeries]) -> tuple[float, float, int]:
    """Return the session's first and last time in seconds, and the number of windows between them."""
    timed = [series.time_s for series in all_series if series.time_s is not None]
    if not timed:
        return 0.0, 1.0, int(np.clip(max(map(len, all_series)), MIN_WINDOWS, MAX_WINDOWS))
    start = float(min(times[0] for times in timed))
    stop = float(max(times[-1] for times in timed))
    return start, stop, int(np.clip(round((stop - start) / WINDOW_S), MIN_WINDOWS, MAX_WINDOWS))


def _with_emotions(face: FeatureSeries, emotions: FloatArray | None) -> FloatArray:
    """Append the emotions to the face's values; their columns are there, as NaN, also where they are not known."""
    unknown = np.full((len(face), len(EMOTIONS)), np.nan, np.float32)
    return np.concatenate([face.values, unknown if emotions is None else emotions], axis=1)


def _modality_windows(
    modality: Modality, series: FeatureSeries, values: FloatArray, start: float, stop: float, count: int
) -> FloatArray:
    """Compute one modality's columns (count, 2 width) of `windows`; values (rows, width) are those of its rows."""
    time_s = series.time_s if series.time_s is not None else _spread_times(len(series), start, stop)
    measured = is_measured(series)
    values = values[measured]
    time_s = time_s[measured]
    changes = np.full_like(values, np.nan)
    if modality is Modality.FACE and series.time_s is not None:
        within_run = steps_on_grid(time_s) & (not is_below_grid(series))
    else:
        within_run = steps_without_gap(time_s)
    changes[1:] = np.where(within_run[:, None], np.abs(np.diff(values, axis=0)), np.nan)
    window = ((time_s - start) / max(stop - start, 1e-9) * count).astype(np.int64)
    return _window_means(np.concatenate([values, changes], axis=1), np.minimum(window, count - 1), count)


def _spread_times(rows: int, start: float, stop: float) -> TimeArray:
    """Return the middles of so many equal parts of the session, in seconds."""
    return np.asarray(start + (stop - start) * (np.arange(rows) + 0.5) / rows)


def _window_means(values: FloatArray, window: npt.NDArray[np.int64], count: int) -> FloatArray:
    """Average rows (n, width) by window, leaving out NaN: (count, width).

    window (n,) is the index of each row's window and does not decrease.
    """
    means = np.full((count, values.shape[1]), np.nan, np.float32)
    if len(values):
        filled, first = np.unique(window, return_index=True)
        is_number = np.isfinite(values)
        numbers = np.add.reduceat(is_number, first, axis=0, dtype=np.float64)
        total = np.add.reduceat(np.where(is_number, values, 0), first, axis=0, dtype=np.float64)
        means[filled] = np.where(numbers > 0, total / np.maximum(numbers, 1), np.nan)
    return means
