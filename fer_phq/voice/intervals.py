"""Restricting a channel to the times at which the subject speaks."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from fer_phq.core.feature_series import FeatureSeries

Interval = tuple[float, float]
"""(start, end) in seconds from the recording's start; the end is not part of it."""


def only_during(channel: FeatureSeries, intervals: Iterable[Interval]) -> FeatureSeries:
    """The channel with every row outside the intervals set to NaN, so that nobody else's voice counts.

    intervals: the subject's utterances, by a transcript for example, in any order; they may overlap. A row belongs to
    an interval that holds its time (start <= time < end). Raises ValueError for a channel without times and for an
    interval that is not finite or ends before it starts.
    """
    if channel.time_s is None:
        raise ValueError("The channel has no times that intervals could be compared with.")
    spans = np.array(checked(intervals), np.float64).reshape(-1, 2)
    # A time lies in some interval where more intervals have started than ended.
    started = np.searchsorted(np.sort(spans[:, 0]), channel.time_s, side="right")
    ended = np.searchsorted(np.sort(spans[:, 1]), channel.time_s, side="right")
    values = np.where((started > ended)[:, None], channel.values, np.float32(np.nan))
    return FeatureSeries(values.astype(np.float32), channel.time_s, channel.kind, channel.names)


def checked(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals. Raises ValueError for one that is not finite or ends before it starts."""
    spans = [(float(start), float(end)) for start, end in intervals]
    for start, end in spans:
        if not (math.isfinite(start) and math.isfinite(end) and start <= end):
            raise ValueError(f"An interval needs a finite start and an end not before it, got {start:g} to {end:g} s.")
    return spans
