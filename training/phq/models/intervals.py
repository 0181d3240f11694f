"""Cross-conformal intervals by MAPIE, over folds grouped by subject, and what a head keeps of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mapie.regression import CrossConformalRegressor
from sklearn.model_selection import GroupKFold

from fer_phq.models.regressors import Regressor
from training.phq.models.candidates import Float, Indexed, Table

LEVEL = 0.9

FOLDS = 10
ALONE = 40
"""With up to ALONE subjects each is left out alone: with fewer folds their models would see so little that the interval
would cover more than it says."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A model fitted on everything (whole) and on all but each fold, with the absolute errors on what was left out."""

    whole: Regressor
    folds: tuple[Regressor, ...]
    fold_of: npt.NDArray[np.int64]
    errors: Float
    conformal: Any
    """MAPIE's own regressor over indices of the table."""


def calibrate(data: Table, model: str, level: float = LEVEL, seed: int = 0) -> Calibrated:
    """Fit a model with its CV+ interval. A subject is never on both sides of a fold."""
    people = data.subject_count
    folds = GroupKFold(people if people <= ALONE else FOLDS, shuffle=True, random_state=seed)
    conformal = CrossConformalRegressor(
        Indexed(data, model, seed),
        confidence_level=level,
        method="plus",
        cv=folds,
    )
    index = np.arange(len(data))[:, None]
    conformal.fit_conformalize(index, data.totals, groups=data.subjects)
    inner = conformal._mapie_regressor  # MAPIE shows neither its fold models nor their errors
    estimator = inner.estimator_
    return Calibrated(
        whole=estimator.single_estimator_.regressor_,
        folds=tuple(one.regressor_ for one in estimator.estimators_),
        fold_of=np.argmax(estimator.k_ == 1, axis=1),
        errors=np.abs(np.asarray(inner.conformity_scores_, np.float64)),
        conformal=conformal,
    )
