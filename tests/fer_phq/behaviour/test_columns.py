"""The rate of behaviour series whose frames lie unevenly, and percentiles over time."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.behaviour.columns import percentiles_over_time, seen_durations, true_rate_hz
from fer_phq.behaviour.measures import can_see_blinks
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations
from fer_phq.video.sampling import displayed_at_rate


def series(time_s, end_s=None):
    time_s = np.asarray(time_s, np.float64)
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    return behaviour_series(values, time_s, display_durations(time_s, end_s), 30.0)


def sampled(frames_hz, face_rate, seconds=60.0):
    """The rows of a recording of `frames_hz` that is followed at `face_rate`."""
    frames = ((number / frames_hz, None) for number in range(round(seconds * frames_hz)))
    return series([time_s for time_s, _ in displayed_at_rate(frames, face_rate, seconds)], seconds)


@pytest.mark.parametrize(
    ("frames_hz", "face_rate", "rate_hz", "blinks"),
    [
        (20, 14, 14, False),
        (20, 15, 15, True),
        (25, 15, 16, True),
        (30, 15, 16, True),
        (15, 15, 15, True),
        (29.97 / 2, 30, 14.985, True),
        (24, 20, 20, True),
        (30, 20, 20, True),
        (50, 30, 30, True),
        (25, 14, 14, False),
        (5, 30, 5, False),
    ],
)
def test_the_rate_is_that_of_the_rows_and_not_of_a_step(frames_hz, face_rate, rate_hz, blinks):
    rows = sampled(frames_hz, face_rate)
    assert true_rate_hz(rows) == pytest.approx(rate_hz, rel=0.005)
    assert len(rows) / 60 == pytest.approx(rate_hz, rel=0.005)
    assert can_see_blinks(rows) == blinks


def test_gaps_and_doubled_times_are_no_part_of_the_rate():
    steady = np.arange(600) / 20
    assert true_rate_hz(series(np.r_[steady, steady + 100])) == pytest.approx(20)
    assert true_rate_hz(series(np.repeat(steady, 2))) == pytest.approx(20)
    assert true_rate_hz(series(np.arange(30) * 2.0)) == pytest.approx(0.5), "of a slow one the steps are no gaps"
    assert true_rate_hz(series(np.r_[np.arange(100) * 2.0, 900])) == pytest.approx(0.5)


def test_a_rate_that_falls_is_the_mean_of_it():
    falling = series(np.r_[np.arange(0, 60, 1 / 30), np.arange(60, 160, 1 / 5)])
    assert true_rate_hz(falling) == pytest.approx(2300 / 160, rel=0.005)
    assert not can_see_blinks(falling)


@pytest.mark.parametrize(("time_s", "end_s", "rate_hz"), [([], None, 0), ([0.0], 30.0, 1 / 30), ([0.0], 0.04, 1)])
def test_few_rows_have_no_high_rate(time_s, end_s, rate_hz):
    assert true_rate_hz(series(time_s, end_s)) == pytest.approx(rate_hz)


def test_rows_of_one_time_have_no_high_rate():
    assert true_rate_hz(series([3.0, 3.0, 3.0])) <= 1


def test_percentiles_count_time_and_not_rows():
    values = np.r_[np.zeros(500), np.ones(1800), np.nan].astype(np.float32)
    durations = np.r_[np.full(500, 1 / 5), np.full(1800, 1 / 30), 1000.0]
    assert percentiles_over_time(values, durations, (50, 90)).tolist() == [0, 1]
    assert percentiles_over_time(values, np.zeros(2301), (50,)).tolist() == [1], "without durations rows count alike"
    assert np.isnan(percentiles_over_time(values[-1:], durations[-1:], (50,))).all()


def test_a_frozen_picture_says_something_of_half_a_second():
    assert seen_durations(series([0.0, 0.1, 60.0, 60.1], 60.2)) == pytest.approx([0.1, 0.5, 0.1, 0.1], abs=1e-5)
