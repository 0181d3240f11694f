"""Prediction intervals from what folds left out: CV+ with errors that are signed, scaled, and weighed by person.

CV+ (Barber, Candes, Ramdas & Tibshirani, 2021, Ann Stat 49:486-507; with one subject a fold, jackknife+) adds to each
fold's estimate of a new session the errors on what that fold left out. Here, as `benchmarks/bench_intervals.py` found
best:

- each error is divided by the error to expect at its estimate, a line that the other folds' errors give, and multiplied
  by that at the new estimate (locally weighted: Lei et al., 2018, J Am Stat Assoc 113:1094-1111);
- errors keep their sign, and each end of the interval misses half of what may be missed: scores lie far above their
  estimates more often than far below;
- each person weighs the same, however many sessions they have (Dunn, Wasserman & Ramdas, 2023, J Am Stat Assoc
  118:2491-2502), so that the interval covers one session of a new person.

With too few people for two ends of their own (below 19 at 90 %) errors count without their sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

LEAST_SHARE = 0.3
"""Share of the mean error below which the error to expect does not fall."""
SETTLED_PEOPLE = 15
"""Number of people at which the slope of the line is believed by half (measured on simulated people)."""


@dataclass(frozen=True, eq=False)
class FoldErrors:
    """Errors of m labelled sessions by the folds that left them out.

    Attributes:
        fold_of: (m,) int64, the fold that left each session out.
        errors: (m,) float64, score - estimate, as a multiple of the error to expect; of heads of an earlier version,
            which have no lines, |score - estimate| in points.
        lines: (folds, 3) float64, the error to expect: the estimate at which it is the mean, the mean, and the slope.
        mass: (m,) float64, how much each session weighs; a new person has what is left to 1.
    """

    fold_of: npt.NDArray[np.int64]
    errors: Float
    lines: Float | None = None
    mass: Float | None = None


def scale_errors(
    estimates: Float, scores: Float, fold_of: npt.NDArray[np.int64], subjects: npt.NDArray[np.int64]
) -> FoldErrors:
    """Scale and weigh the errors of a cross-validation.

    Args:
        estimates: (m,) float64, each session's by the fold that left it out, in points.
        scores: (m,) float64, in points.
        fold_of: (m,) int64, the fold that left each session out; a person's sessions are in one fold.
        subjects: (m,) int64, whose session each is.
    """
    errors = scores - estimates
    mass = weigh_sessions(subjects)
    folds = range(int(fold_of.max()) + 1)
    lines = np.array([fit_line(*(values[fold_of != fold] for values in (estimates, errors, mass))) for fold in folds])
    return FoldErrors(fold_of, errors / expected_errors(lines[fold_of], estimates), lines, mass)


def weigh_sessions(subjects: npt.NDArray[np.int64]) -> Float:
    """Return how much each session (m,) weighs: a person's together 1 / (people + 1).

    Args:
        subjects: (m,) int64, whose session each is.
    """
    _, codes, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    return np.asarray(1 / (counts[codes] * (len(counts) + 1)))


def fit_line(estimates: Float, errors: Float, mass: Float) -> Float:
    """Fit the error to expect at an estimate, with a slope that few people pull to 0.

    Args:
        estimates: (k,) float64, in points.
        errors: (k,) float64, in points.
        mass: (k,) float64, how much each session weighs.

    Returns:
        (3,) the mean estimate, the mean absolute error there, and the slope.
    """
    weights = mass / mass.sum()
    centre = weights @ estimates
    mean = max(float(weights @ np.abs(errors)), 1e-6)
    distance = estimates - centre
    spread = weights @ distance**2
    people = 1 / (weights @ weights)
    trust = people / (people + SETTLED_PEOPLE)
    slope = trust * (weights @ (distance * (np.abs(errors) - mean))) / spread if spread > 1e-9 else 0.0
    return np.array([centre, mean, slope])


def expected_errors(lines: Float, estimates: Float) -> Float:
    """Compute the error to expect.

    Args:
        lines: (k, 3) as `fit_line` returns them.
        estimates: (k,) or (k, n) float64, in points.

    Returns:
        As `estimates`, above 0.
    """
    centre, mean, slope = (part.reshape(-1, *(1,) * (estimates.ndim - 1)) for part in lines.T)
    return np.asarray(np.maximum(mean + slope * (estimates - centre), LEAST_SHARE * mean))


def conformal_bounds(left_out: FoldErrors, fold_estimates: Float, level: float) -> tuple[Float, Float]:
    """Compute the ends of prediction intervals.

    Args:
        left_out: The errors of the labelled sessions.
        fold_estimates: (folds, n) each fold's estimates of n new sessions, in points.
        level: Share of new people whose score the interval is to hold, 0 to 1.

    Returns:
        Lower and upper ends, each (n,); infinite where there are too few people for the level.
    """
    if left_out.lines is None or left_out.mass is None:
        return cross_conformal(fold_estimates, left_out.fold_of, left_out.errors, level)
    scales = expected_errors(left_out.lines, fold_estimates)[left_out.fold_of]
    errors = left_out.errors[:, None] * scales
    tail = (1 + level) / 2
    if left_out.mass.sum() < tail - 1e-9:
        errors = np.abs(errors)
        tail = level
        low = fold_estimates[left_out.fold_of] - errors
    else:
        low = fold_estimates[left_out.fold_of] + errors
    high = fold_estimates[left_out.fold_of] + errors
    return -weighted_bound(-low, left_out.mass, tail), weighted_bound(high, left_out.mass, tail)


def weighted_bound(values: Float, mass: Float, share: float) -> Float:
    """Find the smallest of the values up to which a share of the mass lies.

    Args:
        values: (m, n) float64.
        mass: (m,) float64, how much each row weighs; what is left to 1 lies at infinity.
        share: 0 to 1.

    Returns:
        (n,) float64, infinite where all the values hold less.
    """
    order = np.argsort(values, axis=0)
    reached = np.cumsum(mass[order], axis=0) >= share - 1e-9
    bound = np.take_along_axis(np.take_along_axis(values, order, 0), reached.argmax(0)[None], 0)[0]
    return np.where(reached.any(0), bound, np.inf)


def cross_conformal(
    fold_estimates: Float, fold_of: npt.NDArray[np.int64], errors: Float, level: float
) -> tuple[Float, Float]:
    """Compute plain CV+ bounds, as heads of an earlier version have them.

    Args:
        fold_estimates: (folds, n) each fold's estimates of n new sessions.
        fold_of: (m,) the fold that left out each of the training's m sessions.
        errors: (m,) absolute errors of their folds on them.
        level: Share of new subjects whose score the interval is to hold, 0 to 1.

    Returns:
        Lower and upper bounds, each (n,); infinite where there are too few errors for the level.
    """
    estimates = fold_estimates[fold_of]  # (m, n)
    m, n = estimates.shape
    rank = math.ceil((m + 1) * level)
    if rank > m:
        return np.full(n, -np.inf), np.full(n, np.inf)
    low = np.sort(estimates - errors[:, None], axis=0)[m - rank]
    return low, np.sort(estimates + errors[:, None], axis=0)[rank - 1]
