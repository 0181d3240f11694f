"""The grid: a face's rows at fixed times, so that nothing that is computed of them depends on how often it was sampled.

A row is on display from its time until it ends. The grid takes, `GRID_HZ` times a second, the row that is on display
then (sample and hold), as `fer_phq.video.sampling` takes frames: a recording that was sampled at a multiple of the
grid's rate has the same rows on the grid as one that was sampled at that rate, and so has one of variable frame rate.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray
from fer_phq.core.feature_series import GRID_HZ, FeatureSeries, SessionFeatures
from fer_phq.timeline.gaps import GAP_FACTOR

EPSILON_S = 0.0005
"""Containers round times to a millisecond; a row this much late still counts as on display."""
JITTER = 1.1
"""Steps between sampled frames vary with the recording's own frame rate: a median step that is longer than the grid's
by at most this factor still tells of a face that was looked at often enough."""
LONGEST_HOLD_S = 60.0
"""Seconds that a row lasts at most whose duration is not known."""


def to_grid(features: SessionFeatures) -> SessionFeatures:
    """Bring a session's face, and its emotions with it, onto the grid.

    A face that is on the grid stays as it is; so does one without times. The voice and the words have a clock of their
    own.

    Args:
        features: The session's modalities.

    Returns:
        The same voice and words, and the face with its rows at the times k / `GRID_HZ`.
    """
    face = features.face
    if face is None or face.time_s is None:
        return features
    rows, time_s = grid_rows(face.time_s, row_durations(face))
    grid_face = replace(
        face,
        values=face.values[rows],
        time_s=time_s,
        duration_s=np.full(len(rows), 1 / GRID_HZ),
        rate_hz=min(looks_a_second(face), GRID_HZ),
    )
    return replace(features, face=grid_face, emotions=None if features.emotions is None else features.emotions[rows])


def grid_rows(time_s: TimeArray, duration_s: TimeArray) -> tuple[npt.NDArray[np.int64], TimeArray]:
    """Find the row that is on display at each time of the grid.

    Args:
        time_s: (n,) seconds, not decreasing.
        duration_s: (n,) seconds for which each row stands; a row ends when the next begins, even so.

    Returns:
        Indices of the rows and the times of the grid in seconds, both (k,), for the times at which a row is on display.
    """
    end_s = time_s + duration_s
    end_s[:-1] = np.minimum(end_s[:-1], time_s[1:])
    first = np.ceil((time_s - EPSILON_S) * GRID_HZ).astype(np.int64)
    count = np.maximum(np.ceil((end_s - EPSILON_S) * GRID_HZ).astype(np.int64) - first, 0)
    rows = np.repeat(np.arange(len(time_s)), count)
    position = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, np.asarray((np.repeat(first, count) + position) / GRID_HZ, np.float64)


def is_on_grid(start_s: float, end_s: float) -> bool:
    """Return whether what is on display from one time to another is so at a time of the grid.

    Args:
        start_s: Seconds.
        end_s: Seconds; infinite where it is not known, which counts as long enough.
    """
    first = math.ceil((start_s - EPSILON_S) * GRID_HZ)
    return first < (end_s - EPSILON_S) * GRID_HZ


def row_durations(series: FeatureSeries) -> TimeArray:
    """Return how long each row of a series with times stands for.

    Where that is not known, a row lasts until the next one, but for a single median step before a gap.

    Args:
        series: A series with n rows and their times.

    Returns:
        (n,) seconds.
    """
    assert series.time_s is not None
    if series.duration_s is not None:
        return series.duration_s
    steps = np.diff(series.time_s)
    usual = float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 1 / GRID_HZ
    lasting = np.where(steps <= GAP_FACTOR * usual, steps, usual)
    return np.asarray(np.minimum(np.r_[lasting, usual][: len(series)], LONGEST_HOLD_S), np.float64)


def looks_a_second(series: FeatureSeries) -> float:
    """Return how often a second the recording was looked at, from the median step where a series does not say it."""
    if series.rate_hz is not None:
        return series.rate_hz
    steps = np.diff(series.time_s) if series.time_s is not None else np.zeros(0)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return GRID_HZ if usual <= JITTER / GRID_HZ else 1 / usual


def is_below_grid(series: FeatureSeries) -> bool:
    """Tell whether a series was sampled less often than the grid: what happens between its rows is then not known."""
    return looks_a_second(series) < GRID_HZ


def steps_on_grid(time_s: TimeArray) -> npt.NDArray[np.bool_]:
    """Find the steps between neighbouring rows that stand at consecutive times of the grid.

    Args:
        time_s: (n,) seconds on the grid.

    Returns:
        (n - 1,) bool; empty for fewer than two rows.
    """
    return np.asarray(np.diff(time_s) <= 1.5 / GRID_HZ)
