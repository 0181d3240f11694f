"""The models that a PHQ head is chosen from, behind one function: a table of labelled sessions in, a `Regressor` out.

What scikit-learn and PyTorch fit is handed on as plain arrays (`fer_phq.models.regressors`), so whatever is measured
here is measured on exactly what will run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVR

from fer_phq.core.arrays import FloatArray
from fer_phq.core.phq import Scale
from fer_phq.models.regressors import KernelRegressor, LinearRegressor, Regressor, RegressorInput, TreeRegressor
from training.phq.models.attention import fit_attention
from training.phq.models.ridge import BlockScaler, block_uses, fit_ridge

Float = npt.NDArray[np.float64]
INNER_FOLDS = 5
COSTS = (0.5, 2.0, 8.0)
LEAVES = (4, 8)


@dataclass(frozen=True, eq=False)
class Table:
    """Labelled sessions of one modality set: rows (n, p), totals (n,), subjects (n,) as numbers, blocks (p,).

    For attention alone: each session's segments (spans, width), parts (width,) with the modality of each of their
    columns, the highest total of the scale, and the questionnaires' answers items (n, 8 or 9), 0 to 3, in rows of NaN
    where only the total is known; None where that is so of all.
    """

    rows: Float
    totals: Float
    subjects: npt.NDArray[np.int64]
    blocks: tuple[str, ...]
    segments: tuple[FloatArray, ...] = ()
    parts: tuple[str, ...] = ()
    maximum: int = Scale.PHQ8.maximum
    items: Float | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # it is never changed, and scikit-learn copies an estimator's settings for every fold

    def take(self, chosen: npt.NDArray[np.int64]) -> Table:
        """The sessions at these positions."""
        return replace(
            self,
            rows=self.rows[chosen],
            totals=self.totals[chosen],
            subjects=self.subjects[chosen],
            segments=tuple(self.segments[i] for i in chosen) if self.segments else (),
            items=None if self.items is None else self.items[chosen],
        )

    @property
    def described(self) -> RegressorInput:
        """The sessions as regressors read them."""
        return RegressorInput(self.rows, self.segments)

    @property
    def subject_count(self) -> int:
        """Different people."""
        return len(np.unique(self.subjects))


def fit_regressor(model: str, data: Table, seed: int = 0) -> Regressor:
    """Fit a model of `FAMILIES` by name, its settings by cross-validation over subjects. ValueError without it."""
    if model == "floor":
        width = data.rows.shape[1]
        return LinearRegressor(np.zeros(width), np.zeros(width), np.array(data.totals.mean()))
    if model == "boosting":
        return _trees(
            _search(
                HistGradientBoostingRegressor(**_BOOSTING, random_state=seed), {"max_leaf_nodes": list(LEAVES)}, data
            )
        )
    if model == "svr":
        return _kernel(_search(Pipeline([("scale", BlockScaler(data.blocks)), ("fit", SVR())]), _svr_grid(data), data))
    if model == "ridge":
        return fit_ridge(data.rows, data.totals, data.subjects, data.blocks)
    if model == "attention":
        return fit_attention(data.segments, data.parts, data.totals, data.subjects, data.maximum, seed, data.items)
    raise ValueError(f"no model '{model}'")


_BOOSTING: dict[str, Any] = {"max_iter": 60, "learning_rate": 0.08, "min_samples_leaf": 8, "l2_regularization": 1.0}


def _svr_grid(data: Table) -> dict[str, Any]:
    return {"fit__C": list(COSTS), "scale__use": block_uses(data.blocks)}


def _search(estimator: Any, grid: dict[str, Any], data: Table) -> Any:
    """The estimator with the settings of the lowest squared error over left-out subjects, fitted on everything."""
    folds = min(INNER_FOLDS, data.subject_count)
    search = GridSearchCV(estimator, grid, scoring="neg_mean_squared_error", cv=GroupKFold(folds))
    search.fit(data.rows, data.totals, groups=data.subjects)
    return search.best_estimator_


def _kernel(pipeline: Any) -> KernelRegressor:
    scale = pipeline["scale"]
    svr = pipeline["fit"]
    return KernelRegressor(
        fill=scale.mean_,
        centre=scale.mean_,
        scale=scale.scale_,
        support=svr.support_vectors_,
        dual=svr.dual_coef_[0],
        gamma=np.array(svr._gamma),
        bias=np.array(svr.intercept_[0]),
    )


def _trees(model: Any) -> TreeRegressor:
    """All trees' nodes in one list; scikit-learn keeps them only in private fields."""
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    roots = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
    joined = np.concatenate(nodes)
    first = np.repeat(roots, [len(tree) for tree in nodes])
    leaf = joined["is_leaf"].astype(bool)
    return TreeRegressor(
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
        self.data = data
        self.model = model
        self.seed = seed

    def fit(self, index: npt.NDArray[np.int64], totals: Float) -> Self:
        """Fit on the table's sessions at these indices."""
        part = replace(self.data.take(np.asarray(index)[:, 0].astype(int)), totals=np.asarray(totals))
        self.regressor_ = fit_regressor(self.model, part, self.seed)
        return self

    def predict(self, index: npt.NDArray[np.int64]) -> Float:
        """Totals (n,) of the table's sessions at these indices."""
        return self.regressor_.predict(self.data.take(np.asarray(index)[:, 0].astype(int)).described)
