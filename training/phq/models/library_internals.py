"""Private fields of scikit-learn and MAPIE. No other module reads any.

The libraries keep what a head needs of a fitted model only there. A field that has gone raises RuntimeError with the
library's version; `tests/training/phq/models/test_library_internals.py` checks them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from mapie.regression import CrossConformalRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.svm import SVR

NODE_FIELDS = ("is_leaf", "feature_idx", "num_threshold", "left", "right", "missing_go_to_left", "value")
"""What a node of a boosted tree must have."""


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """What a fitted HistGradientBoostingRegressor learnt.

    Attributes:
        nodes: Of each tree a structured array with `NODE_FIELDS`.
        baseline: The prediction to which the trees' leaves are added.
    """

    nodes: tuple[npt.NDArray[np.void], ...]
    baseline: float


@dataclass(frozen=True, eq=False)
class ConformalFolds:
    """What a fitted CrossConformalRegressor learnt.

    Attributes:
        whole: The estimator that was fitted on everything.
        folds: The estimators that were each fitted on all but one fold.
        fold_of: (n,) int64, the fold of each row.
        errors: (n,) float64, absolute error of each row by the estimator that left it out.
    """

    whole: Any
    folds: tuple[Any, ...]
    fold_of: npt.NDArray[np.int64]
    errors: npt.NDArray[np.float64]


def kernel_width(svr: SVR) -> float:
    """Return the gamma of the Gaussian kernel that a fitted SVR uses."""
    return float(_read(svr, "_gamma", "scikit-learn"))


def boosted_trees(model: HistGradientBoostingRegressor) -> BoostedTrees:
    """Return the trees of a fitted gradient boosting model of one output.

    Raises:
        RuntimeError: This version of scikit-learn keeps them elsewhere.
    """
    predictors = _read(model, "_predictors", "scikit-learn")
    nodes = tuple(_read(predictor, "nodes", "scikit-learn") for (predictor,) in predictors)
    for name in NODE_FIELDS:
        if name not in nodes[0].dtype.names:
            raise _missing("nodes of HistGradientBoostingRegressor", name, "scikit-learn")
    baseline = _read(model, "_baseline_prediction", "scikit-learn")
    return BoostedTrees(nodes, float(np.ravel(baseline)[0]))


def conformal_folds(conformal: CrossConformalRegressor) -> ConformalFolds:
    """Return the fold estimators and errors of a fitted CV+ regressor."""
    inner = _read(conformal, "_mapie_regressor", "mapie")
    estimator = _read(inner, "estimator_", "mapie")
    membership = _read(estimator, "k_", "mapie")  # (n, folds), 1 where the fold left the row out
    return ConformalFolds(
        whole=_read(estimator, "single_estimator_", "mapie"),
        folds=tuple(_read(estimator, "estimators_", "mapie")),
        fold_of=np.argmax(membership == 1, axis=1),
        errors=np.abs(np.asarray(_read(inner, "conformity_scores_", "mapie"), np.float64)),
    )


def _read(holder: Any, name: str, library: str) -> Any:
    try:
        return getattr(holder, name)
    except AttributeError:
        raise _missing(type(holder).__name__, name, library) from None


def _missing(holder: str, name: str, library: str) -> RuntimeError:
    return RuntimeError(
        f"{library} {version(library)} has no field '{name}' in {holder}: adapt {__name__} to this version, or install "
        "one of before."
    )
