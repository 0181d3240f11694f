import numpy as np
import pytest
from sklearn.linear_model import Ridge

from fer_phq.models.regressors import RegressorInput
from training.phq.models.ridge import ALPHAS, block_uses, fit_ridge, left_out_errors, ridge_weights


def data(people=15, sessions=1, width=6, seed=0):
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), sessions)
    rows = rng.normal(size=(len(subjects), width))
    totals = rows @ rng.normal(size=width) + rng.normal(size=len(subjects))
    return rows - rows.mean(0), totals - totals.mean(), subjects


@pytest.mark.parametrize("width", [4, 60])
@pytest.mark.parametrize("sessions", [1, 3])
def test_leaving_people_out_is_as_if_they_had_never_been_there(width, sessions):
    rows, totals, subjects = data(sessions=sessions, width=width)
    found = left_out_errors(rows, totals, subjects, ALPHAS)
    for a in (3, 6, 9):
        for subject in (0, 7, 14):
            own = subjects == subject
            x, y = rows[~own], totals[~own]
            # the penalised fit with a free mean, by its normal equations
            wide = np.column_stack([x, np.ones(len(x))])
            penalty = np.diag([*np.full(width, ALPHAS[a]), 0])
            weight = np.linalg.solve(wide.T @ wide + penalty, wide.T @ y)
            expected = totals[own] - np.column_stack([rows[own], np.ones(own.sum())]) @ weight
            np.testing.assert_allclose(found[own, a], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("width", [4, 60])
def test_weights_are_those_of_scikit_learn(width):
    rows, totals, _ = data(width=width)
    expected = Ridge(2.0, fit_intercept=False).fit(rows, totals).coef_
    np.testing.assert_allclose(ridge_weights(rows, totals, 2.0), expected, atol=1e-8)


def test_a_block_of_noise_is_left_out():
    rng = np.random.default_rng(1)
    told, noise = rng.normal(size=(80, 3)), rng.normal(size=(80, 200))
    totals = 5 + told @ [2.0, -1.0, 0.5] + 0.3 * rng.normal(size=80)
    blocks = ("told",) * 3 + ("noise",) * 200
    found = fit_ridge(np.column_stack([told, noise]), totals, np.arange(80), blocks)
    assert (found.weight[3:] == 0).all()
    np.testing.assert_allclose(found.weight[:3], [2.0, -1.0, 0.5], atol=0.15)


def test_rows_with_gaps_and_constant_columns_are_fitted():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(40, 5))
    rows[:, 2] = 7.0
    rows[:, 4] = np.nan
    rows[::3, 0] = np.nan
    found = fit_ridge(rows, rng.normal(size=40), np.arange(40), ("a",) * 5)
    assert found.weight[2] == 0 == found.weight[4]
    assert np.isfinite(found.predict(RegressorInput(rows))).all()


def test_the_choices_of_blocks():
    assert block_uses(("a", "b", "c", "a")) == [
        ("a", "b", "c"),
        ("b", "c"),
        ("a", "c"),
        ("a", "b"),
        ("a",),
        ("b",),
        ("c",),
    ]
    assert block_uses(("a", "a")) == [("a",)]
