"""Compare models on labelled sessions, select one a modality set, and fit it with its interval: a `PhqHead`.

Every figure is of people whom the model has not seen: cross-validation grouped by subject, repeated with other folds,
and inside each fold once more for the model's own settings (nested).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold

from fer_phq.core.phq import Scale
from fer_phq.features.functionals import mean_and_sd
from fer_phq.models.conformal import conformal_bounds
from fer_phq.models.head_report import (
    RIDGE_ONLY_BELOW,
    IntervalFigures,
    LearningCurvePoint,
    PhqFigures,
    Screening,
    TrainingStep,
)
from fer_phq.models.phq_head import PhqHead, columns_digest, compute_distance
from training.phq.data.dataset import HeadData
from training.phq.metrics import interval_figures, phq_figures, screening
from training.phq.models.candidates import FeatureMatrix, Float, fit_regressor
from training.phq.models.intervals import LEVEL, CalibratedModel, calibrate

Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""(training, left out) positions of sessions."""

StepHook = Callable[[TrainingStep], None]
"""Receives how each model does, after every fold."""

FoldHook = Callable[[Float, Float], None]
"""Receives a fold's errors, of the model and of the mean that the model was trained on."""

OUTER_FOLDS = 5
REPEATS = 3

USUAL = 1.2
"""A session is unlike the training's beyond this many times the largest distance of a left-out person's session."""


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """A model's estimates of people that it has not seen.

    Attributes:
        model: The model's name, a key of `FAMILIES`.
        estimates: (repeats, n) float64, in points.
        figures: Errors and agreement over all repeats.
        screening: The estimates read as a screen.
    """

    model: str
    estimates: Float
    figures: PhqFigures
    screening: Screening


@dataclass(frozen=True, eq=False)
class Bounds:
    """Prediction intervals of n sessions, in points.

    Attributes:
        low: (n,) float64, lower ends.
        high: (n,) float64, upper ends.
    """

    low: Float
    high: Float


@dataclass(frozen=True, eq=False)
class HeadFit:
    """A fitted head with the evidence for it.

    Attributes:
        head: The head of the selected model.
        validations: Every model that was compared.
        interval: Figures of the prediction interval on the sessions that each fold left out.
        bounds: These intervals.
        data: What the head was fitted on.
    """

    head: PhqHead
    validations: tuple[CrossValidation, ...]
    interval: IntervalFigures
    bounds: Bounds
    data: HeadData

    @property
    def selected(self) -> CrossValidation:
        """The validation of the head's model."""
        return next(validation for validation in self.validations if validation.model == self.head.model)


def models_for(subjects: int, quick: bool) -> tuple[str, ...]:
    """Return the names of the models to compare; the floor is always among them.

    Args:
        subjects: Number of people.
        quick: Whether to try ridge regression alone.
    """
    if quick or subjects < RIDGE_ONLY_BELOW:
        return ("floor", "ridge")
    return ("floor", "ridge", "svr", "boosting", "attention")


def fit_head(
    data: HeadData,
    scale: Scale,
    quick: bool = False,
    seed: int = 0,
    level: float = LEVEL,
    on_step: StepHook = lambda _: None,
) -> HeadFit:
    """Compare models, select one, fit it and calibrate its interval for one set of modalities.

    Args:
        data: Sessions that have these modalities.
        scale: The scale of their scores.
        quick: Whether to try ridge regression alone, with one repetition of the cross-validation.
        seed: Seed of the folds.
        level: Level of the prediction interval, 0 to 1.
        on_step: Called after every fold.
    """
    matrix = data.matrix
    repeats = 1 if quick else REPEATS
    validations = [
        cross_validate(matrix, model, scale, repeats, seed, _step_reporter(data, model, repeats, on_step))
        for model in models_for(matrix.subject_count, quick)
    ]
    model = select_model(validations, matrix)
    calibrated = calibrate(matrix, model, level, seed)
    bounds = validate_interval(matrix, model, scale, level, seed)
    interval = interval_figures(bounds.low, bounds.high, matrix.totals, level)
    return HeadFit(make_head(data, model, calibrated), tuple(validations), interval, bounds, data)


