"""Pictures that repeat the one before."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.behaviour.repeats import find_repeats, picture_change


def times(count: int, rate: float = 30.0) -> np.ndarray:
    return np.arange(count) / rate


@pytest.mark.parametrize("least", [0.0, 0.05, 0.6])
@pytest.mark.parametrize("pictures", [8, 10, 12, 15])
def test_what_changes_less_often_than_it_is_stored_is_told(pictures: int, least: float) -> None:
    rng = np.random.default_rng(pictures)
    number = np.floor(np.arange(900) / 30 * pictures).astype(int)
    is_new = np.r_[True, np.diff(number) > 0]
    changes = np.where(is_new, rng.uniform(2, 5, 900), rng.uniform(0, least, 900)).astype(np.float32)
    changes[0] = np.nan
    repeats = find_repeats(changes, times(900))
    assert (repeats[1:] == ~is_new[1:]).all()
    assert not repeats[0]


def test_a_camera_repeats_nothing_whether_the_face_moves_or_not() -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(0.3, 0.6, 900)
    moving = noise + np.where(np.arange(900) % 300 < 60, 8, 0)
    assert not find_repeats(noise.astype(np.float32), times(900)).any()
    assert not find_repeats(moving.astype(np.float32), times(900)).any()


def test_few_repeats_are_left_where_they_are() -> None:
    changes = np.full(900, 2, np.float32)
    changes[::4] = 0
    assert not find_repeats(changes, times(900)).any()


def test_a_still_picture_and_a_face_that_is_not_seen_repeat_nothing() -> None:
    assert not find_repeats(np.zeros(300, np.float32), times(300)).any()
    assert not find_repeats(np.full(300, np.nan, np.float32), times(300)).any()


def test_the_change_is_that_of_the_face() -> None:
    before = np.zeros((60, 80, 3), np.uint8)
    points = np.array([[20.0, 10, 0], [40, 30, 0]], np.float32)
    beside = before.copy()
    beside[:, 50:] = 255
    assert picture_change(before, beside, points) == 0
    within = before.copy()
    within[10:20, 20:40] = 8
    assert picture_change(before, within, points) == 4
    assert np.isnan(picture_change(before, before[:30], points))


def test_a_jump_or_two_are_no_rhythm() -> None:
    changes = np.full(24, 0.05, np.float32)
    changes[[6, 15]] = 9
    assert not find_repeats(changes, times(24)).any()
    key_frames = np.full(900, 0.1, np.float32)
    key_frames[::12] = 3  # which a still face has in strong compression
    assert not find_repeats(key_frames, times(900)).any()
