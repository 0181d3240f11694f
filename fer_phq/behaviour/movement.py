"""Movement of the head: how fast and how far it turns, when it is still, nods and shakes.

The head of people in a depressive episode moves less and more slowly (Girard et al., 2014, Image Vis Comput
32:641-647). A nod turns the head up and down, a shake to and fro, in swings of a fraction of a second (Kapoor and
Picard, 2001, Proc. Perceptive User Interfaces). How large and how quick a swing is here was chosen, not learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.columns import (
    LONGEST_QUICK_STEP_S,
    STEP_S,
    column,
    half_seconds,
    has_rate,
    percentiles_over_time,
    row_durations,
    row_times,
    stretches,
)
from fer_phq.behaviour.spans import Span
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries

ANGLES = ("pitch_deg", "yaw_deg", "roll_deg")
RANGE_PERCENTILES = (5.0, 95.0)
STILL_DEG_S = 2.0
"""Degrees a second below which a head is still: a degree in half a second is about the mesh's own trembling."""
LEAST_STILL_S = 2.0
"""Seconds that stillness lasts at least."""
SWING_DEG = 3.0
"""Degrees of a swing of a nod or a shake, at least."""
LONGEST_SWING_S = 0.5
"""Seconds that a swing takes at most between its own first and last sixth."""
LONGEST_HOLD_S = 0.4
"""Seconds between two swings of one gesture, at most."""
LEAST_SWINGS = 3
"""Swings of one nod or shake, such as down, up and down: one to and fro alone is how a head turns, too."""
ACROSS = 0.75
"""Share of a swing that the other axis may turn at most: a head that turns askew neither nods nor shakes."""
LEAST_RATE_HZ = 15.0
"""Frames a second below which a swing may fall between two frames."""
_END = 1 / 6  # of a swing, in which the head may rest for long


@dataclass(frozen=True)
class _Swing:
    """A turn of the head from one turning point to the next, without the rest at its ends."""

    begin_s: float
    end_s: float
    size: float
    is_quick: bool


def head_speed(series: FeatureSeries) -> float | None:
    """Compute the mean turn of the head over half seconds, in degrees a second.

    Args:
        series: The series.
    """
    parts = [speed for _, speed in speeds(series)]
    return float(np.mean(np.concatenate(parts))) if parts else None


def head_range(series: FeatureSeries) -> float | None:
    """Compute how far the head turns, in degrees: the span that holds the middle nine tenths of the time.

    Args:
        series: The series.

    Returns:
        The root of the sum of the squares of the spans of pitch, yaw and roll.
    """
    angles = np.stack([column(series, name) for name in ANGLES], axis=1)
    visible = np.isfinite(angles).all(axis=1)
    weights = row_durations(series)[visible]
    if not weights.sum() > 0:
        return None
    spans = [
        np.diff(percentiles_over_time(angles[visible, axis], weights, RANGE_PERCENTILES)) for axis in range(len(ANGLES))
    ]
    return float(np.linalg.norm(spans))


def speeds(series: FeatureSeries) -> list[tuple[TimeArray, FloatArray]]:
    """Compute how fast the head turns over half seconds.

    Args:
        series: The series.

    Returns:
        Of each stretch the times, (m,) seconds, and the speeds between them, (m - 1,) degrees a second.
    """
    parts = half_seconds(series, ANGLES)
    return [(grid, np.linalg.norm(np.diff(angles, axis=0), axis=1) / STEP_S) for grid, angles in parts]


def still_spans(series: FeatureSeries) -> tuple[Span, ...]:
    """Find the spans of two seconds and more in which the head turns by less than a degree each half second.

    Nor does it turn to and fro in between: at two nods a second, half seconds apart all angles are the same.

    Args:
        series: The series.

    Returns:
        The spans; their `peak` is the fastest turn in them, in degrees a second.
    """
    spans = []
    for grid, speed in speeds(series):
        still = np.flatnonzero((speed < STILL_DEG_S) & (_swings_within(series, grid) < SWING_DEG))
        for run in np.split(still, np.flatnonzero(np.diff(still) > 1) + 1) if len(still) else []:
            first, last = int(run[0]), int(run[-1])
            cut = first == 0 or last == len(speed) - 1
            span = Span(float(grid[first]), float(grid[last + 1]), float(speed[run].max()), cut)
            if span.duration_s >= LEAST_STILL_S - 1e-9:
                spans.append(span)
    return tuple(spans)


