"""Gaps in time, and two periods side by side."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fer_phq.longitudinal.periods import (
    Verdict,
    compare_periods,
    distinct_rates,
    longest_step_days,
    rate_runs,
    session_runs,
)

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(*days: float) -> list[datetime]:
    return [START + timedelta(days=day) for day in days]


def test_a_line_is_broken_at_a_gap() -> None:
    weekly = at(0, 7, 14, 21, 60, 67)
    assert session_runs(weekly, ["m"] * 6).tolist() == [0, 0, 0, 0, 1, 1]
    assert longest_step_days(weekly) == 21
    just = at(0, 7, 14, 35)  # three times the usual distance is not longer than it
    assert session_runs(just, ["m"] * 4).tolist() == [0, 0, 0, 0]


def test_two_weeks_are_no_gap_however_close_the_others() -> None:
    daily = at(0, 1, 2, 3, 16, 31)
    assert session_runs(daily, ["m"] * 6).tolist() == [0, 0, 0, 0, 0, 1]


def test_of_two_distances_the_shorter_is_usual() -> None:
    assert session_runs(at(0, 7, 100), ["m"] * 3).tolist() == [0, 0, 1]
    assert session_runs(at(0, 300), ["m"] * 2).tolist() == [0, 0], "a single distance is the usual one"


def test_another_model_begins_another_line() -> None:
    assert session_runs(at(0, 7, 14, 21), ["a", "a", "b", "a"]).tolist() == [0, 0, 1, 2]


def test_one_session_or_none() -> None:
    assert session_runs(at(0), ["m"]).tolist() == [0]
    assert session_runs([], []).tolist() == []
    with pytest.raises(ValueError, match="stand beside"):
        session_runs(at(0, 1), ["m"])


def test_two_periods_are_compared() -> None:
    found = compare_periods(np.array([1.0, 2.0, 3.0, math.nan]), np.array([5.0, 6.0, 7.0, 8.0]))
    assert (found.sessions_before, found.sessions_after) == (3, 4)
    assert (found.mean_before, found.mean_after) == (2.0, 6.5)
    assert found.difference == 4.5
    # Sums of squares 2 and 5, with 3 + 4 - 2 degrees of freedom.
    assert found.spread == pytest.approx(math.sqrt(7 / 5))
    assert found.verdict is Verdict.BEYOND
    assert compare_periods(np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 3.5])).verdict is Verdict.WITHIN


@pytest.mark.parametrize("before", [[1.0], [1.0, 2.0]])
def test_few_sessions_have_a_difference_and_no_more(before: list[float]) -> None:
    found = compare_periods(np.array(before), np.array([9.0, 9.1, 9.2, 9.3]))
    assert found.difference > 7
    assert math.isnan(found.spread)
    assert found.verdict is Verdict.TOO_FEW


def test_a_period_without_sessions() -> None:
    found = compare_periods(np.array([math.nan]), np.array([1.0, 2.0, 3.0]))
    assert (found.sessions_before, found.verdict) == (0, Verdict.NOTHING)
    assert math.isnan(found.difference)


def test_runs_of_rates_end_where_the_rate_does() -> None:
    nan = float("nan")
    assert rate_runs([30, 29.97, 25, 25, nan, 25.01, 10]).tolist() == [0, 0, 1, 1, 1, 1, 2]
    assert rate_runs([nan, 30, nan, 15]).tolist() == [0, 0, 0, 1]
    assert rate_runs([]).tolist() == []


def test_rates_that_creep_do_not_stay_in_one_run() -> None:
    """Each is near the one before it, and the last a quarter more than the first."""
    assert rate_runs([24, 25, 26, 27, 28, 29, 30]).tolist() == [0, 0, 1, 1, 2, 2, 3]


def test_rates_of_a_camera_that_does_not_keep_its_own_are_one() -> None:
    assert distinct_rates([30, 29.4, float("nan"), 15, 14.9]) == (14.9, 29.4)
    assert distinct_rates([]) == ()
