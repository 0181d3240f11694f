"""How far a selection can be trusted: the ranking of models over people drawn anew, and the gap to people held out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fer_phq.core.messages import Message
from fer_phq.core.phq import Scale
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import Gap, ModelRank
from fer_phq.models.head_report import FEWEST_SUBJECTS, PhqFigures
from training.phq import messages
from training.phq.metrics import RESAMPLES, phq_figures
from training.phq.models.candidates import FeatureMatrix, fit_regressor
from training.phq.selection import (
    OUTER_FOLDS,
    CrossValidation,
    cross_validate,
    models_for,
    outer_folds,
    select_model,
    subject_errors,
)


def rank_models(validations: Sequence[CrossValidation], matrix: FeatureMatrix, seed: int) -> tuple[ModelRank, ...]:
    """Count how often each model has the lowest squared error when people are drawn anew.

    Args:
        validations: The models that were compared.
        matrix: The sessions they were compared on.
        seed: Seed of the bootstrap.

    Returns:
        The models, the one that comes first most often first.
    """
    errors = np.stack([subject_errors(validation.estimates, matrix) for validation in validations])
    people = errors.shape[1]
    counts = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), RESAMPLES)
    first = np.bincount((errors @ counts.T).argmin(0), minlength=len(errors)) / RESAMPLES
    ranks = [ModelRank(validation.model, float(share)) for validation, share in zip(validations, first, strict=True)]
    return tuple(sorted(ranks, key=lambda rank: -rank.first))


def measure_gap(matrix: FeatureMatrix, name: str, scale: Scale, quick: bool, seed: int) -> Gap | Message:
    """Select and fit a model without a fifth of the people, and compare its error in folds with that on the fifth.

    Args:
        matrix: Labelled sessions.
        name: Name of the set of modalities.
        scale: The scale of the scores.
        quick: Whether ridge regression alone is tried.
        seed: Seed of the split and of the folds.

    Returns:
        The gap, or why there is none.
    """
    people = matrix.subject_count
    if people < OUTER_FOLDS * FEWEST_SUBJECTS:
        return messages.TOO_FEW_HELD_OUT(people=people)
    train, held_out = outer_folds(matrix, seed)[0]
    part = matrix.take(train)
    validations = [cross_validate(part, model, scale, 1, seed) for model in models_for(part.subject_count, quick)]
    model = select_model(validations, part)
    folds = next(validation.figures for validation in validations if validation.model == model)
    rest = matrix.take(held_out)
    estimates = np.clip(fit_regressor(model, part, seed).predict(rest.described), 0, scale.maximum)
    floor = np.full(len(rest), part.totals.mean())
    return compare_figures(name, folds, phq_figures(estimates, rest.totals, floor, rest.subjects, seed))


def compare_figures(name: str, folds: PhqFigures, held_out: PhqFigures) -> Gap:
    """Compare errors of different people.

    Args:
        name: Name of the set of modalities.
        folds: Figures of a cross-validation.
        held_out: Figures of people who took no part in it.
    """
    ends = folds.intervals["mae"]
    held_out_ends = held_out.intervals["mae"]
    difference = held_out.mae - folds.mae
    below = math.hypot(held_out.mae - held_out_ends.low, ends.high - folds.mae)
    above = math.hypot(held_out_ends.high - held_out.mae, folds.mae - ends.low)
    bounded = Bounded(difference, difference - below, difference + above)
    return Gap(name, held_out.subjects, folds.mae, held_out.mae, bounded)
