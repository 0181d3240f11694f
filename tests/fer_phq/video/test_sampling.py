"""The sampling rule, over times alone."""

from __future__ import annotations

import math

from fer_phq.video.sampling import displayed_at_rate


def picked(times: list[float], fps: float, end_s: float) -> list[int]:
    return [number for _, number in displayed_at_rate([(t, i) for i, t in enumerate(times)], fps, end_s)]


def test_takes_the_frame_on_display_at_each_target() -> None:
    assert picked([0.0, 0.4, 0.5, 0.9, 1.2], 2.0, 1.5) == [0, 2, 3]


def test_above_the_grids_rate_its_times_are_targets_too() -> None:
    times = [i / 30 for i in range(31)]
    assert picked(times, 5.0, 1.03) == [0, 6, 12, 15, 18, 24, 30]
    assert picked(times, 4.0, 1.03) == [0, 7, 15, 22, 30]
    assert picked(times, 1.5, 1.03) == [0, 20]


def test_a_frame_on_display_at_several_targets_comes_once() -> None:
    assert picked([0.0, 2.6], 2.0, 3.5) == [0, 1]


def test_the_first_frame_stands_for_the_time_before_it() -> None:
    assert picked([0.7, 0.8, 1.1], 2.0, 1.2) == [0, 1]


def test_a_rounded_time_counts_as_in_time() -> None:
    assert picked([0.0, 0.2503, 0.5004, 0.75], 2.0, 1.0) == [0, 2]


def test_the_last_frame_lasts_until_the_end() -> None:
    assert picked([0.0, 0.9], 1.0, 1.0) == [0]
    assert picked([0.0, 0.9], 1.0, 1.2) == [0, 1]


def test_one_frame_is_taken_whatever_its_length() -> None:
    assert picked([0.3], 2.0, -math.inf) == [0]
    assert picked([], 2.0, 1.0) == []


def test_times_that_step_back_are_passed_over() -> None:
    assert picked([0.0, 0.5, 0.1, 1.0], 2.0, 1.1) == [0, 1, 3]
