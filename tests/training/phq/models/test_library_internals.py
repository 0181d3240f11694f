"""The private fields of scikit-learn and MAPIE that heads are made of are still there, and mean what they meant."""

import re
from pathlib import Path

import numpy as np
import pytest
from mapie.regression import CrossConformalRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.svm import SVR

from training.phq.models import library_internals
from training.phq.models.library_internals import NODE_FIELDS, boosted_trees, conformal_folds, kernel_width

TRAINING = Path(library_internals.__file__).parents[1]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3))
    return rows, 2 * rows[:, 0] + rng.normal(size=60)


def test_support_vector_regression_tells_its_kernel_width(data):
    rows, totals = data
    assert kernel_width(SVR().fit(rows, totals)) == pytest.approx(1 / (3 * rows.var()))


def test_boosting_tells_its_trees(data):
    rows, totals = data
    trees = boosted_trees(HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=5).fit(rows, totals))
    assert len(trees.nodes) == 4
    assert trees.baseline == pytest.approx(totals.mean())
    for nodes in trees.nodes:
        assert set(NODE_FIELDS) <= set(nodes.dtype.names)
        inner = nodes[nodes["is_leaf"] == 0]
        assert len(inner)
        assert (inner["left"] > 0).all()
        assert (inner["right"] < len(nodes)).all()


def test_conformal_regression_tells_its_folds(data):
    rows, totals = data
    conformal = CrossConformalRegressor(LinearRegression(), confidence_level=0.9, method="plus", cv=KFold(5))
    conformal.fit_conformalize(rows, totals)
    fitted = conformal_folds(conformal)
    assert len(fitted.folds) == 5
    np.testing.assert_array_equal(fitted.fold_of, np.repeat(np.arange(5), 12))
    np.testing.assert_allclose(fitted.whole.coef_, LinearRegression().fit(rows, totals).coef_)
    for fold, estimator in enumerate(fitted.folds):
        left_out = fitted.fold_of == fold
        errors = np.abs(totals[left_out] - estimator.predict(rows[left_out]))
        np.testing.assert_allclose(fitted.errors[left_out], errors, atol=1e-9)


@pytest.mark.parametrize(
    ("function", "model", "said"),
    [
        (kernel_width, SVR(), "scikit-learn .* has no field '_gamma' in SVR"),
        (boosted_trees, HistGradientBoostingRegressor(), "scikit-learn .* has no field '_predictors'"),
        (conformal_folds, LinearRegression(), "mapie .* has no field '_mapie_regressor'"),
    ],
)
def test_a_field_that_has_gone_is_told_with_the_version(function, model, said):
    with pytest.raises(RuntimeError, match=said):
        function(model)


def test_no_other_module_reads_private_fields_of_a_library():
    private = re.compile(r"(?<!self)(?<!cls)\b\.(_[a-z]\w*|\w+_mapie\w*)\b|estimators_\b|\bk_\b|single_estimator_")
    for path in TRAINING.rglob("*.py"):
        if path.name != "library_internals.py":
            lines = path.read_text(encoding="utf-8").splitlines()
            assert not [line for line in lines if private.search(line)], path
