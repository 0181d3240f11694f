"""Blinks with known times in made openness: at several rates, with noise, beside gaps, and what is no blink."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_phq import analyze
from fer_phq.behaviour.blinks import LONGEST_BLINK_S, closed_seconds, detect_closures, eye_closure
from fer_phq.behaviour.measures import behaviour_measures, closures
from fer_phq.core.analysis import Settings

CLIP = Path(__file__).resolve().parents[4] / "shared" / "clips" / "single_face.mp4"

OPEN = 0.28
SHUT = 0.05


def find_closures(openness, time_s):
    """The closures in a run of opennesses."""
    return detect_closures(eye_closure(openness, time_s), time_s)


def find_closed_seconds(openness, time_s):
    """The time with closed eyes in a run of opennesses."""
    return closed_seconds(eye_closure(openness, time_s), time_s)


def made(rate, blinks, seconds=60.0, noise=0.006, seed=0, level=OPEN):
    """Openness with closures (start, closing, closed and opening seconds, depth), and its times."""
    time_s = np.arange(0, seconds, 1 / rate)
    closure = np.zeros_like(time_s)
    for start, closing, closed, opening, depth in blinks:
        corners = np.cumsum([start, closing, closed, opening])
        closure = np.maximum(closure, np.interp(time_s, corners, [0, depth, depth, 0], left=0, right=0))
    openness = level + (SHUT - level) * closure
    return (openness + np.random.default_rng(seed).normal(0, noise, len(time_s))).astype(np.float32), time_s


def random_blinks(seed, seconds=60.0):
    rng = np.random.default_rng(seed)
    starts = np.cumsum(rng.uniform(1.5, 6, 40))
    return [
        (start, rng.uniform(0.06, 0.1), rng.uniform(0.04, 0.1), rng.uniform(0.1, 0.2), 1.0)
        for start in starts
        if start < seconds - 1
    ]


@pytest.mark.parametrize("rate", [15, 25, 30])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_blinks_are_seen_where_they_are(rate, seed):
    truth = random_blinks(seed)
    openness, time_s = made(rate, truth, seed=seed)
    detected = [blink for blink in find_closures(openness, time_s) if blink.duration_s <= LONGEST_BLINK_S]
    middles = [start + closing + closed / 2 for start, closing, closed, _, _ in truth]
    hits = [
        min(detected, key=lambda blink: abs((blink.closed_s + blink.reopened_s) / 2 - middle)) for middle in middles
    ]
    right = [
        blink
        for blink, middle in zip(hits, middles, strict=True)
        if blink.onset_s - 0.1 < middle < blink.offset_s + 0.1
    ]
    score = 2 * len(right) / (len(truth) + len(detected))
    assert score >= 0.95
    errors = [
        blink.duration_s - 0.9 * (closing + opening) - closed
        for blink, (_, closing, closed, opening, _) in zip(hits, truth, strict=True)
    ]
    assert np.median(np.abs(errors)) < 1 / rate


@pytest.mark.parametrize("rate", [15, 24, 25, 30, 60])
def test_eyes_are_closed_for_as_long_at_every_rate(rate):
    blinks = [(start, 0.08, 0.08, 0.16, 1.0) for start in np.arange(1.0, 299, 4.01)]  # at every phase of the frames
    openness, time_s = made(rate, blinks, seconds=300.0, noise=0.0)
    depth = 1 - SHUT / OPEN
    beside = 1 - (0.5 + depth) / 2 / depth  # share of closing and of opening in which the lids are nearly closed
    truth = len(blinks) * (0.08 + beside * (0.08 + 0.16))
    assert find_closed_seconds(openness, time_s) == pytest.approx(truth, rel=0.1)


def test_parts_of_a_blink_are_in_order():
    openness, time_s = made(30, random_blinks(5), seed=5)
    for blink in find_closures(openness, time_s):
        assert blink.onset_s < blink.closed_s <= blink.reopened_s < blink.offset_s
        assert blink.complete


def test_a_half_closed_lid_is_no_complete_blink_and_a_narrowed_eye_none():
    openness, time_s = made(30, [(10, 0.1, 0.1, 0.1, 0.75), (20, 0.1, 0.1, 0.1, 0.3)], noise=0.002)
    (half,) = find_closures(openness, time_s)
    assert not half.complete
    assert 10 < half.closed_s < 10.3


def test_long_closures_are_no_blinks():
    openness, time_s = made(30, [(10, 0.1, 2.0, 0.2, 1.0)], noise=0.002)
    (closure,) = find_closures(openness, time_s)
    assert closure.duration_s == pytest.approx(2.27, abs=0.1)
    assert closure.duration_s > LONGEST_BLINK_S


def test_eyes_closed_for_a_minute_are_closed_and_so_are_eyes_that_never_open():
    openness, time_s = made(30, [(20, 0.2, 60.0, 0.2, 1.0)], seconds=120, noise=0.003)
    (closure,) = find_closures(openness, time_s)
    assert closure.duration_s == pytest.approx(60.3, abs=0.3)
    assert find_closed_seconds(openness, time_s) == pytest.approx(60, abs=0.3)
    asleep = np.full(900, 0.06, np.float32)
    assert find_closed_seconds(asleep, np.arange(900) / 30) == pytest.approx(30, abs=0.1)


def test_a_person_with_narrow_eyes_blinks_too():
    openness, time_s = made(30, random_blinks(3), seed=3, level=0.15, noise=0.003)
    assert len(find_closures(openness, time_s)) == len(random_blinks(3))


def test_a_blink_of_eyes_that_a_smile_narrows_is_a_blink():
    openness, time_s = made(30, [(10.9, 0.08, 0.06, 0.12, 1.0)], noise=0.003)
    smile = np.interp(time_s, [10.0, 10.8, 13.0, 14.0], [0, 0.2, 0.2, 0], left=0, right=0)
    (blink,) = find_closures((openness * (1 - smile)).astype(np.float32), time_s)
    assert blink.duration_s < 0.35
    assert 10.8 < blink.onset_s < blink.offset_s < 11.3


def test_a_closure_that_runs_into_missing_frames_is_left_out():
    openness, time_s = made(30, [(10, 0.1, 0.1, 0.2, 1.0), (20, 0.1, 0.1, 0.2, 1.0)], noise=0.002)
    openness[(time_s > 10.12) & (time_s < 11)] = np.nan
    (blink,) = find_closures(openness, time_s)
    assert blink.onset_s > 19


def test_nothing_is_seen_in_nothing():
    assert find_closures(np.zeros(0, np.float32), np.zeros(0)) == []
    assert find_closures(np.full(100, np.nan, np.float32), np.arange(100) / 30) == []
    still = np.full(100, 0.25, np.float32)
    assert find_closures(still, np.arange(100) / 30) == []
    assert np.abs(eye_closure(still, np.arange(100) / 30)).max() < 1e-6


@pytest.mark.corpora
@pytest.mark.skipif(not CLIP.is_file(), reason="no clip at hand")
def test_the_blink_of_a_real_recording_is_counted():
    """In `single_face.mp4` the lids close once, from the 25th to the 30th frame, in a smile that narrows the eyes."""
    analysis = analyze(CLIP, settings=Settings(face_rate=30))
    (blink,) = closures(analysis.behaviour)
    assert 0.75 < blink.onset_s < 0.85 < blink.closed_s <= blink.reopened_s < 0.95 < blink.offset_s < 1.1
    assert blink.duration_s < 0.35
    assert blink.complete
    assert behaviour_measures(analysis.behaviour)["blink_rate_per_min"] > 20
