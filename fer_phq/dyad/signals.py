"""Signals of a person's movement ten times a second: how fast the head turns, how much the face changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.columns import LONGEST_QUICK_STEP_S, column, has_rate, row_times, stretches
from fer_phq.behaviour.expression import ACTIVE
from fer_phq.behaviour.movement import ANGLES
from fer_phq.core.arrays import TimeArray
from fer_phq.core.feature_series import FeatureSeries

Signal = npt.NDArray[np.float64]

RATE_HZ = 10.0
"""Values a second of a signal."""
LEAST_RATE_HZ = 10.0
"""Frames a second below which a series has no signal: a movement of half a second would lie between its rows."""
SPAN_S = 0.5
"""Seconds over which a change is measured, as in `fer_phq.behaviour`: over less it is mostly the mesh's trembling."""

JOLT_DEG_PER_S = 60.0
"""Degrees a second beyond which both heads turn at once only where the picture itself moves."""


def signal_times(end_s: float) -> TimeArray:
    """Return the times of a recording's signals, (n,) seconds.

    Args:
        end_s: Seconds until which there are signals.
    """
    return np.arange(0.0, end_s + 1e-9, 1 / RATE_HZ)


def head_signal(series: FeatureSeries, grid: TimeArray) -> Signal:
    """Compute how fast the head turns.

    Args:
        series: The behaviour series.
        grid: (n,) seconds, from `signal_times`.

    Returns:
        (n,) degrees a second, over half a second around each time; NaN where the head pose is not seen throughout it.
    """
    speed: Signal = np.linalg.norm(_changes(series, ANGLES, grid), axis=1)
    return speed


def face_signal(series: FeatureSeries, grid: TimeArray) -> Signal:
    """Compute how much the blendshapes of brows, nose, cheeks, mouth and jaw change, on average over them.

    Args:
        series: The behaviour series.
        grid: (n,) seconds, from `signal_times`.

    Returns:
        (n,) a second, over half a second around each time; NaN where they are not seen throughout it.
    """
    activity: Signal = np.abs(_changes(series, ACTIVE, grid)).mean(axis=1)
    return activity


def hide_jolts(signal: Signal, subject: FeatureSeries, partner: FeatureSeries, grid: TimeArray) -> Signal:
    """Take away what a signal says around times at which the picture moved, and not the people in it.

    At a cut to the same people, or when somebody knocks against the camera, both heads turn from one frame to the next
    as fast as two people seldom do at once.

    Args:
        signal: (n,) from `head_signal` or `face_signal`.
        subject: The subject's behaviour series.
        partner: The partner's, of the same frames.
        grid: (n,) seconds, from `signal_times`.

    Returns:
        (n,) NaN as far around a jolt as it reaches into the signal.
    """
    time_s = row_times(subject)
    if not np.array_equal(time_s, row_times(partner)):
        return signal
    jolts = np.ones(max(len(time_s) - 1, 0), bool)
    for series in (subject, partner):
        angles = np.stack([column(series, name) for name in ANGLES], axis=1).astype(np.float64)
        jolts &= np.linalg.norm(np.diff(angles, axis=0), axis=1) > JOLT_DEG_PER_S * np.diff(time_s)
    settled = signal.copy()
    for before_s, after_s in zip(time_s[:-1][jolts], time_s[1:][jolts], strict=True):
        settled[(grid >= before_s - SPAN_S / 2) & (grid <= after_s + SPAN_S / 2)] = np.nan
    return settled


def _changes(series: FeatureSeries, names: Sequence[str], grid: TimeArray) -> Signal:
    """Return the change of columns a second, (n, columns): from a quarter second before to a quarter after."""
    changes = np.full((len(grid), len(names)), np.nan)
    if not has_rate(series, LEAST_RATE_HZ):
        return changes
    time_s = row_times(series)
    values = np.stack([column(series, name) for name in names], axis=1).astype(np.float64)
    visible: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
    half_s = SPAN_S / 2
    for first, last in stretches(visible, time_s, LONGEST_QUICK_STEP_S):
        inside = slice(first, last + 1)
        begin, end = np.searchsorted(grid, (time_s[first] + half_s - 1e-9, time_s[last] - half_s + 1e-9))
        times = grid[begin:end]
        for i in range(len(names)):
            before, after = np.interp([times - half_s, times + half_s], time_s[inside], values[inside, i])
            changes[begin:end, i] = (after - before) / SPAN_S
    return changes
