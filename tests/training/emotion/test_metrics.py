import time

import numpy as np
import pytest

from training.emotion.metrics import (
    accuracy_by_agreement,
    bootstrap_intervals,
    emotion_metrics,
    expected_calibration_error,
    pool_majority,
    reliability_bins,
)


def drawn(n: int, classes: int, rng: np.random.Generator, sharpness: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, classes) and labels drawn from exactly them: perfectly calibrated by construction."""
    logits = rng.normal(0, sharpness, (n, classes))
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    labels = (probabilities.cumsum(1) > rng.random((n, 1))).argmax(1)
    return probabilities, labels


def test_metrics_of_a_known_table():
    labels = np.array([0, 0, 3, 4])
    probabilities = np.full((4, 7), 0.05)
    probabilities[[0, 1, 2, 3], [0, 3, 3, 4]] = 0.7
    metrics = emotion_metrics(probabilities, labels)
    assert metrics.accuracy == 0.75
    assert metrics.recall["anger"] == metrics.per_class["anger"].recall == 0.5
    assert metrics.per_class["happiness"].precision == 0.5
    assert metrics.per_class["happiness"].f1 == pytest.approx(2 / 3)
    assert [metrics.per_class[name].support for name in ("anger", "disgust", "happiness")] == [2, 0, 1]
    assert metrics.confusion[0][3] == 1
    assert metrics.nll == pytest.approx(-(3 * np.log(0.7) + np.log(0.05)) / 4)
    right, wrong = 0.3**2 + 6 * 0.05**2, 0.95**2 + 0.7**2 + 5 * 0.05**2
    assert metrics.brier == pytest.approx((3 * right + wrong) / 4)


def test_classes_without_images_do_not_lower_the_means():
    metrics = emotion_metrics(np.full((4, 7), 0.05) + 0.65 * np.eye(7)[[0, 3, 3, 4]], np.array([0, 0, 3, 4]))
    assert metrics.uar == pytest.approx((0.5 + 1 + 1) / 3)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_other_classes_are_judged_by_their_names():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    metrics = emotion_metrics(probabilities, np.array([0, 0]), ("smile", "frown"))
    assert metrics.recall == {"smile": 0.5, "frown": 0.0}
    assert np.shape(metrics.confusion) == (2, 2)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="no images"):
        emotion_metrics(np.zeros((0, 7)), np.zeros(0, int))


def test_calibration_error_is_zero_when_confidence_is_accuracy():
    probabilities = np.tile([0.75, 0.25, 0, 0, 0, 0, 0], (400, 1))
    labels = np.array([0, 0, 0, 1] * 100)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0, abs=1e-9)
    assert expected_calibration_error(probabilities, np.zeros(400, int)) == pytest.approx(0.25)


def test_calibration_error_tells_true_probabilities_from_sharpened_ones():
    probabilities, labels = drawn(40_000, 7, np.random.default_rng(0), sharpness=1.0)
    sharp = probabilities**3 / (probabilities**3).sum(1, keepdims=True)
    assert expected_calibration_error(probabilities, labels) < 0.015
    assert expected_calibration_error(sharp, labels) > 0.1


def test_reliability_bins_hold_every_image_where_its_confidence_lies():
    probabilities, labels = drawn(500, 7, np.random.default_rng(1))
    bins = reliability_bins(probabilities, labels)
    assert sum(b.n for b in bins) == 500
    assert sum(b.n * b.accuracy for b in bins) == pytest.approx((probabilities.argmax(1) == labels).sum())
    assert all(b.low <= b.confidence <= b.high for b in bins if b.n)
    certain = reliability_bins(np.eye(7)[[0, 1]], np.array([0, 0]))
    assert (certain[-1].n, certain[-1].confidence, certain[-1].accuracy) == (2, 1.0, 0.5)


def test_bootstrap_intervals_cover_the_true_accuracy_at_their_level():
    rng, inside = np.random.default_rng(2), []
    for seed in range(60):
        right = rng.random(300) < 0.8
        labels = rng.integers(0, 3, 300)
        probabilities = np.full((300, 3), 0.1) + 0.7 * np.eye(3)[np.where(right, labels, (labels + 1) % 3)]
        found = bootstrap_intervals(probabilities, labels, resamples=300, seed=seed)
        inside.append([found[name].low <= 0.8 <= found[name].high for name in ("accuracy", "uar", "macro_f1")])
    assert (np.mean(inside, axis=0) > 0.88).all()
    assert np.mean(inside) < 1


def test_a_resample_is_judged_as_a_corpus_is():
    probabilities, labels = drawn(60, 4, np.random.default_rng(3), sharpness=1.0)
    rng, figures = np.random.default_rng(7), []
    for picks in rng.integers(0, 60, (50, 60)):
        metrics = emotion_metrics(probabilities[picks], labels[picks], tuple("abcd"))
        figures.append([metrics.accuracy, metrics.macro_f1, metrics.uar, metrics.ece])
    low, high = np.quantile(figures, [0.025, 0.975], axis=0)
    found = bootstrap_intervals(probabilities, labels, resamples=50, seed=7)
    assert [i.low for i in found.values()] == pytest.approx(low)
    assert [i.high for i in found.values()] == pytest.approx(high)


def test_intervals_shrink_with_images_and_repeat_with_the_seed():
    few, many = (drawn(n, 7, np.random.default_rng(4)) for n in (200, 5000))
    began = time.monotonic()
    narrow = bootstrap_intervals(*many)
    assert time.monotonic() - began < 20, "a thousand resamples must not hold up an evaluation"
    wide = bootstrap_intervals(*few)
    assert wide == bootstrap_intervals(*few)
    assert wide != bootstrap_intervals(*few, seed=1)
    for name in ("accuracy", "macro_f1", "uar"):
        assert narrow[name].high - narrow[name].low < 0.5 * (wide[name].high - wide[name].low)


def test_accuracy_is_told_by_how_far_taggers_agree():
    labels, agreement = np.array([0, 0, 0, 0, 0, 1]), np.array([1.0, 0.8, 0.6, 0.5, 0.0, 0.95])
    given = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    found = accuracy_by_agreement(given, labels, agreement)
    assert [(one.above, one.to, one.n, one.accuracy) for one in found] == [
        (0.0, 0.5, 2, 0.5), (0.5, 0.7, 1, 0.0), (0.7, 0.9, 1, 1.0), (0.9, 1.0, 2, 1.0),
    ]  # fmt: skip
    clear = pool_majority(found)
    assert (clear.n, clear.accuracy) == (4, 0.75)
    assert accuracy_by_agreement(given, labels, np.ones(6)) == ()
    assert pool_majority(accuracy_by_agreement(given[3:4], labels[3:4], agreement[3:4])).accuracy is None