def _swings_within(series: FeatureSeries, grid: TimeArray) -> FloatArray:
    """Return the widest range of an angle in the rows between each time of a grid and the next, (m - 1,) degrees."""
    places = np.searchsorted(row_times(series), grid + 1e-9, "right") - 1
    angles = np.stack([column(series, name) for name in ANGLES], axis=1)[places[0] : places[-1] + 1]
    starts = places[:-1] - places[0]
    ranges = np.maximum.reduceat(angles, starts) - np.minimum.reduceat(angles, starts)
    widest: FloatArray = ranges.max(axis=1)
    return widest


def still_share(series: FeatureSeries) -> float | None:
    """Compute the share of the time with a head pose that is seen for two seconds and more in which it is still.

    Args:
        series: The series.
    """
    lengths_s = [float(grid[-1] - grid[0]) for grid, _ in speeds(series)]
    visible_s = sum(length_s for length_s in lengths_s if length_s >= LEAST_STILL_S - 1e-9)
    return sum(span.duration_s for span in still_spans(series)) / visible_s if visible_s > 0 else None


def nods(series: FeatureSeries) -> tuple[Span, ...]:
    """Find nods: three swings and more of the pitch, each of three degrees and more within half a second.

    Args:
        series: The series.

    Returns:
        The nods, with their largest swing in degrees; none below 15 frames a second.
    """
    return _gestures(series, "pitch_deg", "yaw_deg")


def shakes(series: FeatureSeries) -> tuple[Span, ...]:
    """Find shakes of the head: as nods, of the yaw.

    Args:
        series: The series.

    Returns:
        The shakes, with their largest swing in degrees; none below 15 frames a second.
    """
    return _gestures(series, "yaw_deg", "pitch_deg")


def _gestures(series: FeatureSeries, along: str, cross: str) -> tuple[Span, ...]:
    if not has_rate(series, LEAST_RATE_HZ):
        return ()
    time_s = row_times(series)
    angle, across = column(series, along), column(series, cross)
    visible = np.asarray(np.isfinite(angle) & np.isfinite(across))
    gestures: list[Span] = []
    for first, last in stretches(visible, time_s, LONGEST_QUICK_STEP_S):
        inside = slice(first, last + 1)
        gestures += _gestures_of(angle[inside], across[inside], time_s[inside])
    return tuple(gestures)


def _gestures_of(angle: FloatArray, across: FloatArray, time_s: TimeArray) -> list[Span]:
    """Join quick swings that follow each other at once to nods or shakes."""
    swings = [_swing(angle, across, time_s, start, end) for start, end in pairwise(_turning_rows(angle).tolist())]
    gestures: list[list[_Swing]] = [[]]
    for swing in swings:
        row = gestures[-1]
        if row and (not swing.is_quick or swing.begin_s - row[-1].end_s > LONGEST_HOLD_S):
            row = []
            gestures.append(row)
        if swing.is_quick:
            row.append(swing)
    return [
        Span(row[0].begin_s, row[-1].end_s, max(swing.size for swing in row), False)
        for row in gestures
        if len(row) >= LEAST_SWINGS
    ]


def _swing(angle: FloatArray, across: FloatArray, time_s: TimeArray, start: int, end: int) -> _Swing:
    inside = slice(start, end + 1)
    size = abs(float(angle[end] - angle[start]))
    done = np.abs(angle[inside] - angle[start]) / size
    begin = start + int(np.flatnonzero(done <= _END)[-1])
    stop = begin + int(np.flatnonzero(done[begin - start :] >= 1 - _END)[0])
    aside = float(np.ptp(across[begin : stop + 1]))
    straight = aside <= ACROSS * abs(float(angle[stop] - angle[begin]))
    is_quick = straight and time_s[stop] - time_s[begin] <= LONGEST_SWING_S
    return _Swing(float(time_s[begin]), float(time_s[stop]), size, bool(is_quick))


def _turning_rows(angle: FloatArray) -> npt.NDArray[np.int64]:
    """Return the rows at which an angle turns back by `SWING_DEG` and more, highest and lowest in turn."""
    turns: list[int] = []
    high = low = 0
    rising: bool | None = None
    for row, value in enumerate(angle.tolist()):
        high = row if value > angle[high] else high
        low = row if value < angle[low] else low
        if rising is not False and angle[high] - value >= SWING_DEG:
            turns.append(high)
            rising, low = False, row
        elif rising is not True and value - angle[low] >= SWING_DEG:
            turns.append(low)
            rising, high = True, row
    if rising is not None:
        turns.append(high if rising else low)
    return np.asarray(turns, np.int64)
