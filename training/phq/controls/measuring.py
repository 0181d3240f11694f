"""Measurement of the controls of a head: each is a ridge regression of its own, on people that it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fer_phq.core.messages import Message
from fer_phq.core.phq import Scale
from fer_phq.models.evidence.controls import Control, ControlFigures, ControlName
from fer_phq.models.evidence.fields import Bounded
from training.phq.controls.comparison import Estimates, bound_ccc, compare_errors, correlate_beyond, rmse
from training.phq.controls.sources import ControlInput, collect_inputs
from training.phq.data.dataset import LabelledDataset
from training.phq.metrics import LEVEL
from training.phq.models.candidates import FeatureMatrix, Float
from training.phq.selection import estimate_left_out, outer_folds

REPEATS = 3
SHUFFLES = 5
"""How often a head's model is fitted to shuffled labels."""
EXCHANGES = 500
"""How often scores are exchanged beside the estimates of a head that is not fitted again."""


def measure_controls(data: LabelledDataset, head: Estimates, shuffled: Control, seed: int = 0) -> tuple[Control, ...]:
    """Measure all controls of a head.

    Args:
        data: The n sessions of the head, with what controls read.
        head: The head's estimates of them, people left out.
        shuffled: The control whose scores were exchanged (`refit_shuffled`, `exchange_scores`).
        seed: Seed of folds and bootstrap.
    """
    inputs = collect_inputs(data)
    return (*(_measure(name, source, head, data.scale, seed) for name, source in inputs.items()), shuffled)


def _measure(name: ControlName, source: ControlInput | Message, head: Estimates, scale: Scale, seed: int) -> Control:
    if isinstance(source, Message):
        return Control(name, missing=source)
    matrix = source.matrix
    control = cross_estimate(matrix, "ridge", scale, REPEATS, seed)
    scores = matrix.totals
    subjects = matrix.subjects
    estimates = head.values[:, source.positions]
    errors = control.values - scores
    return Control(
        name,
        ControlFigures(
            sessions=len(scores),
            subjects=matrix.subject_count,
            columns=source.columns,
            mae=float(np.abs(errors).mean()),
            rmse=rmse(errors),
            ccc=bound_ccc(control.values, scores, subjects, seed),
            head_rmse=rmse(estimates - scores),
            above_mean=compare_errors(errors, control.floor - scores, subjects, seed),
            head_gain=compare_errors(estimates - scores, errors, subjects, seed),
            beyond=correlate_beyond(estimates.mean(0), control.values.mean(0), scores, subjects, seed),
        ),
    )


def cross_estimate(matrix: FeatureMatrix, model: str, scale: Scale, repeats: int, seed: int) -> Estimates:
    """Estimate every session by models that have not seen its subject.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; estimates are clipped to it.
        repeats: How often, with other folds.
        seed: Seed of the folds.
    """
    pairs = [
        estimate_left_out(matrix, model, scale, outer_folds(matrix, seed + repeat), seed) for repeat in range(repeats)
    ]
    values, floor = zip(*pairs, strict=True)
    return Estimates(np.stack(values), np.stack(floor))


def refit_shuffled(matrix: FeatureMatrix, head: Estimates, model: str, scale: Scale, seed: int) -> Control:
    """Fit a head's model to scores that were exchanged between people: what it finds then, the procedure lets in.

    Args:
        matrix: The sessions of the head.
        head: The head's estimates of them, people left out.
        model: The head's model, a key of `FAMILIES`.
        scale: The scale of the scores.
        seed: Seed of the exchange and of the folds.
    """
    rng = np.random.default_rng(seed)
    donors = [exchange_people(matrix.subjects, rng) for _ in range(SHUFFLES)]
    exchanged = [give_scores(matrix, donor) for donor in donors]
    runs = [cross_estimate(part, model, scale, 1, seed + i) for i, part in enumerate(exchanged)]
    totals = np.stack([part.totals for part in exchanged])
    values = np.concatenate([run.values for run in runs])
    floor = np.concatenate([run.floor for run in runs])
    subjects = matrix.subjects
    return Control(
        ControlName.SHUFFLED,
        ControlFigures(
            sessions=len(matrix),
            subjects=matrix.subject_count,
            columns=(model,),
            mae=float(np.abs(values - totals).mean()),
            rmse=rmse(values - totals),
            ccc=bound_ccc(values, totals, subjects, seed),
            head_rmse=rmse(head.values - matrix.totals),
            above_mean=compare_errors(values - totals, floor - totals, subjects, seed),
            head_gain=compare_errors(head.values - matrix.totals, values - totals, subjects, seed),
            beyond=None,
        ),
    )


def exchange_scores(data: LabelledDataset, head: Estimates, seed: int) -> Control:
    """Compare a head that is not fitted again with scores that were exchanged between people: a permutation test.

    Args:
        data: The n sessions.
        head: The head's estimates of them; the head has not seen their people.
        seed: Seed of the exchange.
    """
    rng = np.random.default_rng(seed)
    estimates = head.values.mean(0)
    scores = data.totals
    shuffled = np.stack([scores[exchange_people(data.subjects, rng)] for _ in range(EXCHANGES)])
    errors = np.sqrt(((estimates - shuffled) ** 2).mean(1))
    means = np.sqrt(((head.floor.mean(0) - shuffled) ** 2).mean(1))
    cccs = [phq_ccc(estimates, row) for row in shuffled]
    head_rmse = rmse(estimates - scores)
    return Control(
        ControlName.EXCHANGED,
        ControlFigures(
            sessions=len(data),
            subjects=data.people,
            columns=("estimates",),
            mae=float(np.abs(estimates - shuffled).mean()),
            rmse=float(errors.mean()),
            ccc=_percentiles(np.array(cccs)),
            head_rmse=head_rmse,
            above_mean=_percentiles(means - errors),
            head_gain=_percentiles(errors - head_rmse),
            beyond=None,
        ),
    )


def exchange_people(subjects: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw for each session the session of another person whose score it gets; people are exchanged whole.

    Args:
        subjects: (n,) int64, whose session each is.
        rng: Draws who is exchanged with whom.

    Returns:
        (n,) int64 positions. A person with more sessions than the other gets the other's again from the first.
    """
    counts = np.unique(subjects, return_counts=True)[1]
    members = np.split(np.argsort(subjects, kind="stable"), np.cumsum(counts)[:-1])
    order = rng.permutation(len(members))
    donors = np.empty(len(subjects), np.int64)
    for person, giver in zip(order, np.roll(order, -1), strict=True):
        donors[members[person]] = np.resize(members[giver], len(members[person]))
    return donors


def phq_ccc(estimates: Float, scores: Float) -> float:
    """Compute the concordance of estimates with scores; 0 where neither varies.

    Args:
        estimates: (n,) float64, in points.
        scores: (n,) float64, in points.
    """
    spread = estimates.var() + scores.var() + (estimates.mean() - scores.mean()) ** 2
    covariance = ((estimates - estimates.mean()) * (scores - scores.mean())).mean()
    return float(2 * covariance / spread) if spread > 1e-12 else 0.0


def give_scores(matrix: FeatureMatrix, donors: npt.NDArray[np.int64]) -> FeatureMatrix:
    """Return sessions with the scores and the answers of others.

    Args:
        matrix: Labelled sessions.
        donors: (n,) int64, the session whose score each gets.
    """
    items = None if matrix.items is None else matrix.items[donors]
    return replace(matrix, totals=matrix.totals[donors], items=items)


def _percentiles(values: Float) -> Bounded:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Bounded(float(values.mean()), float(low), float(high))
