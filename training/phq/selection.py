"""Compare models on labelled sessions, choose one a modality set, and fit it with its interval: a `PhqHead`.

Everything is judged on people whom the model has not seen: cross-validation grouped by subject, repeated with other
folds, and inside each fold once more for the model's own settings (nested).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold

from fer_phq.core.phq import Scale
from fer_phq.features.functionals import mean_and_sd
from fer_phq.models.phq_head import PhqHead, columns_digest, compute_distance, cross_conformal
from training.phq.data.tables import SetTable
from training.phq.metrics import (
    IntervalFigures,
    PhqFigures,
    Screening,
    interval_figures,
    phq_figures,
    screening,
)
from training.phq.models.candidates import Float, Table, fit_regressor
from training.phq.models.intervals import LEVEL, Calibrated, calibrate

Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

OUTER_FOLDS = 5
REPEATS = 3
RIDGE_ONLY_BELOW = 20
"""With fewer people than this only ridge is tried: a choice between models would be a choice between chances."""

USUAL = 1.2
"""A session is unlike the training's beyond this many times the largest distance of a left-out person's session."""


@dataclass(frozen=True)
class Step:
    """How far the judging of a model is: folds done of all, and the RMSE so far beside that of answering the mean."""

    modalities: tuple[str, ...]
    model: str
    folds: int
    of: int
    rmse: float
    floor: float


Watch = Callable[[Step], None]
"""Is told after every fold."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A model under cross-validation: estimates (repeats, n), and its figures."""

    model: str
    given: Float
    figures: PhqFigures
    screening: Screening


@dataclass(frozen=True, eq=False)
class FittedSet:
    """A modality set's head, with every model's figures and the interval's on the sessions each fold left out."""

    head: PhqHead
    judged: tuple[Judged, ...]
    interval: IntervalFigures
    data: SetTable

    @property
    def chosen(self) -> Judged:
        """The figures of the head's model."""
        return next(one for one in self.judged if one.model == self.head.model)


def models_for(subjects: int, quick: bool) -> tuple[str, ...]:
    """Which models are tried on so many people; the floor is always there to compare with."""
    if quick or subjects < RIDGE_ONLY_BELOW:
        return ("floor", "ridge")
    return ("floor", "ridge", "svr", "boosting", "attention")


def fit_set(
    data: SetTable,
    scale: Scale,
    quick: bool = False,
    seed: int = 0,
    level: float = LEVEL,
    watch: Watch = lambda _: None,
) -> FittedSet:
    """Compare, choose, fit and calibrate one modality set. watch: is told how each model does, after every fold."""
    table = data.table
    repeats = 1 if quick else REPEATS
    judged = [
        judge(table, model, scale, repeats, seed, _stepper(data, model, repeats, watch))
        for model in models_for(table.subject_count, quick)
    ]
    chosen = choose_model(judged, table)
    calibrated = calibrate(table, chosen, level, seed)
    head = make_head(data, chosen, calibrated)
    return FittedSet(head, tuple(judged), judge_interval(table, chosen, scale, level, seed), data)


def _stepper(data: SetTable, model: str, repeats: int, watch: Watch) -> Callable[[Float, Float], None]:
    """Adds a fold's errors, of the model and of the mean, to those before, and tells."""
    names = tuple(map(str, data.modalities))
    of = repeats * min(OUTER_FOLDS, data.table.subject_count)
    own = list[Float]()
    mean = list[Float]()
    folds = 0

    def after(errors: Float, floor_errors: Float) -> None:
        nonlocal folds
        folds += 1
        own.append(errors)
        mean.append(floor_errors)
        rmse, floor = (float(np.sqrt(np.mean(np.concatenate(all_) ** 2))) for all_ in (own, mean))
        watch(Step(names, model, folds, of, rmse, floor))

    return after


def judge(
    table: Table,
    model: str,
    scale: Scale,
    repeats: int,
    seed: int,
    after: Callable[[Float, Float], None] = lambda *_: None,
) -> Judged:
    """Estimates of every session by models that have not seen its subject, and their figures.

    after: is given every fold's errors, of the model and of the mean it was trained on.
    """
    given = np.zeros((repeats, len(table)))
    floor = np.zeros((repeats, len(table)))
    for repeat in range(repeats):
        folds = outer_folds(table, seed + repeat)
        given[repeat], floor[repeat] = _left_out(table, model, scale, folds, seed, after)
    true = np.tile(table.totals, repeats)
    subjects = np.tile(table.subjects, repeats)
    figures = phq_figures(given.ravel(), true, floor.ravel(), subjects, seed)
    return Judged(model, given, figures, screening(given.ravel(), true))


