"""The models that a PHQ head is selected from, behind one function: labelled sessions in, a `Regressor` out.

Models that scikit-learn and PyTorch fit are converted to plain arrays (`fer_phq.models.regressors`), so every
measurement is of exactly what will run.
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
from training.phq.models.library_internals import boosted_trees, kernel_width
from training.phq.models.ridge import BlockScaler, block_uses, fit_ridge

Float = npt.NDArray[np.float64]
INNER_FOLDS = 5
COSTS = (0.5, 2.0, 8.0)
LEAVES = (4, 8)


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """The design matrix of one modality set: labelled sessions as models read them.

    Attributes:
        rows: (n, p) float64, functionals of each session; NaN where nothing was measured.
        totals: (n,) float64, PHQ scores.
        subjects: (n,) int64, the number of each session's person.
        blocks: (p,) the block that each column of `rows` belongs to.
        windows: Of each session (windows, width) float32, which only the attention network reads; empty without them.
        window_modalities: (width,) the modality of each column of the windows.
        maximum: The scale's highest total.
        items: (n, 8 or 9) float64, the questionnaires' answers, 0 to 3, in rows of NaN where only the total is known;
            None where that is so of all. Only the attention network reads them.
    """

    rows: Float
    totals: Float
    subjects: npt.NDArray[np.int64]
    blocks: tuple[str, ...]
    windows: tuple[FloatArray, ...] = ()
    window_modalities: tuple[str, ...] = ()
    maximum: int = Scale.PHQ8.maximum
    items: Float | None = None

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.rows)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the same matrix: it is never changed, and scikit-learn copies settings for every fold."""
        return self

    def take(self, positions: npt.NDArray[np.int64]) -> FeatureMatrix:
        """Return the sessions at these positions (k,)."""
        return replace(
            self,
            rows=self.rows[positions],
            totals=self.totals[positions],
            subjects=self.subjects[positions],
            windows=tuple(self.windows[i] for i in positions) if self.windows else (),
            items=None if self.items is None else self.items[positions],
        )

    @property
    def described(self) -> RegressorInput:
        """The sessions as regressors read them."""
        return RegressorInput(self.rows, self.windows)

    @property
    def subject_count(self) -> int:
        """Number of different people."""
        return len(np.unique(self.subjects))


def fit_regressor(model: str, data: FeatureMatrix, seed: int = 0) -> Regressor:
    """Fit a model, with settings found by cross-validation over subjects.

    Args:
        model: The model's name, a key of `FAMILIES`.
        data: Labelled sessions.
        seed: Seed of the fit, where it is random.

    Raises:
        ValueError: There is no such model.
    """
    if model == "floor":
        width = data.rows.shape[1]
        return LinearRegressor(np.zeros(width), np.zeros(width), np.array(data.totals.mean()))
    if model == "boosting":
        boosting = _Boosting(**_BOOSTING, random_state=seed)
        return _trees(_search(boosting, {"max_leaf_nodes": list(LEAVES)}, data))
    if model == "svr":
        pipeline = Pipeline([("scale", BlockScaler(data.blocks)), ("fit", SVR())])
        return _kernel(_search(pipeline, _svr_grid(data), data))
    if model == "ridge":
        return fit_ridge(data.rows, data.totals, data.subjects, data.blocks)
    if model == "attention":
        modalities = data.window_modalities
        return fit_attention(data.windows, modalities, data.totals, data.subjects, data.maximum, seed, data.items)
    raise ValueError(f"no model '{model}'")


_BOOSTING: dict[str, Any] = {"max_iter": 60, "learning_rate": 0.08, "min_samples_leaf": 8, "l2_regularization": 1.0}


class _Boosting(HistGradientBoostingRegressor):  # type: ignore[misc]
    """Gradient boosting for which a column that was never measured is constant: scikit-learn's own fails on it."""

    def fit(self, rows: Float, totals: Float) -> Self:
        """Fit trees on rows (n, p), NaN where not measured, and totals (n,)."""
        unmeasured = ~np.isfinite(rows).any(axis=0)
        super().fit(np.where(unmeasured, 0.0, rows), totals)
        return self


def _svr_grid(data: FeatureMatrix) -> dict[str, Any]:
    return {"fit__C": list(COSTS), "scale__use": block_uses(data.blocks)}


def _search(estimator: Any, grid: dict[str, Any], data: FeatureMatrix) -> Any:
    """Return the estimator with the settings of the lowest squared error on left-out subjects, fitted on everything."""
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
        gamma=np.array(kernel_width(svr)),
        bias=np.array(svr.intercept_[0]),
    )


def _trees(model: Any) -> TreeRegressor:
    """Join all trees' nodes into one list."""
    boosted = boosted_trees(model)
    nodes = boosted.nodes
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
        baseline=np.array(boosted.baseline),
    )


class IndexedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A model behind scikit-learn's interface, over indices of a matrix, so that every fold has the subjects too."""

    def __init__(self, data: FeatureMatrix, model: str, seed: int = 0) -> None:
        """Keep the settings, as scikit-learn asks.

        Args:
            data: Labelled sessions.
            model: The model's name, a key of `FAMILIES`.
            seed: Seed of the fit.
        """
        self.data = data
        self.model = model
        self.seed = seed

    def fit(self, index: npt.NDArray[np.int64], totals: Float) -> Self:
        """Fit on some of the sessions.

        Args:
            index: (k, 1) int64, their positions.
            totals: (k,) float64, their scores.
        """
        part = replace(self.data.take(np.asarray(index)[:, 0].astype(int)), totals=np.asarray(totals))
        self.regressor_ = fit_regressor(self.model, part, self.seed)
        return self

    def predict(self, index: npt.NDArray[np.int64]) -> Float:
        """Return the totals (k,) that the model gives the sessions at these positions (k, 1)."""
        return self.regressor_.predict(self.data.take(np.asarray(index)[:, 0].astype(int)).described)
