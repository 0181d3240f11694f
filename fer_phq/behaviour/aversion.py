"""Looking down and away: spans in which the gaze, or the head where the gaze is not seen, leaves its usual place.

Depressed people look down more and meet the eyes of others less (Waxer, 1974, J Abnorm Psychol 83:319-322; Scherer et
al., 2014, Image Vis Comput 32:648-658). A look is taken to be at somebody within about five degrees of them (Gamer and
Hecht, 2007, J Exp Psychol Hum Percept Perform 33:705-715); twenty degrees are that and what a measured gaze may be off.

Nobody says where camera, screen and other people are. So the usual place is the person's own: the median to the sides,
and the upper quartile up and down, over the time. Whoever looks aside for more than half of it, or down for more than
three quarters, is taken to look ahead there.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fer_phq.behaviour.columns import (
    column,
    percentiles_over_time,
    row_durations,
    row_times,
    seen_durations,
    watched_seconds,
)
from fer_phq.behaviour.spans import Span, spans_above
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries

ENTER_DEG = 20.0
"""Degrees from the usual place that a look down or away reaches."""
LEAVE_DEG = 15.0
"""Degrees beyond which it lasts."""
LEAST_S = 1.0
"""Seconds that it lasts at least: shorter ones are glances."""
LEAST_GAZE_SHARE = 0.5
"""Share of the time with a seen head pose in which the gaze must be seen for its usual place to be known."""
PITCH_PERCENTILE = 75.0
YAW_PERCENTILE = 50.0
_LARGEST_GAP_S = 0.5  # without gaze, as in a blink, over which it is interpolated


def downward_spans(series: FeatureSeries) -> tuple[Span, ...]:
    """Find the spans of a second and more in which the person looks down.

    Args:
        series: The behaviour series.

    Returns:
        The spans; their `peak` is how far down, in degrees.
    """
    below = -_deviation(series, "pitch_deg", PITCH_PERCENTILE)
    return spans_above(below, row_times(series), enter=ENTER_DEG, leave=LEAVE_DEG, least_s=LEAST_S)


def averted_spans(series: FeatureSeries) -> tuple[Span, ...]:
    """Find the spans of a second and more in which the person looks to one side.

    Args:
        series: The behaviour series.

    Returns:
        The spans; their `peak` is how far, in degrees.
    """
    aside = np.abs(_deviation(series, "yaw_deg", YAW_PERCENTILE))
    return spans_above(aside, row_times(series), enter=ENTER_DEG, leave=LEAVE_DEG, least_s=LEAST_S)


def span_share(series: FeatureSeries, spans: tuple[Span, ...]) -> float | None:
    """Compute the share of the time with a seen gaze or head pose that spans take.

    Args:
        series: The behaviour series.
        spans: Of `downward_spans` or `averted_spans`.

    Returns:
        0 to 1; None where rows lie too far apart for a span.
    """
    visible_s = watched_seconds(series, np.isfinite(column(series, "pitch_deg")), least_s=LEAST_S)
    return min(1.0, sum(span.duration_s for span in spans) / visible_s) if visible_s > 0 else None


def gaze_share(series: FeatureSeries) -> float | None:
    """Compute the share of the time with a seen head pose in which the gaze is seen, too.

    Args:
        series: The behaviour series.

    Returns:
        0 to 1; None where no head pose was seen.
    """
    head_s = _visible_s(series, "pitch_deg")
    return min(1.0, _visible_s(series, "gaze_pitch_deg") / head_s) if head_s > 0 else None


def is_of_gaze(share: float) -> bool:
    """Return whether looks are told by the gaze, with the head where it is missing, or by the head alone.

    Args:
        share: Of `gaze_share`.
    """
    return share >= LEAST_GAZE_SHARE


def _deviation(series: FeatureSeries, angle: str, percentile: float) -> FloatArray:
    """Return degrees from the usual place: of the gaze, where it is missing of the head; NaN without either.

    Of a gaze that is seldom seen, as behind glasses that mirror, the usual place is not known: then the head counts.
    """
    head = _from_usual(series, angle, percentile)
    share = gaze_share(series)
    if share is None or not is_of_gaze(share):
        return head
    gaze = _bridge(_from_usual(series, f"gaze_{angle}", percentile), row_times(series))
    return np.where(np.isfinite(head) & np.isfinite(gaze), gaze, head)


def _visible_s(series: FeatureSeries, name: str) -> float:
    return float(row_durations(series)[np.isfinite(column(series, name))].sum())


def _from_usual(series: FeatureSeries, angle: str, percentile: float) -> FloatArray:
    values = column(series, angle)
    (usual,) = percentiles_over_time(values, seen_durations(series), (percentile,))
    return values - np.float32(usual)


def _bridge(values: FloatArray, time_s: TimeArray) -> FloatArray:
    """Interpolate across short gaps."""
    places = np.flatnonzero(np.isfinite(values))
    bridged = values.copy()
    for before, after in pairwise(places.tolist()):
        if after - before > 1 and time_s[after] - time_s[before] <= _LARGEST_GAP_S:
            inside = slice(before + 1, after)
            bridged[inside] = np.interp(time_s[inside], time_s[[before, after]], values[[before, after]])
    return bridged
