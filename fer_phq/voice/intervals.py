"""Restriction of a feature series to the times at which the subject speaks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fer_phq.core.feature_series import FeatureSeries

Interval = tuple[float, float]
"""(start, end) in seconds from the recording's start; the end is not part of it."""


def only_during(series: FeatureSeries, intervals: Iterable[Interval]) -> FeatureSeries:
    """Set every row outside of intervals to NaN, so that nobody else's voice counts.

    A row belongs to an interval that holds its time (start <= time < end).

    Args:
        series: A feature series with times.
        intervals: (start, end) of the subject's utterances in seconds, in any order; they may overlap.

    Returns:
        The series with as many rows as before.

    Raises:
        ValueError: The series has no times, or an interval is not finite or ends before it starts.
    """
    if series.time_s is None:
        raise ValueError("The feature series has no times that intervals could be compared with.")
    spans = np.array(check_intervals(intervals), np.float64).reshape(-1, 2)
    # A time lies in some interval where more intervals have started than ended.
    started = np.searchsorted(np.sort(spans[:, 0]), series.time_s, side="right")
    ended = np.searchsorted(np.sort(spans[:, 1]), series.time_s, side="right")
    values = np.where((started > ended)[:, None], series.values, np.float32(np.nan))
    return replace(series, values=values.astype(np.float32))


def check_intervals(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals as a list.

    Raises:
        ValueError: One is not finite or ends before it starts.
    """
    spans = [(float(start), float(end)) for start, end in intervals]
    for start, end in spans:
        if not (math.isfinite(start) and math.isfinite(end) and start <= end):
            raise ValueError(f"An interval needs a finite start and an end not before it, got {start:g} to {end:g} s.")
    return spans