def _step_reporter(data: HeadData, model: str, repeats: int, on_step: StepHook) -> FoldHook:
    """Return a hook that accumulates the folds' errors and reports the RMSE so far."""
    total_folds = repeats * min(OUTER_FOLDS, data.matrix.subject_count)
    model_errors = list[Float]()
    floor_errors = list[Float]()

    def on_fold(errors: Float, errors_of_mean: Float) -> None:
        model_errors.append(errors)
        floor_errors.append(errors_of_mean)
        rmse = _rmse(model_errors)
        floor = _rmse(floor_errors)
        on_step(TrainingStep(data.modalities, model, len(model_errors), total_folds, rmse, floor))

    return on_fold


def _rmse(errors: Sequence[Float]) -> float:
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def cross_validate(
    matrix: FeatureMatrix,
    model: str,
    scale: Scale,
    repeats: int,
    seed: int,
    on_fold: FoldHook = lambda *_: None,
) -> CrossValidation:
    """Estimate every session by models that have not seen its subject.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; estimates are clipped to it.
        repeats: How often the cross-validation is repeated, with other folds.
        seed: Seed of the folds.
        on_fold: Called after every fold.
    """
    estimates = np.zeros((repeats, len(matrix)))
    floor = np.zeros((repeats, len(matrix)))
    for repeat in range(repeats):
        folds = outer_folds(matrix, seed + repeat)
        estimates[repeat], floor[repeat] = estimate_left_out(matrix, model, scale, folds, seed, on_fold)
    scores = np.tile(matrix.totals, repeats)
    subjects = np.tile(matrix.subjects, repeats)
    figures = phq_figures(estimates.ravel(), scores, floor.ravel(), subjects, seed)
    return CrossValidation(model, estimates, figures, screening(estimates.ravel(), scores))


def outer_folds(matrix: FeatureMatrix, seed: int) -> list[Fold]:
    """Split sessions into folds; all sessions of a subject are on one side.

    Args:
        matrix: Labelled sessions.
        seed: Seed of the split.
    """
    folds = GroupKFold(min(OUTER_FOLDS, matrix.subject_count), shuffle=True, random_state=seed)
    return list(folds.split(matrix.rows, groups=matrix.subjects))


def estimate_left_out(
    matrix: FeatureMatrix,
    model: str,
    scale: Scale,
    folds: Sequence[Fold],
    seed: int,
    on_fold: FoldHook = lambda *_: None,
) -> tuple[Float, Float]:
    """Estimate each session by a model that left it out.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; estimates are clipped to it.
        folds: Positions to learn from and to estimate, which together are all.
        seed: Seed of the fits.
        on_fold: Called after every fold.

    Returns:
        Estimates (n,), and the mean (n,) of what each one's model learnt from.
    """
    estimates = np.zeros(len(matrix))
    floor = np.zeros(len(matrix))
    for train, test in folds:
        part = matrix.take(train)
        regressor = fit_regressor(model, part, seed)
        estimates[test] = np.clip(regressor.predict(matrix.take(test).described), 0, scale.maximum)
        floor[test] = part.totals.mean()
        on_fold(estimates[test] - matrix.totals[test], floor[test] - matrix.totals[test])
    return estimates, floor


def select_model(validations: Sequence[CrossValidation], matrix: FeatureMatrix) -> str:
    """Select ridge, unless another model's squared error over subjects is lower by more than a standard error.

    The simplest within a standard error (Breiman et al., 1984, Classification and Regression Trees, 3.4.3).

    Args:
        validations: The models that were compared, ridge among them.
        matrix: The sessions they were compared on.

    Returns:
        The selected model's name.
    """
    errors = {validation.model: subject_errors(validation.estimates, matrix) for validation in validations}
    best = "ridge"
    for model in errors:
        gain = errors[best] - errors[model]
        if model != "floor" and gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)):
            best = model
    return best


