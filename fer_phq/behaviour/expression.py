"""Smiles, brows and facial activity, of blendshapes above the person's own face at rest.

A blendshape is a weight of a drawn face, 0 to 1; it is no action unit, and neither is a feeling. The face at rest is
the tenth percentile of a blendshape over the time of the recording: who smiles for nine tenths of it has none.
"""

from __future__ import annotations

import numpy as np

from fer_phq.behaviour.columns import (
    STEP_S,
    column,
    half_seconds,
    mean_of_sides,
    percentiles_over_time,
    row_durations,
    row_times,
    seen_durations,
    watched_seconds,
)
from fer_phq.behaviour.spans import Span, spans_above
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.mesh.points import BLENDSHAPES

NEUTRAL_QUANTILE = 10.0
"""Percentile of a blendshape that is taken for the person's own face at rest."""
SMILE_ENTER = 0.3
"""A smile reaches this much above the face at rest."""
SMILE_LEAVE = 0.15
"""A smile lasts while it is this much above the face at rest."""
LEAST_SMILE_S = 0.5
NARROWED = 0.1
"""`eyeSquint` above rest from which eyes are narrowed in a smile, as raised cheeks do."""
ACTIVE = tuple(name for name in BLENDSHAPES if name.startswith(("brow", "cheek", "jaw", "mouth", "nose")))
"""Blendshapes whose changes are facial activity: without the eyes, whose blinks and looks are measured apart."""


REST = ("mouthSmile", "eyeSquint", "browDown", "browInnerUp")
"""Blendshapes that are measured above the face at rest."""


def rest_levels(series: FeatureSeries) -> dict[str, float | None]:
    """Compute the face at rest: what blendshapes are in it, mean of both sides; None where they were not seen.

    Args:
        series: The series.

    Returns:
        0 to 1 by the names of `REST`.
    """
    levels: dict[str, float | None] = {}
    for name in REST:
        values = column(series, name) if name in series.names else mean_of_sides(series, name)
        (level,) = percentiles_over_time(values, seen_durations(series), (NEUTRAL_QUANTILE,))
        levels[name] = float(level) if np.isfinite(level) else None
    return levels


def above_rest(values: FloatArray, durations: TimeArray) -> FloatArray:
    """Subtract what a blendshape is in the face at rest.

    Args:
        values: (n,), NaN where missing.
        durations: (n,) seconds of `seen_durations`.
    """
    (rest,) = percentiles_over_time(values, durations, (NEUTRAL_QUANTILE,))
    return values - np.float32(rest)


def smile(series: FeatureSeries) -> FloatArray:
    """Return the smile of each row, (n,) 0 to 1: `mouthSmile`, mean of both sides, above the face at rest."""
    return above_rest(mean_of_sides(series, "mouthSmile"), seen_durations(series))


def smile_spans(series: FeatureSeries) -> tuple[Span, ...]:
    """Find smiles of half a second and more.

    Args:
        series: The series.

    Returns:
        The smiles; their `peak` is the strongest smile above the face at rest, 0 to 1.
    """
    return spans_above(smile(series), row_times(series), enter=SMILE_ENTER, leave=SMILE_LEAVE, least_s=LEAST_SMILE_S)


def smile_share(series: FeatureSeries) -> float | None:
    """Compute the share of the time with a seen mouth in which it smiles; None where rows lie too far apart to tell.

    Args:
        series: The series.
    """
    visible_s = watched_seconds(series, np.isfinite(smile(series)), least_s=LEAST_SMILE_S)
    return min(1.0, sum(span.duration_s for span in smile_spans(series)) / visible_s) if visible_s > 0 else None


def smile_duration(series: FeatureSeries) -> float | None:
    """Compute the median seconds of the smiles that were seen whole; None without any.

    Args:
        series: The series.
    """
    durations = [span.duration_s for span in smile_spans(series) if not span.cut]
    return float(np.median(durations)) if durations else None


def narrowed_smile_share(series: FeatureSeries) -> float | None:
    """Compute the share of the smiling time in which the eyes are narrowed; None without a smile.

    The network's own `cheekSquint` is always near 0, so that the lids stand for the cheeks below them.

    Args:
        series: The series.
    """
    time_s, durations = row_times(series), row_durations(series)
    smiling = np.zeros(len(series), bool)
    for span in smile_spans(series):
        smiling |= (time_s >= span.onset_s) & (time_s <= span.offset_s)
    squint = above_rest(mean_of_sides(series, "eyeSquint"), seen_durations(series))
    smiling &= np.isfinite(squint)
    smiling_s = float(durations[smiling].sum())
    narrowed = np.nan_to_num(squint) >= NARROWED
    return float(durations[smiling & narrowed].sum()) / smiling_s if smiling_s > 0 else None


def facial_activity(series: FeatureSeries) -> float | None:
    """Compute how much the blendshapes of brows, nose, cheeks, mouth and jaw change a second, on average over them.

    Args:
        series: The series.
    """
    steps = [activity for _, activity in activities(series)]
    return float(np.mean(np.concatenate(steps))) if steps else None


def activities(series: FeatureSeries) -> list[tuple[TimeArray, FloatArray]]:
    """Compute the facial activity over half seconds.

    Args:
        series: The series.

    Returns:
        Of each stretch the times, (m,) seconds, and the activity between them, (m - 1,) a second.
    """
    parts = half_seconds(series, ACTIVE)
    return [(grid, np.abs(np.diff(values, axis=0)).mean(axis=1) / STEP_S) for grid, values in parts]