def outer_folds(table: Table, seed: int) -> list[Fold]:
    """(training, left out) positions of each fold: all sessions of a subject on one side."""
    folds = GroupKFold(min(OUTER_FOLDS, table.subject_count), shuffle=True, random_state=seed)
    return list(folds.split(table.rows, groups=table.subjects))


def _left_out(
    table: Table,
    model: str,
    scale: Scale,
    folds: Sequence[Fold],
    seed: int,
    after: Callable[[Float, Float], None] = lambda *_: None,
) -> tuple[Float, Float]:
    """Of each session the estimate (n,) of the model that left it out, and the mean (n,) that model was trained on."""
    given = np.zeros(len(table))
    floor = np.zeros(len(table))
    for train, test in folds:
        part = table.take(train)
        given[test] = np.clip(fit_regressor(model, part, seed).predict(table.take(test).described), 0, scale.maximum)
        floor[test] = part.totals.mean()
        after(given[test] - table.totals[test], floor[test] - table.totals[test])
    return given, floor


def choose_model(judged: Sequence[Judged], table: Table) -> str:
    """Ridge, unless another's squared error over subjects is lower by more than one standard error of the difference.

    The simplest within a standard error (Breiman et al., 1984, Classification and Regression Trees, 3.4.3).
    """
    errors = {one.model: _subject_errors(one.given, table) for one in judged}
    best = "ridge"
    for model in errors:
        gain = errors[best] - errors[model]
        if model != "floor" and gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)):
            best = model
    return best


def _subject_errors(given: Float, table: Table) -> Float:
    """Mean squared error of each subject (subjects,)."""
    square = ((given - table.totals) ** 2).mean(0)
    codes = np.unique(table.subjects, return_inverse=True)[1]
    return np.asarray(np.bincount(codes, square) / np.bincount(codes))


def make_head(data: SetTable, model: str, calibrated: Calibrated) -> PhqHead:
    """The head of a calibrated model, with the bounds of what it may judge."""
    centre, spread = mean_and_sd(data.table.rows)
    return PhqHead(
        modalities=data.modalities,
        model=model,
        inputs=data.inputs,
        columns=columns_digest(data.columns),
        regressor=calibrated.whole,
        fold_regressors=calibrated.folds,
        fold_of=calibrated.fold_of,
        errors=calibrated.errors,
        centre=centre,
        spread=spread,
        max_distance=USUAL * float(_left_out_distances(data.table, calibrated).max()),
        floor=float(data.table.totals.mean()),
    )


def _left_out_distances(table: Table, calibrated: Calibrated) -> Float:
    """(n,) distance of each session from the others' centre."""
    out = np.zeros(len(table))
    for fold in np.unique(calibrated.fold_of):
        left_out = calibrated.fold_of == fold
        out[left_out] = compute_distance(table.rows[left_out], *mean_and_sd(table.rows[~left_out]))
    return out


def judge_interval(table: Table, model: str, scale: Scale, level: float, seed: int) -> IntervalFigures:
    """The interval's figures for people that neither the model nor the interval has seen."""
    low = np.zeros(len(table))
    high = np.zeros(len(table))
    for train, test in outer_folds(table, seed):
        fitted = calibrate(table.take(train), model, level, seed)
        given = table.take(test).described
        left_out = np.stack([fold.predict(given) for fold in fitted.folds])
        low[test], high[test] = cross_conformal(left_out, fitted.fold_of, fitted.errors, level)
    return interval_figures(np.clip(low, 0, scale.maximum), np.clip(high, 0, scale.maximum), table.totals, level)


@dataclass(frozen=True)
class CurvePoint:
    """What a model reaches with fewer people: mae and ccc on people left out, trained on so many subjects."""

    subjects: int
    mae: float
    ccc: float


def learning_curve(table: Table, model: str, scale: Scale, seed: int = 0) -> tuple[CurvePoint, ...]:
    """Figures over a growing number of training subjects, doubling from 8 (5 folds; the subjects drawn at random)."""
    folds = outer_folds(table, seed)
    most = min(len(np.unique(table.subjects[train])) for train, _ in folds)
    sizes = [8 * 2**i for i in range(20) if 8 * 2**i < most]
    return tuple(_curve_point(table, model, scale, folds, size, seed) for size in (*sizes, most))


def _curve_point(table: Table, model: str, scale: Scale, folds: Sequence[Fold], size: int, seed: int) -> CurvePoint:
    rng = np.random.default_rng(seed)
    smaller = []
    for train, test in folds:
        drawn = rng.permutation(np.unique(table.subjects[train]))[:size]
        smaller.append((train[np.isin(table.subjects[train], drawn)], test))
    given, floor = _left_out(table, model, scale, smaller, seed)
    figures = phq_figures(given, table.totals, floor, table.subjects, seed)
    return CurvePoint(size, figures.mae, figures.ccc)
