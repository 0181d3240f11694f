"""What runs in a head gives what scikit-learn and MAPIE give, and finds the signal that was put in."""

import copy
import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR

from fer_phq.models.conformal import cross_conformal
from fer_phq.models.phq_head import compute_distance, compute_spread
from fer_phq.models.regressors import FAMILIES, RegressorInput
from training.phq.models import candidates
from training.phq.models.candidates import FeatureMatrix, fit_regressor
from training.phq.models.intervals import calibrate
from training.phq.models.ridge import BlockScaler

MODELS = ("floor", "ridge", "svr", "boosting")


def table(n=60, signal=2.0, sessions=2, seed=0):
    """Two blocks: three columns, of which the first tells the total, and thirty that tell nothing; a few holes."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(n // sessions), sessions)
    severity = np.clip(np.rint(rng.gamma(1.35, 5, n // sessions)), 0, 24)[subjects]
    rows = rng.normal(size=(n, 33))
    rows[:, 0] += signal * (severity - 6.7) / 5.7
    rows[::7, 2] = np.nan
    return FeatureMatrix(rows, severity, subjects, ("few",) * 3 + ("many",) * 30)


@pytest.mark.parametrize("model", MODELS)
def test_a_column_that_was_never_measured_is_passed_over(model):
    data = table()
    unmeasured = data.rows.copy()
    unmeasured[:, 1] = np.nan
    known = data.rows.copy()
    known[:, 1] = 4.0
    expected = fit_regressor(model, replace(data, rows=known)).predict(data.described)
    fitted = fit_regressor(model, replace(data, rows=unmeasured))
    np.testing.assert_allclose(fitted.predict(data.described), expected)  # even where it is measured after all


@pytest.mark.parametrize("model", MODELS)
def test_a_regressor_survives_being_written_as_arrays(model):
    data = table()
    fitted = fit_regressor(model, data)
    again = FAMILIES[model].from_arrays({name: np.array(value) for name, value in fitted.arrays().items()})
    np.testing.assert_array_equal(again.predict(data.described), fitted.predict(data.described))


def test_trees_are_scikit_learns():
    data = table()
    fitted = HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=3, random_state=0)
    fitted.fit(data.rows, data.totals)
    unseen = np.random.default_rng(5).normal(size=(200, 33))
    unseen[::3, 0] = np.nan
    np.testing.assert_allclose(
        candidates._trees(fitted).predict(RegressorInput(unseen)), fitted.predict(unseen), atol=1e-9
    )


def test_support_vectors_are_scikit_learns():
    data = table()
    fitted = make_pipeline(BlockScaler(data.blocks), SVR(C=3))
    fitted.fit(data.rows, data.totals)
    named = {"scale": fitted[0], "fit": fitted[1]}
    unseen = np.random.default_rng(5).normal(size=(50, 33))
    np.testing.assert_allclose(
        candidates._kernel(named).predict(RegressorInput(unseen)), fitted.predict(unseen), atol=1e-9
    )


@pytest.mark.parametrize("model", ["floor", "ridge"])
@pytest.mark.parametrize("sessions", [1, 3])
def test_folds_and_plain_intervals_are_mapies(model, sessions):
    data = table(sessions=sessions)
    found = calibrate(data, model)
    index = np.arange(len(data))[:, None]
    points, bounds = found.conformal.predict_interval(index, aggregate_point_predictions=None)
    left_out = np.stack([fold.predict(data.described) for fold in found.folds])
    errors = np.abs(data.totals - found.estimates)
    low, high = cross_conformal(left_out, found.left_out.fold_of, errors, 0.9)
    np.testing.assert_allclose(low, bounds[:, 0, 0], atol=1e-9)
    np.testing.assert_allclose(high, bounds[:, 1, 0], atol=1e-9)
    np.testing.assert_allclose(found.whole.predict(data.described), points, atol=1e-9)


def test_no_subject_is_on_both_sides_of_a_fold():
    data = table(sessions=3)
    fold_of = calibrate(data, "ridge").left_out.fold_of
    for subject in np.unique(data.subjects):
        assert len(set(fold_of[data.subjects == subject])) == 1


def test_too_few_errors_for_the_level_give_no_bound():
    low, high = cross_conformal(np.zeros((2, 3)), np.array([0, 1] * 4), np.ones(8), 0.9)
    assert np.isneginf(low).all()
    assert np.isposinf(high).all()


def test_the_block_that_tells_is_found_among_many_columns():
    data, new = table(n=80, sessions=1), table(n=400, sessions=1, seed=9)
    given = fit_regressor("ridge", data).predict(new.described)
    assert np.corrcoef(given, new.totals)[0, 1] > 0.8


def test_columns_that_never_vary_have_no_weight():
    data = table()
    constant = FeatureMatrix(np.full_like(data.rows, 7.0), data.totals, data.subjects, data.blocks)
    assert not fit_regressor("ridge", constant).weight.any()


def test_without_signal_ridge_falls_back_to_the_mean():
    errors, spread = [], []
    for seed in range(12):
        data, new = table(n=60, signal=0, sessions=1, seed=seed), table(n=300, signal=0, sessions=1, seed=100 + seed)
        errors.append(((fit_regressor("ridge", data).predict(new.described) - new.totals) ** 2).mean())
        spread.append(((data.totals.mean() - new.totals) ** 2).mean())
    assert np.mean(errors) < 1.08 * np.mean(spread)
    assert np.mean(errors) > 0.98 * np.mean(spread)


def test_a_table_is_not_copied_for_every_fold():
    data = table()
    assert copy.deepcopy(data) is data


def test_the_distance_is_that_of_the_training_and_leaves_holes_out():
    rows = np.array([[0.0, 10.0], [3.0, 10.0], [np.nan, 14.0]])
    found = compute_distance(rows, np.array([0.0, 10.0]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [0, 3 / np.sqrt(2), 2 / np.sqrt(2)])


def test_the_spread_of_rows_is_a_share_of_their_length() -> None:
    rows = np.array([[3.0, 4.5], [3.0, 3.5], [np.nan, 9.0]], np.float32)
    assert compute_spread(rows) == pytest.approx(0.5 / 5)
    assert compute_spread(rows[:1]) == math.inf


def test_the_spread_of_hours_takes_little_more_than_their_memory():
    rows = np.random.default_rng(0).random((20_000, 64), dtype=np.float32)
    tracemalloc.start()
    spread = compute_spread(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * rows.nbytes
    exact = rows.astype(np.float64)
    mean = exact.mean(axis=0)
    assert spread == pytest.approx(np.sqrt(((exact - mean) ** 2).sum(axis=1).mean()) / np.linalg.norm(mean))
