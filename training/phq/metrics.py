"""How good PHQ estimates are: figures, their intervals over subjects, and screening at a total of 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from training.emotion.metrics import Interval

Float = npt.NDArray[np.float64]
RESAMPLES = 2000
LEVEL = 0.95
SCREENING = 10
"""A total from here on counts as a positive screen (Kroenke et al., 2001, J Gen Intern Med 16:606-613; PHQ-8: 2009)."""

NAMES = ("mae", "rmse", "ccc", "pearson", "r2", "floor_mae")


@dataclass(frozen=True)
class PhqFigures:
    """Figures of n estimates of `subjects` people.

    mae, rmse: in points. ccc: concordance (Lin, 1989, Biometrics 45:255-268). pearson: 0 where the estimates or the
    totals do not vary. r2: 1 - squared error over that of the totals' own mean. floor_mae: of always answering the
    training's mean. intervals: LEVEL percentile bootstrap over subjects of each figure, by name.
    """

    n: int
    subjects: int
    mae: float
    rmse: float
    ccc: float
    pearson: float
    r2: float
    floor_mae: float
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Screening:
    """Estimates read as a screen at SCREENING: auc, sensitivity and specificity; None where a group is empty."""

    positives: int
    negatives: int
    auc: float | None
    sensitivity: float | None
    specificity: float | None


@dataclass(frozen=True)
class IntervalFigures:
    """Prediction intervals at a nominal level: the share of totals they cover, and their mean width in points."""

    interval_level: float
    interval_coverage: float
    interval_mean_width: float


def phq_figures(given: Float, true: Float, floor: Float, subjects: npt.NDArray[np.int64], seed: int = 0) -> PhqFigures:
    """Figures of estimates (n,) against totals (n,); floor (n,): the training mean each would have had instead."""
    codes = np.unique(subjects, return_inverse=True)[1]
    sums = np.zeros((codes.max() + 1, 8))
    np.add.at(sums, codes, _terms(given, true, floor))
    values = _figures(sums.sum(0)[None])[0]
    return PhqFigures(
        n=len(true),
        subjects=len(sums),
        **{name: float(value) for name, value in zip(NAMES, values, strict=True)},
        intervals=_bootstrap(sums, seed),
    )


def _terms(given: Float, true: Float, floor: Float) -> Float:
    """(n, 8): what every figure is a function of the sums of."""
    error = given - true
    return np.stack(
        [np.ones_like(true), true, given, true**2, given**2, true * given, np.abs(error), np.abs(floor - true)], axis=1
    )


def _figures(sums: Float) -> Float:
    """(resamples, 6): `NAMES` of sums (resamples, 8)."""
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
    """Whole subjects are drawn: sessions of one person are not independent."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.quantile(_figures(counts @ sums), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {name: Interval(float(a), float(b)) for name, a, b in zip(NAMES, low, high, strict=True)}


def screening(given: Float, true: Float) -> Screening:
    """How estimates (n,) tell totals from SCREENING on from those below; the same cut is put to both."""
    positive = true >= SCREENING
    flagged = given >= SCREENING
    there = int(positive.sum())
    not_there = int((~positive).sum())
    return Screening(
        positives=there,
        negatives=not_there,
        auc=float(roc_auc_score(positive, given)) if there and not_there else None,
        sensitivity=float(flagged[positive].mean()) if there else None,
        specificity=float((~flagged[~positive]).mean()) if not_there else None,
    )


def interval_figures(low: Float, high: Float, true: Float, level: float) -> IntervalFigures:
    """Coverage and mean width of intervals (n,), (n,)."""
    return IntervalFigures(level, float(((low <= true) & (true <= high)).mean()), float((high - low).mean()))


@dataclass(frozen=True)
class CalibrationBin:
    """Sessions of like estimates: how many, their mean estimate and score, and the standard error of that score."""

    n: int
    estimate: float
    score: float
    standard_error: float


def calibration_bins(given: Float, true: Float, bins: int = 8) -> tuple[CalibrationBin, ...]:
    """Equally filled groups of rising estimates (n,) with their scores (n,); fewer groups where there are few."""
    order = np.argsort(given, kind="stable")
    groups = np.array_split(order, max(1, min(bins, len(given) // 5)))
    return tuple(
        CalibrationBin(
            n=len(group),
            estimate=float(given[group].mean()),
            score=float(true[group].mean()),
            standard_error=float(true[group].std(ddof=1) / np.sqrt(len(group))) if len(group) > 1 else 0.0,
        )
        for group in groups
    )


@dataclass(frozen=True)
class GroupError:
    """Errors within one group of sessions. bias: mean of estimate - score."""

    column: str
    value: str
    n: int
    subjects: int
    mae: float
    bias: float


def error_by_group(
    given: Float, true: Float, subjects: npt.NDArray[np.int64], groups: Sequence[Mapping[str, str]]
) -> tuple[GroupError, ...]:
    """Errors of estimates (n,) by every column and value of groups (n,), with counts; empty values are passed over."""
    columns = sorted({column for group in groups for column in group})
    out = []
    for column in columns:
        values = np.array([group.get(column, "") for group in groups])
        for value in sorted(set(values) - {""}):
            chosen = values == value
            error = given[chosen] - true[chosen]
            mae = float(np.abs(error).mean())
            bias = float(error.mean())
            out.append(GroupError(column, str(value), len(error), len(np.unique(subjects[chosen])), mae, bias))
    return tuple(out)
