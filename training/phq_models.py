"""The models that a PHQ head is chosen from, behind one function: rows of functionals in, a `Regressor` out.

What scikit-learn fits is handed on as plain arrays (`fer_phq.regressors`), so whatever is measured here is measured on
exactly what will run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVR

from fer_phq.functionals import moments
from fer_phq.regressors import Kernel, Linear, Regressor, Trees

Float = npt.NDArray[np.float64]
INNER_FOLDS = 5
ALPHAS = tuple(float(alpha) for alpha in 10.0 ** np.arange(-2, 3.5, 0.5))
COSTS = (0.5, 2.0, 8.0)
LEAVES = (4, 8)


@dataclass(frozen=True, eq=False)
class Table:
    """Labelled sessions of one modality set: rows (n, p), totals (n,), subjects (n,) as numbers, blocks (p,)."""

    rows: Float
    totals: Float
    subjects: npt.NDArray[np.int64]
    blocks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # it is never changed, and scikit-learn copies an estimator's settings for every fold

    def take(self, chosen: npt.NDArray[np.int64]) -> Table:
        """The sessions at these positions."""
        return Table(self.rows[chosen], self.totals[chosen], self.subjects[chosen], self.blocks)

    @property
    def subject_count(self) -> int:
        """Different people."""
        return len(np.unique(self.subjects))


class BlockScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Standardise columns and give every block the same weight, however many columns it has.

    A block of a thousand embedding statistics would drown one of twenty that say the same in words. NaN becomes the
    mean. use: the blocks that count, or None for all.
    """

    def __init__(self, blocks: tuple[str, ...], use: tuple[str, ...] | None = None) -> None:
        self.blocks, self.use = blocks, use

    def fit(self, rows: Float, totals: Any = None) -> Self:
        """Learn means and scales."""
        self.mean_, spread = moments(rows)
        names, inverse, sizes = np.unique(np.array(self.blocks), return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(sizes[inverse])
        if self.use is not None:
            weight = np.where(np.isin(names[inverse], self.use), weight, 0)
        self.scale_ = np.where(spread > 1e-9 * (1 + np.abs(self.mean_)), weight / np.maximum(spread, 1e-12), 0)
        return self

    def transform(self, rows: Float) -> Float:
        """Rows (n, p), standardised and weighted."""
        return np.asarray(np.where(np.isfinite(rows), rows - self.mean_, 0) * self.scale_)


def fit_regressor(model: str, data: Table, seed: int = 0) -> Regressor:
    """Fit a model by name (`floor`, `ridge`, `svr`, `boosting`), its settings by cross-validation over subjects."""
    if model == "floor":
        width = data.rows.shape[1]
        return Linear(np.zeros(width), np.zeros(width), np.array(data.totals.mean()))
    if model == "boosting":
        return _trees(
            _search(
                HistGradientBoostingRegressor(**_BOOSTING, random_state=seed), {"max_leaf_nodes": list(LEAVES)}, data
            )
        )
    if model == "svr":
        return _kernel(_search(Pipeline([("scale", BlockScaler(data.blocks)), ("fit", SVR())]), _svr_grid(data), data))
    if model == "ridge":
        return _ridge(data)
    raise ValueError(f"no model '{model}'")


_BOOSTING: dict[str, Any] = {"max_iter": 60, "learning_rate": 0.08, "min_samples_leaf": 8, "l2_regularization": 1.0}


def _svr_grid(data: Table) -> dict[str, Any]:
    return {"fit__C": list(COSTS), "scale__use": _uses(data)}


def _uses(data: Table) -> list[tuple[str, ...]]:
    """Which blocks may count: all of them, all but one, or one alone."""
    names = tuple(sorted(set(data.blocks)))
    without = [tuple(name for name in names if name != left_out) for left_out in names]
    return list(dict.fromkeys([names, *(some for some in without if some), *((name,) for name in names)]))


def _search(estimator: Any, grid: dict[str, Any], data: Table) -> Any:
    """The estimator with the settings of the lowest squared error over left-out subjects, fitted on everything."""
    folds = min(INNER_FOLDS, data.subject_count)
    search = GridSearchCV(estimator, grid, scoring="neg_mean_squared_error", cv=GroupKFold(folds))
    search.fit(data.rows, data.totals, groups=data.subjects)
    return search.best_estimator_


def _ridge(data: Table) -> Linear:
    """Ridge regression; the penalty and the blocks with the lowest squared error over left-out subjects.

    In closed form from one decomposition a fold, for all penalties at once: a grid of fits takes a hundred times as
    long.
    """
    folds = list(GroupKFold(min(INNER_FOLDS, data.subject_count)).split(data.rows, groups=data.subjects))
    uses, errors = _uses(data), []
    for use in uses:
        lost = np.zeros(len(ALPHAS))
        for train, test in folds:
            scaler = BlockScaler(data.blocks, use).fit(data.rows[train])
            mean = data.totals[train].mean()
            weights = ridge_path(scaler.transform(data.rows[train]), data.totals[train] - mean, ALPHAS)
            given = mean + scaler.transform(data.rows[test]) @ weights
            lost += ((given - data.totals[test][:, None]) ** 2).sum(0)
        errors.append(lost)
    best, alpha = divmod(int(np.argmin(errors)), len(ALPHAS))
    scaler = BlockScaler(data.blocks, uses[best]).fit(data.rows)
    mean = data.totals.mean()
    scaled = ridge_path(scaler.transform(data.rows), data.totals - mean, ALPHAS[alpha : alpha + 1])[:, 0]
    weight = scaled * scaler.scale_
    return Linear(scaler.mean_, weight, np.array(mean - weight @ scaler.mean_))


def ridge_path(rows: Float, totals: Float, alphas: Sequence[float]) -> Float:
    """Ridge weights (p, alphas) of centred rows (n, p) and totals (n,), by the eigenvectors of the smaller product."""
    penalty = np.asarray(alphas)
    if len(rows) < rows.shape[1]:
        value, vector = np.linalg.eigh(rows @ rows.T)
        dual = vector @ ((vector.T @ totals)[:, None] / (np.maximum(value, 0)[:, None] + penalty))
        return np.asarray(rows.T @ dual)
    value, vector = np.linalg.eigh(rows.T @ rows)
    return np.asarray(vector @ ((vector.T @ (rows.T @ totals))[:, None] / (np.maximum(value, 0)[:, None] + penalty)))


def _kernel(pipeline: Any) -> Kernel:
    scale, svr = pipeline["scale"], pipeline["fit"]
    return Kernel(
        fill=scale.mean_,
        centre=scale.mean_,
        scale=scale.scale_,
        support=svr.support_vectors_,
        dual=svr.dual_coef_[0],
        gamma=np.array(svr._gamma),
        bias=np.array(svr.intercept_[0]),
    )


def _trees(model: Any) -> Trees:
    """All trees' nodes in one list; scikit-learn keeps them only in private fields."""
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    roots = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
    joined = np.concatenate(nodes)
    first = np.repeat(roots, [len(tree) for tree in nodes])
    leaf = joined["is_leaf"].astype(bool)
    return Trees(
        feature=np.where(leaf, -1, joined["feature_idx"].astype(np.int64)),
        threshold=joined["num_threshold"].astype(np.float64),
        left=np.where(leaf, 0, joined["left"].astype(np.int64) + first),
        right=np.where(leaf, 0, joined["right"].astype(np.int64) + first),
        missing_left=joined["missing_go_to_left"].astype(bool),
        value=np.where(leaf, joined["value"], 0.0),
        roots=roots.astype(np.int64),
        baseline=np.array(float(np.ravel(model._baseline_prediction)[0])),
    )


class Indexed(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A model as scikit-learn's tools want it, over indices (n, 1) of a table: so subjects come along to every fold."""

    def __init__(self, data: Table, model: str, seed: int = 0) -> None:
        self.data, self.model, self.seed = data, model, seed

    def fit(self, index: npt.NDArray[np.int64], totals: Float) -> Self:
        """Fit on the table's sessions at these indices."""
        part = replace(self.data.take(np.asarray(index)[:, 0].astype(int)), totals=np.asarray(totals))
        self.regressor_ = fit_regressor(self.model, part, self.seed)
        return self

    def predict(self, index: npt.NDArray[np.int64]) -> Float:
        """Totals (n,) of the table's sessions at these indices."""
        return self.regressor_.predict(self.data.rows[np.asarray(index)[:, 0].astype(int)])
