import numpy as np
import pytest

from training.metrics import emotion_metrics, expected_calibration_error
from training.phq import concordance, conformal_errors


def test_metrics_of_a_known_table():
    labels = np.array([0, 0, 3, 4])
    probabilities = np.full((4, 7), 0.05)
    probabilities[[0, 1, 2, 3], [0, 3, 3, 4]] = 0.7
    metrics = emotion_metrics(probabilities, labels)
    assert metrics.accuracy == 0.75
    assert metrics.recall["anger"] == 0.5
    assert metrics.uar == pytest.approx((0.5 + 1 + 1) / 7)
    assert metrics.confusion[0][3] == 1


def test_calibration_error_is_zero_when_confidence_is_accuracy():
    probabilities = np.tile([0.75, 0.25, 0, 0, 0, 0, 0], (400, 1))
    labels = np.array([0, 0, 0, 1] * 100)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0, abs=1e-9)
    assert expected_calibration_error(probabilities, np.zeros(400, int)) == pytest.approx(0.25)


def test_concordance_punishes_a_shift_that_correlation_ignores():
    x = np.arange(10.0)
    assert concordance(x, x) == pytest.approx(1)
    assert concordance(x, x + 5) < 0.5
    assert concordance(np.ones(5), np.ones(5)) == 0


def test_conformal_intervals_cover_new_errors_at_their_level():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        low, high = conformal_errors(rng.gamma(2, 2, 99) - 3, 0.9)
        inside.append(np.mean((low <= (fresh := rng.gamma(2, 2, 200) - 3)) & (fresh <= high)))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.015)


def test_too_few_errors_for_the_level_are_refused():
    with pytest.raises(ValueError, match="too few"):
        conformal_errors(np.zeros(15), 0.9)
