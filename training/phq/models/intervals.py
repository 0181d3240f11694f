"""Cross-conformal intervals over folds grouped by subject, which MAPIE fits, and the part of them that a head keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mapie.regression import CrossConformalRegressor
from sklearn.model_selection import GroupKFold

from fer_phq.models.conformal import FoldErrors, scale_errors
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
        left_out: Errors of the sessions by the regressors that left them out.
        estimates: (n,) float64, estimates of the sessions by these regressors, in points.
        conformal: MAPIE's own regressor over indices of the matrix, with plain CV+ intervals.
    """

    whole: Regressor
    folds: tuple[Regressor, ...]
    left_out: FoldErrors
    estimates: Float
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
    regressors = tuple(estimator.regressor_ for estimator in fitted.folds)
    estimates = np.zeros(len(data))
    for fold, regressor in enumerate(regressors):
        members = np.flatnonzero(fitted.fold_of == fold)
        estimates[members] = regressor.predict(data.take(members).described)
    return CalibratedModel(
        whole=fitted.whole.regressor_,
        folds=regressors,
        left_out=scale_errors(estimates, data.totals, fitted.fold_of, data.subjects),
        estimates=estimates,
        conformal=conformal,
    )
