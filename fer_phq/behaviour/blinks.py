"""Blinks and closed eyes, from how far the lids are apart over time.

A person's own open eye is the scale: the upper quartile of the openness over the ten seconds around a moment. A blink
is a closure by more than half that lasts at most half a second (Stern, Walrath and Goldstein, 1984, Psychophysiology
21(1): 0.1 to 0.4 s); what lasts longer is eyes closed. It lasts from the first to the last tenth of its own depth, seen
from the lids just before and just after it: a smile narrows the eyes for seconds, and a blink in it is still a blink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_phq.behaviour.columns import LONGEST_QUICK_STEP_S, stretches
from fer_phq.behaviour.spans import crossing
from fer_phq.core.arrays import FloatArray, TimeArray

LEAST_RATE_HZ = 15.0
"""Frames a second below which a blink may fall between two frames."""

OPEN_QUANTILE = 75.0
WINDOW_S = 10.0
LEAST_OPEN = 0.15
"""Openness that an open eye has at least: eyes that are closed throughout are not taken for open ones."""
OPEN_SHARE = 0.6
"""Share of the recording's widest eyes (ninth decile) that open eyes have at any time: who closes them for a minute has
no other eyes in ten seconds to be compared with."""
CLOSING = 0.1
"""Share of a closure's depth from which a lid is on its way."""
BLINK = 0.5
"""Closure that a blink reaches."""
COMPLETE = 0.75
"""Closure from which a blink is complete: what is left of the gap then is the lids' own thickness."""
LONGEST_BLINK_S = 0.5
_ASIDE_S = 0.25  # before and after a closure by more than half, in which the lids are seen beside it


@dataclass(frozen=True)
class Blink:
    """A blink, or a longer time of closed eyes.

    Attributes:
        onset_s: When the lids begin to close.
        closed_s: When they are closed.
        reopened_s: When they begin to open.
        offset_s: When they are open again.
        complete: Whether they met.
    """

    onset_s: float
    closed_s: float
    reopened_s: float
    offset_s: float
    complete: bool

    @property
    def duration_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s


def eye_closure(openness: FloatArray, time_s: TimeArray) -> FloatArray:
    """Compute how far eyes are closed, against the person's own open eyes around each moment.

    Args:
        openness: (n,) mean of both eyes, NaN where it is missing.
        time_s: (n,) seconds, increasing.

    Returns:
        (n,) float32: 0 open, about 1 closed; NaN where it is missing.
    """
    seen = np.isfinite(openness)
    closure = np.full(len(openness), np.nan, np.float32)
    if seen.sum() < 2:
        return closure
    from scipy.ndimage import percentile_filter  # which pages without a blink need not wait for

    values = openness[seen].astype(np.float64)
    step_s = float(np.median(np.diff(time_s[seen])))
    width = max(3, min(len(values), round(WINDOW_S / max(step_s, 1e-3))))
    around = percentile_filter(values, OPEN_QUANTILE, size=width, mode="nearest")
    open_level = np.maximum(around, max(LEAST_OPEN, OPEN_SHARE * float(np.quantile(values, 0.9))))
    closure[seen] = 1 - values / open_level
    return closure


def detect_closures(closure: FloatArray, time_s: TimeArray) -> list[Blink]:
    """Find all closures of the eyes by more than half.

    Args:
        closure: (n,) of `eye_closure`.
        time_s: (n,) seconds, increasing.
    """
    closures = []
    for first, last in stretches(closure > BLINK, time_s, LONGEST_QUICK_STEP_S):
        depth = float(closure[first : last + 1].max())
        closed_s, reopened_s = _closed_span(closure, time_s, first, last)
        onset, opening = _edge(closure, time_s, first, -1, depth), _edge(closure, time_s, last, 1, depth)
        if onset is None or opening is None:
            continue
        closures.append(Blink(onset, closed_s, reopened_s, opening, depth >= COMPLETE))
    return closures


def closed_seconds(closure: FloatArray, time_s: TimeArray) -> float:
    """Compute for how long eyes were closed, those included of which the beginning or the end was not seen.

    Args:
        closure: (n,) of `eye_closure`.
        time_s: (n,) seconds, increasing.
    """
    runs = stretches(closure > BLINK, time_s, LONGEST_QUICK_STEP_S)
    spans = (_closed_span(closure, time_s, first, last) for first, last in runs)
    return sum(reopened_s - closed_s for closed_s, reopened_s in spans)


def _closed_span(closure: FloatArray, time_s: TimeArray, first: int, last: int) -> tuple[float, float]:
    """Return first and last moment halfway between half closed and the deepest closure of a run of rows.

    They lie between rows: from row to row, lids that are closed for three frames would be so for two steps of time.
    """
    level = (BLINK + float(closure[first : last + 1].max())) / 2
    deep = first + np.flatnonzero(closure[first : last + 1] >= level)
    closed_s, _ = crossing(closure, time_s, int(deep[0]), -1, level, LONGEST_QUICK_STEP_S)
    reopened_s, _ = crossing(closure, time_s, int(deep[-1]), 1, level, LONGEST_QUICK_STEP_S)
    return closed_s, reopened_s


def _edge(closure: FloatArray, time_s: TimeArray, index: int, direction: int, depth: float) -> float | None:
    """Return when a closure begins before or ends after a row; None where rows are missing there."""
    edge = int(np.searchsorted(time_s, time_s[index] + direction * _ASIDE_S, "right" if direction > 0 else "left"))
    aside = closure[index + 1 : edge] if direction > 0 else closure[edge:index]
    if not np.isfinite(aside).any():
        return None
    rest = float(np.nanmin(aside))
    level = rest + CLOSING * (depth - rest)
    inner = index
    while 0 <= inner + direction < len(closure) and closure[inner + direction] > level:
        if abs(time_s[inner + direction] - time_s[inner]) > LONGEST_QUICK_STEP_S:
            return None
        inner += direction
    edge_s, is_missing = crossing(closure, time_s, inner, direction, level, LONGEST_QUICK_STEP_S)
    return None if is_missing else edge_s
