"""Measures of a behaviour series: integrals over the time in which the face was followed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour import messages
from fer_phq.behaviour.blinks import LEAST_RATE_HZ, LONGEST_BLINK_S, Blink, closed_seconds, detect_closures
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message

TURN_S = 0.5
"""Seconds over which a head's turning is measured: over a single frame it would be the mesh's own trembling."""
_RATE_TOLERANCE = 0.98  # 14.99 frames a second are fifteen
NEUTRAL_QUANTILE = 10.0
"""Percentile of a blendshape that is taken for the person's own face at rest."""

UNITS: Mapping[str, str] = {
    "pitch_mean_deg": "degrees; positive looks up",
    "yaw_mean_deg": "degrees; positive turns to the person's left",
    "roll_mean_deg": "degrees; positive tilts to the right shoulder",
    "pitch_sd_deg": "degrees",
    "yaw_sd_deg": "degrees",
    "roll_sd_deg": "degrees",
    "head_speed_deg_s": "degrees a second, over half seconds",
    "eye_open_mean": "lid distance over the eye's width",
    "mouth_open_mean": "lip distance over the distance between the eyes' outer corners",
    "smile_mean": "blendshapes mouthSmile, mean of both sides, above the person's own face at rest",
    "eyes_closed_share": "share of the time in which the eyes were seen",
    "blink_rate_per_min": "blinks a minute in which the eyes were seen",
    "blink_duration_s": "seconds from onset to offset, median",
}
"""Measures in their order, with units."""


def column(series: FeatureSeries, name: str) -> FloatArray:
    """Return a column of a behaviour series, (n,) float32.

    Args:
        series: The series.
        name: The column's name.
    """
    values: FloatArray = series.values[:, series.names.index(name)]
    return values


def coverage(series: FeatureSeries, recording_s: float) -> float:
    """Compute the share of a recording in which the face mesh was followed, 0 to 1.

    Args:
        series: The series.
        recording_s: The recording's duration in seconds.
    """
    seen = np.isfinite(column(series, "presence"))
    return min(1.0, float(_durations(series)[seen].sum()) / recording_s) if recording_s > 0 else 0.0


def closures(series: FeatureSeries) -> list[Blink]:
    """Find the closures of the eyes, blinks and longer ones; none below 15 frames a second.

    Args:
        series: The series.
    """
    if not can_see_blinks(series):
        return []
    return detect_closures(_mean_of_sides(series, "eye_open_left", "eye_open_right"), _times(series))


def can_see_blinks(series: FeatureSeries) -> bool:
    """Return whether a series has enough frames a second for blinks.

    Args:
        series: The series.
    """
    return true_rate_hz(series) >= LEAST_RATE_HZ * _RATE_TOLERANCE


def true_rate_hz(series: FeatureSeries) -> float:
    """Compute how often a second the face was looked at, by the rows' times: a recording may have fewer frames.

    Args:
        series: The series.
    """
    steps = np.diff(_times(series))
    return 1 / max(float(np.median(steps)), 1e-6) if len(steps) else 0.0


def behaviour_warnings(series: FeatureSeries) -> tuple[Message, ...]:
    """Return what a behaviour series cannot say.

    Args:
        series: The series.
    """
    if not len(series) or can_see_blinks(series):
        return ()
    return (messages.TOO_SLOW_FOR_BLINKS(rate=true_rate_hz(series), least=LEAST_RATE_HZ),)


def behaviour_measures(series: FeatureSeries) -> dict[str, float | None]:
    """Compute the measures of a behaviour series, None where nothing can be said.

    Args:
        series: The series.
    """
    measures: dict[str, float | None] = dict.fromkeys(UNITS)
    durations = _durations(series)
    for angle in ("pitch", "yaw", "roll"):
        mean, deviation = _moments(column(series, f"{angle}_deg"), durations)
        measures[f"{angle}_mean_deg"] = mean
        measures[f"{angle}_sd_deg"] = deviation
    measures["head_speed_deg_s"] = _head_speed(series)
    openness = _mean_of_sides(series, "eye_open_left", "eye_open_right")
    measures["eye_open_mean"], _ = _moments(openness, durations)
    measures["mouth_open_mean"], _ = _moments(column(series, "mouth_open"), durations)
    smile = _mean_of_sides(series, "mouthSmileLeft", "mouthSmileRight")
    if np.isfinite(smile).any():
        measures["smile_mean"], _ = _moments(smile - np.nanpercentile(smile, NEUTRAL_QUANTILE), durations)
    seen_s = float(durations[np.isfinite(openness)].sum())
    if seen_s > 0 and can_see_blinks(series):
        blinks = [closure for closure in closures(series) if closure.duration_s <= LONGEST_BLINK_S]
        measures["eyes_closed_share"] = closed_seconds(openness, _times(series)) / seen_s
        measures["blink_rate_per_min"] = 60 * len(blinks) / seen_s
        measures["blink_duration_s"] = float(np.median([blink.duration_s for blink in blinks])) if blinks else None
    return measures


def _times(series: FeatureSeries) -> TimeArray:
    return np.zeros(0) if series.time_s is None else series.time_s


def _durations(series: FeatureSeries) -> TimeArray:
    return np.zeros(len(series)) if series.duration_s is None else series.duration_s


def _mean_of_sides(series: FeatureSeries, left: str, right: str) -> FloatArray:
    mean: FloatArray = np.mean([column(series, left), column(series, right)], axis=0, dtype=np.float32)
    return mean


def _moments(values: FloatArray, durations: TimeArray) -> tuple[float | None, float | None]:
    """Return mean and standard deviation over time."""
    seen = np.isfinite(values)
    weights = durations[seen]
    if not weights.sum() > 0:
        return None, None
    mean = float(np.average(values[seen], weights=weights))
    return mean, float(np.sqrt(np.average((values[seen] - mean) ** 2, weights=weights)))


def _head_speed(series: FeatureSeries) -> float | None:
    """Return the mean turn of the head over half seconds, in degrees a second; times between rows are interpolated."""
    time_s = _times(series)
    angles = np.stack([column(series, f"{name}_deg") for name in ("pitch", "yaw", "roll")], axis=1)
    seen: npt.NDArray[np.bool_] = np.asarray(np.isfinite(angles).all(axis=1))
    speeds = []
    for first, last in _stretches(seen, time_s):
        grid = np.arange(time_s[first], time_s[last] + 1e-9, TURN_S)
        if len(grid) < 2:
            continue
        inside = slice(first, last + 1)
        at_grid = np.stack([np.interp(grid, time_s[inside], angles[inside, axis]) for axis in range(3)], axis=1)
        speeds.append(np.linalg.norm(np.diff(at_grid, axis=0), axis=1) / TURN_S)
    return float(np.mean(np.concatenate(speeds))) if speeds else None


def _stretches(seen: npt.NDArray[np.bool_], time_s: TimeArray) -> list[tuple[int, int]]:
    """Return first and last index of each stretch of rows that are seen and at most half a second apart."""
    places = np.flatnonzero(seen)
    if not len(places):
        return []
    breaks = (np.diff(places) > 1) | (np.diff(time_s[places]) > TURN_S + 1e-6)
    return list(zip(np.r_[places[0], places[1:][breaks]], np.r_[places[:-1][breaks], places[-1]], strict=True))
