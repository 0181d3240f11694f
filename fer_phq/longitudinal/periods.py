"""One person's sessions over time: where a line through them must be broken, and how two periods compare.

What is said of two periods is a description, not a test: the sessions of one person are few and follow each other, and
many measures are looked at together, so that a p-value would promise what it cannot keep.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

GAP_FACTOR = 3.0
"""A distance between sessions of more than so many usual ones (their median) is a gap in time ..."""
GAP_DAYS = 14.0
"""... if it is longer than this as well."""

MIN_SESSIONS = 3
"""With fewer sessions in a period nothing is said of how much the sessions of a period differ among themselves."""


class Verdict(StrEnum):
    """What may be said of a difference between two periods."""

    NOTHING = "nothing"
    TOO_FEW = "too few sessions"
    WITHIN = "within the usual spread"
    BEYOND = "beyond the usual spread"


@dataclass(frozen=True)
class PeriodComparison:
    """One measure in two periods; NaN for what cannot be said.

    before, after: how many sessions were measured; mean_before, mean_after: their means; difference: after minus
    before. spread: the standard deviation of sessions of one period, pooled over both, in the measure's unit.
    """

    before: int
    after: int
    mean_before: float
    mean_after: float
    spread: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.mean_after - self.mean_before

    @property
    def verdict(self) -> Verdict:
        """Whether the difference is larger than sessions of one period differ among themselves."""
        if not self.before or not self.after:
            return Verdict.NOTHING
        if not math.isfinite(self.spread):
            return Verdict.TOO_FEW
        return Verdict.BEYOND if abs(self.difference) > self.spread else Verdict.WITHIN


def longest_step_days(recorded_at: Sequence[datetime]) -> float:
    """Days up to which two sessions in a row belong together: three usual distances, and two weeks at least.

    The usual distance is the median, the lower one of two: of a short and a long distance the short one is usual.
    """
    days = _days(recorded_at)
    usual = float(np.sort(days)[(len(days) - 1) // 2]) if len(days) else 0.0
    return max(GAP_FACTOR * usual, GAP_DAYS)


def session_runs(recorded_at: Sequence[datetime], model_ids: Sequence[object]) -> npt.NDArray[np.int64]:
    """(n,) which stretch each session belongs to, from 0: at (n,) ascending, makers (n,) what measured each.

    A stretch ends at a gap in time and where another model measures: values of two models are not one series.
    """
    if len(recorded_at) != len(model_ids):
        raise ValueError(f"{len(recorded_at)} times stand beside {len(model_ids)} makers.")
    if not len(recorded_at):
        return np.zeros(0, np.int64)
    model_changes = np.array([model != next_model for model, next_model in itertools.pairwise(model_ids)], dtype=bool)
    ends = (_days(recorded_at) > longest_step_days(recorded_at)) | model_changes
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)


def compare_periods(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> PeriodComparison:
    """One measure in two periods: values (n,) and (m,) of their sessions, NaN where not measured."""
    before = before[np.isfinite(before)]
    after = after[np.isfinite(after)]
    spread = math.nan
    if min(len(before), len(after)) >= MIN_SESSIONS:
        squares = len(before) * before.var() + len(after) * after.var()
        spread = math.sqrt(float(squares) / (len(before) + len(after) - 2))
    return PeriodComparison(len(before), len(after), _mean(before), _mean(after), spread)


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _days(recorded_at: Sequence[datetime]) -> npt.NDArray[np.float64]:
    """(n - 1,) days between neighbours."""
    steps = [later - earlier for earlier, later in itertools.pairwise(recorded_at)]
    return np.array([step.total_seconds() / 86_400 for step in steps], np.float64)
