"""Spans of a behaviour series: stretches of time in which the head is still or the mouth smiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_phq.behaviour.columns import LONGEST_STEP_S
from fer_phq.core.arrays import FloatArray, TimeArray

_SHORTEST_PAUSE_S = 0.25  # below the lower threshold, that ends a span


@dataclass(frozen=True)
class Span:
    """A stretch of time.

    Attributes:
        onset_s: Its beginning, in seconds from the recording's start.
        offset_s: Its end.
        peak: The highest value in it.
        cut: Whether what is not seen, or the recording's start or end, cuts it short: it may have lasted longer.
    """

    onset_s: float
    offset_s: float
    peak: float
    cut: bool

    @property
    def duration_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s


def spans_above(
    values: FloatArray, time_s: TimeArray, *, enter: float, leave: float, least_s: float
) -> tuple[Span, ...]:
    """Find the spans in which a value rises above `leave` on its way to at least `enter`.

    Two thresholds keep one span that flickers around either of them from becoming many, and neither do less than a
    quarter of a second below them end one. Between two rows the value is taken to change linearly.

    Args:
        values: (n,), NaN where missing, which ends every span.
        time_s: (n,) seconds, increasing.
        enter: Value that a span reaches, at least `leave`.
        leave: Value at or above which it lasts.
        least_s: Seconds that it lasts at least.
    """
    with np.errstate(invalid="ignore"):
        places = np.flatnonzero(values >= leave)
    if not len(places):
        return ()
    missing = np.cumsum(~np.isfinite(values))
    steps_s = np.diff(time_s[places])
    breaks = ((np.diff(places) > 1) & ((steps_s > _SHORTEST_PAUSE_S) | (np.diff(missing[places]) > 0))) | (
        steps_s > LONGEST_STEP_S
    )
    spans = []
    for first, last in zip(np.r_[places[0], places[1:][breaks]], np.r_[places[:-1][breaks], places[-1]], strict=True):
        onset_s, cut_before = crossing(values, time_s, int(first), -1, leave)
        offset_s, cut_after = crossing(values, time_s, int(last), 1, leave)
        span = Span(onset_s, offset_s, float(values[first : last + 1].max()), cut_before or cut_after)
        if span.peak >= enter and span.duration_s >= least_s:
            spans.append(span)
    return tuple(spans)


def crossing(
    values: FloatArray,
    time_s: TimeArray,
    inner: int,
    direction: int,
    level: float,
    longest_s: float = LONGEST_STEP_S,
) -> tuple[float, bool]:
    """Return when a value crosses a level beside a row, and whether that is not seen: then it is the row's own time.

    Args:
        values: (n,), NaN where missing.
        time_s: (n,) seconds, increasing.
        inner: The row, at or above the level; the one beside it is below.
        direction: -1 for before the row, 1 for after it.
        level: The level.
        longest_s: Seconds to the row beside it, at most.
    """
    outer = inner + direction
    is_missing = not 0 <= outer < len(values) or not np.isfinite(values[outer])
    if is_missing or abs(time_s[outer] - time_s[inner]) > longest_s:
        return float(time_s[inner]), True
    share = (values[inner] - level) / max(values[inner] - values[outer], 1e-9)
    return float(time_s[inner] + share * (time_s[outer] - time_s[inner])), False
