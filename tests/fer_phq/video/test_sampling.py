"""The sampling rule, over times alone."""

from __future__ import annotations

import math

import pytest

from fer_phq.video.sampling import displayed_at_rate


def picked(times: list[float], fps: float, end_s: float, after_s: float = -math.inf) -> list[int]:
    return [number for _, number in displayed_at_rate([(t, i) for i, t in enumerate(times)], fps, end_s, after_s)]


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


@pytest.mark.parametrize("fps", [0.5, 2.0, 7.3, 24.0, 100.0])
@pytest.mark.parametrize("cut", [0, 1, 5, 20])
def test_sampling_taken_up_again_continues_the_same_series(fps: float, cut: int) -> None:
    times = [i / 12 for i in range(60)]
    whole = picked(times, fps, 5.0)
    done = whole[: min(cut, len(whole))]
    after_s = times[done[-1]] if done else -math.inf
    start = max(0, (done[-1] if done else 0) - 7)  # decoding starts again at some earlier key frame
    rest = [start + n for n in picked(times[start:], fps, 5.0, after_s)]
    assert done + rest == whole
