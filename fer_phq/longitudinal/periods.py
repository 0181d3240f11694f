"""One person's sessions over time: runs without a long gap, and the comparison of two periods.

The comparison describes; it is no test. The sessions of one person are few and depend on each other, and many measures
are compared at once, so that a p-value would promise what it cannot keep.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

GAP_FACTOR = 3.0
"""A step between sessions that is longer than this many median steps is a gap ..."""
GAP_DAYS = 14.0
"""... if it is longer than this many days as well."""

SAME_RATE = 0.05
"""Share by which two numbers of frames a second may differ and still be one: cameras do not keep theirs exactly."""

MIN_SESSIONS = 3
"""Sessions that each period needs before their spread is computed."""


class Verdict(StrEnum):
    """How a difference between two periods compares with the spread of sessions within a period."""

    NOTHING = "nothing"
    TOO_FEW = "too few sessions"
    WITHIN = "within the usual spread"
    BEYOND = "beyond the usual spread"


@dataclass(frozen=True)
class PeriodComparison:
    """One measure in two periods; NaN where it cannot be computed.

    Attributes:
        sessions_before: Measured sessions of the earlier period.
        sessions_after: Measured sessions of the later period.
        mean_before: Mean of the earlier period, in the measure's unit.
        mean_after: Mean of the later period.
        spread: Standard deviation of the sessions within a period, pooled over both.
    """

    sessions_before: int
    sessions_after: int
    mean_before: float
    mean_after: float
    spread: float

    @property
    def difference(self) -> float:
        """The later mean minus the earlier one."""
        return self.mean_after - self.mean_before

    @property
    def verdict(self) -> Verdict:
        """Whether the difference is larger than the spread."""
        if not self.sessions_before or not self.sessions_after:
            return Verdict.NOTHING
        if not math.isfinite(self.spread):
            return Verdict.TOO_FEW
        return Verdict.BEYOND if abs(self.difference) > self.spread else Verdict.WITHIN


def longest_step_days(recorded_at: Sequence[datetime]) -> float:
    """Compute the longest step between two sessions that is no gap: three median steps, and two weeks at least.

    Of an even number of steps the lower median counts: of a short and a long step the short one is the usual.

    Args:
        recorded_at: When each session was recorded, ascending.

    Returns:
        Days.
    """
    days = _steps_days(recorded_at)
    median = float(np.sort(days)[(len(days) - 1) // 2]) if len(days) else 0.0
    return max(GAP_FACTOR * median, GAP_DAYS)


def session_runs(recorded_at: Sequence[datetime], model_ids: Sequence[object]) -> npt.NDArray[np.int64]:
    """Number the runs of sessions that one line may join.

    A run ends at a gap in time and where the model changes: the values of two models are not one series.

    Args:
        recorded_at: (n,) when each session was recorded, ascending.
        model_ids: (n,) what measured each.

    Returns:
        (n,) int64 number of each session's run, from 0, ascending.

    Raises:
        ValueError: The lengths differ.
    """
    if len(recorded_at) != len(model_ids):
        raise ValueError(f"{len(recorded_at)} times stand beside {len(model_ids)} models.")
    if not len(recorded_at):
        return np.zeros(0, np.int64)
    model_changes = np.array([model != next_model for model, next_model in itertools.pairwise(model_ids)], dtype=bool)
    ends = (_steps_days(recorded_at) > longest_step_days(recorded_at)) | model_changes
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)


def rate_runs(rates_hz: Sequence[float]) -> npt.NDArray[np.int64]:
    """Number the runs of sessions that were looked at equally often a second, as often as the first of their run.

    Args:
        rates_hz: (n,) frames a second of each session; NaN where nothing was looked at, which belongs to any run.

    Returns:
        (n,) int64 number of each session's run, from 0, ascending.
    """
    runs = np.zeros(len(rates_hz), np.int64)
    first_hz = math.nan
    for i, rate_hz in enumerate(rates_hz):
        runs[i] = runs[i - 1] if i else 0
        if math.isfinite(rate_hz) and not _is_same_rate(first_hz, rate_hz):
            runs[i] += math.isfinite(first_hz)
            first_hz = rate_hz
    return runs


def kind_runs(kinds: Iterable[Hashable | None]) -> list[int]:
    """Number the runs of sessions of one kind; one of no kind belongs to any run.

    Args:
        kinds: What each session is of; None for nothing.

    Returns:
        The number of each session's run, from 0, ascending.
    """
    runs: list[int] = []
    last: Hashable | None = None
    for kind in kinds:
        changes = last is not None and kind is not None and kind != last
        runs.append((runs[-1] if runs else 0) + changes)
        last = last if kind is None else kind
    return runs


def distinct_rates(rates_hz: Sequence[float]) -> tuple[float, ...]:
    """List the frames a second that are not the same, ascending.

    Args:
        rates_hz: Frames a second; NaN counts for none.
    """
    distinct: list[float] = []
    for rate_hz in sorted(rate for rate in rates_hz if math.isfinite(rate)):
        if not distinct or not _is_same_rate(distinct[-1], rate_hz):
            distinct.append(rate_hz)
    return tuple(distinct)


def compare_periods(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> PeriodComparison:
    """Compare one measure in two periods.

    Args:
        before: (n,) values of the earlier period's sessions, NaN where not measured.
        after: (m,) values of the later period's sessions.
    """
    before = before[np.isfinite(before)]
    after = after[np.isfinite(after)]
    spread = math.nan
    if min(len(before), len(after)) >= MIN_SESSIONS:
        squares = len(before) * before.var() + len(after) * after.var()
        spread = math.sqrt(float(squares) / (len(before) + len(after) - 2))
    return PeriodComparison(len(before), len(after), _mean(before), _mean(after), spread)


def _is_same_rate(first_hz: float, second_hz: float) -> bool:
    return abs(first_hz - second_hz) <= SAME_RATE * max(first_hz, second_hz)


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _steps_days(recorded_at: Sequence[datetime]) -> npt.NDArray[np.float64]:
    """Return the days between neighbouring sessions, (n - 1,)."""
    steps = [later - earlier for earlier, later in itertools.pairwise(recorded_at)]
    return np.array([step.total_seconds() / 86_400 for step in steps], np.float64)
