"""Differences of errors and partial correlations against what is known, with people as the unit."""

import numpy as np
import pytest

from training.phq.controls.comparison import bootstrap_people, compare_errors, correlate_beyond


def test_the_difference_of_errors_is_that_of_the_roots():
    better = np.array([[1.0, -1, 2, -2], [1, 1, -2, 2]])
    worse = np.array([[3.0, 4, -3, -4]])
    figure = compare_errors(better, worse, np.arange(4), 0)
    assert figure.value == pytest.approx(np.sqrt(12.5) - np.sqrt(2.5))
    assert figure.low <= figure.value <= figure.high


def test_sessions_of_one_person_are_drawn_together():
    """Each person's sessions repeated twenty times tell no more: the interval must not shrink."""
    rng = np.random.default_rng(1)
    better, worse = rng.normal(size=(1, 30)), 1.3 * rng.normal(size=(1, 30))
    once = compare_errors(better, worse, np.arange(30), 0)
    often = compare_errors(better.repeat(20, 1), worse.repeat(20, 1), np.arange(30).repeat(20), 0)
    assert (often.low, often.value, often.high) == pytest.approx((once.low, once.value, once.high))


def test_partial_correlation_is_that_of_residuals():
    rng = np.random.default_rng(2)
    control = rng.normal(size=200)
    scores = control + rng.normal(size=200) + 40
    head = 0.5 * scores + 2 * control + rng.normal(size=200)
    design = np.stack([np.ones(200), control], axis=1)
    left = [values - design @ np.linalg.lstsq(design, values, rcond=None)[0] for values in (scores, head)]
    figure = correlate_beyond(head, control, scores, np.arange(200), 0)
    assert figure.value == pytest.approx(np.corrcoef(*left)[0, 1])
    assert 0 < figure.low < figure.value < figure.high < 1


def test_a_head_that_is_its_control_goes_no_further():
    rng = np.random.default_rng(3)
    control = rng.normal(size=80)
    figure = correlate_beyond(3 * control + 1, control, control + rng.normal(size=80), np.arange(80), 0)
    assert (figure.value, figure.low, figure.high) == (0, 0, 0)


def test_a_constant_control_takes_nothing_away():
    rng = np.random.default_rng(4)
    head = rng.normal(size=60)
    scores = head + rng.normal(size=60)
    figure = correlate_beyond(head, np.full(60, 6.7), scores, np.arange(60), 0)
    assert figure.value == pytest.approx(np.corrcoef(head, scores)[0, 1])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """The mean of people with several sessions each, 95 %."""
    rng = np.random.default_rng(5)
    hits = 0
    for seed in range(60):
        values = (rng.normal(size=60)[:, None] + 0.3 * rng.normal(size=(60, 3))).ravel()
        terms = np.stack([np.ones(180), values], axis=1)
        figure = bootstrap_people(terms, np.arange(60).repeat(3), lambda sums: sums[:, 1] / sums[:, 0], seed)
        hits += figure.low <= 0 <= figure.high
    assert 52 <= hits <= 60
