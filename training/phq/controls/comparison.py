"""Comparison of a head with a control on the same sessions, with intervals by bootstrap over people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.models.evidence.fields import Bounded
from training.phq.metrics import LEVEL, RESAMPLES, phq_figures
from training.phq.models.candidates import Float


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates of sessions whose people the model has not seen.

    Attributes:
        values: (repeats, n) float64, in points.
        floor: (repeats, n) float64, the mean of what each session's model was trained on.
    """

    values: Float
    floor: Float


def bootstrap_people(
    terms: Float, subjects: npt.NDArray[np.int64], figure: Callable[[Float], Float], seed: int
) -> Bounded:
    """Compute a figure of sums over sessions with its percentile interval over people drawn anew.

    Args:
        terms: (n, k) float64, of each session.
        subjects: (n,) int64, whose session each is.
        figure: Computes figures (resamples,) of sums (resamples, k).
        seed: Seed of the bootstrap.
    """
    codes = np.unique(subjects, return_inverse=True)[1]
    sums = np.zeros((codes.max() + 1, terms.shape[1]))
    np.add.at(sums, codes, terms)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.quantile(figure(counts.astype(np.float64) @ sums), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Bounded(float(figure(sums.sum(0)[None])[0]), float(low), float(high))


def compare_errors(better: Float, worse: Float, subjects: npt.NDArray[np.int64], seed: int) -> Bounded:
    """Compute by how many points one root mean squared error is lower than another.

    Args:
        better: (repeats, n) float64, errors in points.
        worse: (any repeats, n) float64, errors in points on the same sessions.
        subjects: (n,) int64, whose session each is.
        seed: Seed of the bootstrap.
    """
    terms = np.stack([np.ones(len(subjects)), (better**2).mean(0), (worse**2).mean(0)], axis=1)
    return bootstrap_people(terms, subjects, _rmse_difference, seed)


def correlate_beyond(head: Float, control: Float, scores: Float, subjects: npt.NDArray[np.int64], seed: int) -> Bounded:
    """Compute the partial correlation of a head's estimates with scores, a control's estimates held constant.

    Args:
        head: (n,) float64, in points.
        control: (n,) float64, in points.
        scores: (n,) float64, in points.
        subjects: (n,) int64, whose session each is.
        seed: Seed of the bootstrap.
    """
    columns = [np.ones(len(scores)), *(values - values.mean() for values in (scores, head, control))]
    terms = np.stack([a * b for i, a in enumerate(columns) for b in columns[i:]], axis=1)
    return bootstrap_people(terms, subjects, _partial_correlation, seed)


def bound_ccc(estimates: Float, scores: Float, subjects: npt.NDArray[np.int64], seed: int) -> Bounded:
    """Compute the concordance of estimates with scores.

    Args:
        estimates: (repeats, n) float64, in points.
        scores: (n,) or (repeats, n) float64, in points.
        subjects: (n,) int64, whose session each is.
        seed: Seed of the bootstrap.
    """
    repeats = len(estimates)
    totals = np.broadcast_to(scores, estimates.shape).ravel()
    figures = phq_figures(estimates.ravel(), totals, totals, np.tile(subjects, repeats), seed)
    return Bounded(figures.ccc, figures.intervals["ccc"].low, figures.intervals["ccc"].high)


def rmse(errors: Float) -> float:
    """Return the root mean square of errors."""
    return float(np.sqrt((errors**2).mean()))


def _rmse_difference(sums: Float) -> Float:
    n, better, worse = sums.T
    return np.asarray(np.sqrt(worse / n) - np.sqrt(better / n))


def _partial_correlation(sums: Float) -> Float:
    """(resamples,) of sums (resamples, 10) of the products of 1, score, head and control."""
    n, y, h, c, yy, yh, yc, hh, hc, cc = sums.T
    score_head = _correlation(n, y, h, yy, hh, yh)
    score_control = _correlation(n, y, c, yy, cc, yc)
    head_control = _correlation(n, h, c, hh, cc, hc)
    left = (1 - score_control**2) * (1 - head_control**2)
    return np.where(left > 1e-9, (score_head - score_control * head_control) / np.sqrt(np.maximum(left, 1e-9)), 0.0)


def _correlation(n: Float, a: Float, b: Float, aa: Float, bb: Float, ab: Float) -> Float:
    """(resamples,) correlations of sums; 0 where a side does not vary."""
    spread = np.sqrt(np.maximum(aa / n - (a / n) ** 2, 0) * np.maximum(bb / n - (b / n) ** 2, 0))
    covariance = ab / n - a * b / n**2
    return np.where(spread > 1e-9, np.clip(covariance / np.maximum(spread, 1e-9), -1, 1), 0.0)
