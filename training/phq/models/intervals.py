"""Cross-conformal intervals by MAPIE, over folds grouped by subject, and the part of them that a head keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mapie.regression import CrossConformalRegressor
from sklearn.model_selection import GroupKFold

from fer_phq.models.regressors import Regressor
from training.phq.models.candidates import FeatureMatrix, Float, IndexedRegressor
from training.phq.models.library_internals import conformal_folds

LEVEL = 0.9

FOLDS = 10
ALONE = 40
"""With up to ALONE subjects each is left out alone: with fewer folds their models would see so little that the interval
would cover more than it says."""


@dataclass(frozen=True, eq=False)
class CalibratedModel:
    """A fitted model with its CV+ interval.

    Attributes:
        whole: Fitted on every session.
        folds: Each fitted on all sessions but those of its fold.
        fold_of: (n,) int64, the fold of each session.
        errors: (n,) float64, absolute error of each session by the regressor that left it out, in points.
        conformal: MAPIE's own regressor over indices of the matrix.
    """

    whole: Regressor
    folds: tuple[Regressor, ...]
    fold_of: npt.NDArray[np.int64]
    errors: Float
    conformal: Any


def calibrate(data: FeatureMatrix, model: str, level: float = LEVEL, seed: int = 0) -> CalibratedModel:
    """Fit a model with its CV+ interval. A subject is never on both sides of a fold.

    Args:
        data: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        level: Level of the interval, 0 to 1.
        seed: Seed of the folds.
    """
    people = data.subject_count
    folds = GroupKFold(people if people <= ALONE else FOLDS, shuffle=True, random_state=seed)
    conformal = CrossConformalRegressor(
        IndexedRegressor(data, model, seed),
        confidence_level=level,
        method="plus",
        cv=folds,
    )
    index = np.arange(len(data))[:, None]
    conformal.fit_conformalize(index, data.totals, groups=data.subjects)
    fitted = conformal_folds(conformal)
    return CalibratedModel(
        whole=fitted.whole.regressor_,
        folds=tuple(estimator.regressor_ for estimator in fitted.folds),
        fold_of=fitted.fold_of,
        errors=fitted.errors,
        conformal=conformal,
    )