def subject_errors(estimates: Float, matrix: FeatureMatrix) -> Float:
    """Compute the mean squared error of each subject.

    Args:
        estimates: (repeats, n) float64, in points.
        matrix: The n sessions.

    Returns:
        (subjects,) float64.
    """
    square = ((estimates - matrix.totals) ** 2).mean(0)
    codes = np.unique(matrix.subjects, return_inverse=True)[1]
    return np.asarray(np.bincount(codes, square) / np.bincount(codes))


def make_head(data: HeadData, model: str, calibrated: CalibratedModel) -> PhqHead:
    """Build the head of a calibrated model, with the bounds beyond which it gives no estimate.

    Args:
        data: What the model was fitted on.
        model: The model's name, a key of `FAMILIES`.
        calibrated: The fitted model with its folds.
    """
    centre, spread = mean_and_sd(data.matrix.rows)
    return PhqHead(
        modalities=data.modalities,
        model=model,
        inputs=data.inputs,
        columns=columns_digest(data.columns),
        regressor=calibrated.whole,
        fold_regressors=calibrated.folds,
        left_out=calibrated.left_out,
        centre=centre,
        spread=spread,
        max_distance=USUAL * float(_left_out_distances(data.matrix, calibrated).max()),
        floor=float(data.matrix.totals.mean()),
    )


def _left_out_distances(matrix: FeatureMatrix, calibrated: CalibratedModel) -> Float:
    """(n,) distance of each session from the centre of the sessions outside its fold."""
    distances = np.zeros(len(matrix))
    fold_of = calibrated.left_out.fold_of
    for fold in np.unique(fold_of):
        left_out = fold_of == fold
        distances[left_out] = compute_distance(matrix.rows[left_out], *mean_and_sd(matrix.rows[~left_out]))
    return distances


def validate_interval(matrix: FeatureMatrix, model: str, scale: Scale, level: float, seed: int) -> Bounds:
    """Compute intervals of people that neither the model nor the interval has seen.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; intervals are clipped to it.
        level: Level of the interval, 0 to 1.
        seed: Seed of the folds.
    """
    low = np.zeros(len(matrix))
    high = np.zeros(len(matrix))
    for train, test in outer_folds(matrix, seed):
        calibrated = calibrate(matrix.take(train), model, level, seed)
        sessions = matrix.take(test).described
        fold_estimates = np.stack([fold.predict(sessions) for fold in calibrated.folds])
        scores = np.clip(calibrated.whole.predict(sessions), 0, scale.maximum)
        lower, upper = conformal_bounds(calibrated.left_out, fold_estimates, level)
        low[test] = np.clip(lower, 0, scores)
        high[test] = np.clip(upper, scores, scale.maximum)
    return Bounds(low, high)


def learning_curve(matrix: FeatureMatrix, model: str, scale: Scale, seed: int = 0) -> tuple[LearningCurvePoint, ...]:
    """Compute figures over a growing number of training subjects, drawn at random: 8, doubled until all take part.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; estimates are clipped to it.
        seed: Seed of the folds and of the draw.
    """
    folds = outer_folds(matrix, seed)
    most = min(len(np.unique(matrix.subjects[train])) for train, _ in folds)
    sizes = [8 * 2**i for i in range(20) if 8 * 2**i < most]
    return tuple(_curve_point(matrix, model, scale, folds, size, seed) for size in (*sizes, most))


def _curve_point(
    matrix: FeatureMatrix, model: str, scale: Scale, folds: Sequence[Fold], size: int, seed: int
) -> LearningCurvePoint:
    rng = np.random.default_rng(seed)
    smaller = []
    for train, test in folds:
        subjects = rng.permutation(np.unique(matrix.subjects[train]))[:size]
        smaller.append((train[np.isin(matrix.subjects[train], subjects)], test))
    estimates, floor = estimate_left_out(matrix, model, scale, smaller, seed)
    figures = phq_figures(estimates, matrix.totals, floor, matrix.subjects, seed)
    return LearningCurvePoint(size, figures.mae, figures.ccc)
