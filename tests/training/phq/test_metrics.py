"""PHQ figures against other people's code and hand-worked cases."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from fer_phq.models.head_report import FIGURES
from training.phq.metrics import interval_figures, phq_figures, screening


def sample(n=200, seed=0):
    rng = np.random.default_rng(seed)
    true = np.clip(np.rint(rng.gamma(1.35, 5, n)), 0, 24)
    return 0.5 * true + 3 + rng.normal(size=n), true, np.arange(n) // 4


def test_figures_are_those_of_scikit_learn_and_scipy():
    given, true, subjects = sample()
    found = phq_figures(given, true, np.full_like(true, 6.5), subjects)
    assert (found.n, found.subjects) == (200, 50)
    assert found.mae == pytest.approx(mean_absolute_error(true, given))
    assert found.rmse == pytest.approx(root_mean_squared_error(true, given))
    assert found.pearson == pytest.approx(stats.pearsonr(true, given).statistic)
    assert found.r2 == pytest.approx(r2_score(true, given))
    assert found.floor_mae == pytest.approx(np.abs(true - 6.5).mean())
    wanted = 2 * np.cov(true, given, bias=True)[0, 1] / (true.var() + given.var() + (true.mean() - given.mean()) ** 2)
    assert found.ccc == pytest.approx(wanted)


def test_concordance_counts_a_shift_that_correlation_forgives():
    true = np.arange(10.0)
    found = phq_figures(true + 5, true, true, np.arange(10))
    assert found.pearson == pytest.approx(1)
    assert found.ccc < 0.5


def test_a_constant_has_no_concordance():
    true = np.arange(10.0)
    found = phq_figures(np.full(10, 4.5), true, np.full(10, 4.5), np.arange(10))
    assert found.ccc == found.pearson == 0
    assert found.r2 == pytest.approx(0)
    assert found.mae == found.floor_mae


def test_intervals_hold_the_figures_and_are_wider_when_fewer_people_gave_the_sessions():
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(10), 20)
    true = rng.integers(0, 25, 200).astype(float)
    given = true + np.abs(rng.normal(0, 4, 10))[people] + rng.normal(0, 0.5, 200)  # each person's error is their own
    few, many = (phq_figures(given, true, true, subjects) for subjects in (people, np.arange(200)))
    for name in FIGURES[:5]:
        assert few.intervals[name].low <= getattr(few, name) <= few.intervals[name].high
    width = few.intervals["mae"].high - few.intervals["mae"].low
    assert width > 2 * (many.intervals["mae"].high - many.intervals["mae"].low)


def test_screening():
    found = screening(np.array([12.0, 8, 3, 11]), np.array([15.0, 10, 2, 4]))
    assert (found.positives, found.negatives) == (2, 2)
    assert found.sensitivity == 0.5
    assert found.specificity == 0.5
    assert found.auc == 0.75
    assert screening(np.zeros(3), np.zeros(3)).auc is None


def test_interval_figures():
    found = interval_figures(np.array([0.0, 2, 5]), np.array([4.0, 6, 9]), np.array([4.0, 7, 5]), 0.9)
    assert found.interval_coverage == pytest.approx(2 / 3)
    assert found.interval_mean_width == 4
