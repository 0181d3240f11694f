"""Figures of PHQ estimates: errors and agreement with intervals over people, screening, calibration, coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from fer_phq.models.head_report import (
    FIGURES,
    CalibrationBin,
    GroupError,
    Interval,
    IntervalFigures,
    PhqFigures,
    Screening,
)

Float = npt.NDArray[np.float64]
RESAMPLES = 2000
LEVEL = 0.95
SCREENING = 10
"""A total from here on counts as a positive screen (Kroenke et al., 2001, J Gen Intern Med 16:606-613; PHQ-8: 2009)."""


def phq_figures(
    estimates: Float, scores: Float, floor: Float, subjects: npt.NDArray[np.int64], seed: int = 0
) -> PhqFigures:
    """Compute errors and agreement of estimates with their bootstrap intervals over people.

    Args:
        estimates: (n,) float64, in points.
        scores: (n,) float64, the questionnaires' totals.
        floor: (n,) float64, the training mean that each session would have got in place of its estimate.
        subjects: (n,) int64, whose session each is.
        seed: Seed of the bootstrap.
    """
    codes = np.unique(subjects, return_inverse=True)[1]
    sums = np.zeros((codes.max() + 1, 8))
    np.add.at(sums, codes, _terms(estimates, scores, floor))
    values = _figures(sums.sum(0)[None])[0]
    return PhqFigures(
        n=len(scores),
        subjects=len(sums),
        **{name: float(value) for name, value in zip(FIGURES, values, strict=True)},
        intervals=_bootstrap(sums, seed),
    )


def _terms(estimates: Float, scores: Float, floor: Float) -> Float:
    """(n, 8): what every figure is a function of the sums of."""
    terms = [
        np.ones_like(scores),
        scores,
        estimates,
        scores**2,
        estimates**2,
        scores * estimates,
        np.abs(estimates - scores),
        np.abs(floor - scores),
    ]
    return np.stack(terms, axis=1)


def _figures(sums: Float) -> Float:
    """(resamples, 6): `FIGURES` of sums (resamples, 8) of `_terms`."""
    n, y, p, yy, pp, yp, absolute, floor = sums.T
    mean_y = y / n
    mean_p = p / n
    var_y = np.maximum(yy / n - mean_y**2, 0)
    var_p = np.maximum(pp / n - mean_p**2, 0)
    covariance = yp / n - mean_y * mean_p
    square = np.maximum((yy - 2 * yp + pp) / n, 0)
    spread = var_y + var_p + (mean_y - mean_p) ** 2
    both = np.sqrt(var_y * var_p)
    ccc = np.where(spread > 1e-12, 2 * covariance / np.maximum(spread, 1e-12), 0)
    pearson = np.where(both > 1e-12, covariance / np.maximum(both, 1e-12), 0)
    r2 = np.where(var_y > 1e-12, 1 - square / np.maximum(var_y, 1e-12), 0)
    return np.stack([absolute / n, np.sqrt(square), ccc, pearson, r2, floor / n], axis=1)


def _bootstrap(sums: Float, seed: int) -> dict[str, Interval]:
    """Resample whole people: sessions of one person are not independent."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.quantile(_figures(counts @ sums), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {name: Interval(float(a), float(b)) for name, a, b in zip(FIGURES, low, high, strict=True)}


def screening(estimates: Float, scores: Float) -> Screening:
    """Compute how well estimates tell scores of `SCREENING` and above from those below, with the same cut on both.

    Args:
        estimates: (n,) float64, in points.
        scores: (n,) float64, the questionnaires' totals.
    """
    positive = scores >= SCREENING
    flagged = estimates >= SCREENING
    positives = int(positive.sum())
    negatives = int((~positive).sum())
    return Screening(
        positives=positives,
        negatives=negatives,
        auc=float(roc_auc_score(positive, estimates)) if positives and negatives else None,
        sensitivity=float(flagged[positive].mean()) if positives else None,
        specificity=float((~flagged[~positive]).mean()) if negatives else None,
    )


def interval_figures(low: Float, high: Float, scores: Float, level: float) -> IntervalFigures:
    """Compute coverage and mean width of prediction intervals.

    Args:
        low: (n,) float64, lower ends in points.
        high: (n,) float64, upper ends in points.
        scores: (n,) float64, the questionnaires' totals.
        level: Nominal level of the intervals, 0 to 1.
    """
    covered = (low <= scores) & (scores <= high)
    return IntervalFigures(level, float(covered.mean()), float((high - low).mean()))


def calibration_bins(estimates: Float, scores: Float, bins: int = 8) -> tuple[CalibrationBin, ...]:
    """Group sessions by rising estimates into equally filled bins.

    Args:
        estimates: (n,) float64, in points.
        scores: (n,) float64, the questionnaires' totals.
        bins: The most bins; there are fewer where a bin would have fewer than five sessions.
    """
    order = np.argsort(estimates, kind="stable")
    groups = np.array_split(order, max(1, min(bins, len(estimates) // 5)))
    return tuple(
        CalibrationBin(
            n=len(group),
            estimate=float(estimates[group].mean()),
            score=float(scores[group].mean()),
            standard_error=float(scores[group].std(ddof=1) / np.sqrt(len(group))) if len(group) > 1 else 0.0,
        )
        for group in groups
    )


def error_by_group(
    estimates: Float, scores: Float, subjects: npt.NDArray[np.int64], groups: Sequence[Mapping[str, str]]
) -> tuple[GroupError, ...]:
    """Compute the errors within every group of sessions.

    Args:
        estimates: (n,) float64, in points.
        scores: (n,) float64, the questionnaires' totals.
        subjects: (n,) int64, whose session each is.
        groups: n mappings of a column's name to the session's value; empty values are passed over.

    Returns:
        One entry for each column and value, in the order of the columns' names, then of the values.
    """
    columns = sorted({column for group in groups for column in group})
    errors = []
    for column in columns:
        values = np.array([group.get(column, "") for group in groups])
        for value in sorted(set(values) - {""}):
            members = values == value
            error = estimates[members] - scores[members]
            errors.append(
                GroupError(
                    column=column,
                    value=str(value),
                    n=len(error),
                    subjects=len(np.unique(subjects[members])),
                    mae=float(np.abs(error).mean()),
                    bias=float(error.mean()),
                )
            )
    return tuple(errors)
