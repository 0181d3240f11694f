"""Ridge regression on blocks of functionals; blocks and penalty are selected by leaving out one person at a time.

Leaving people out needs no refitting: the prediction for a person that a fit has not seen follows from the fit with
them (Allen, 1974, Technometrics 16:125-127, for one row a person; for several, with the person's part of the hat
matrix in place of a leverage). A fit takes one decomposition for each selection of blocks, for all penalties.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin

from fer_phq.features.functionals import mean_and_sd
from fer_phq.models.regressors import LinearRegressor

Float = npt.NDArray[np.float64]
ALPHAS = np.asarray(10.0 ** np.arange(-2, 3.5, 0.5))


class BlockScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Standardise columns and give every block the same weight, however many columns it has.

    A block of a thousand embedding statistics would drown one of twenty word statistics that carry as much. NaN becomes
    the mean.
    """

    def __init__(self, blocks: tuple[str, ...], use: tuple[str, ...] | None = None) -> None:
        """Keep the settings, as scikit-learn asks.

        Args:
            blocks: (p,) the block of each column.
            use: The blocks that count, or None for all.
        """
        self.blocks = blocks
        self.use = use

    def fit(self, rows: Float, totals: Any = None) -> Self:
        """Learn means and scales.

        Args:
            rows: (n, p).
            totals: Unused; scikit-learn passes them.
        """
        self.mean_, spread = mean_and_sd(rows)
        names, inverse, sizes = np.unique(np.array(self.blocks), return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(sizes[inverse])
        if self.use is not None:
            weight = np.where(np.isin(names[inverse], self.use), weight, 0)
        self.scale_ = np.where(spread > 1e-9 * (1 + np.abs(self.mean_)), weight / np.maximum(spread, 1e-12), 0)
        return self

    def transform(self, rows: Float) -> Float:
        """Return rows (n, p), standardised and weighted."""
        return np.asarray(np.where(np.isfinite(rows), rows - self.mean_, 0) * self.scale_)


def block_uses(blocks: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the selections of blocks to compare: all of them, all but one, or one alone.

    Args:
        blocks: (p,) the block of each column.
    """
    names = tuple(sorted(set(blocks)))
    without = [tuple(name for name in names if name != left_out) for left_out in names]
    alone = [(name,) for name in names]
    return list(dict.fromkeys([names, *(selection for selection in without if selection), *alone]))


def fit_ridge(rows: Float, totals: Float, subjects: npt.NDArray[np.int64], blocks: tuple[str, ...]) -> LinearRegressor:
    """Fit a ridge regression, with the blocks and the penalty of the lowest squared error on left-out people.

    Args:
        rows: (n, p) float64, NaN where nothing was measured.
        totals: (n,) float64, PHQ scores.
        subjects: (n,) int64, whose session each row is.
        blocks: (p,) the block of each column.
    """
    scaler = BlockScaler(blocks).fit(rows)
    scaled = scaler.transform(rows)
    mean = totals.mean()
    block_of = np.array(blocks)
    best = np.inf
    selected = (np.zeros(rows.shape[1], bool), 0.0)
    for use in block_uses(blocks):
        columns = np.isin(block_of, use) & (scaler.scale_ > 0)
        squared = (left_out_errors(scaled[:, columns], totals - mean, subjects, ALPHAS) ** 2).sum(0)
        if squared.min() < best * (1 - 1e-9):  # of equals the first: more blocks
            best = float(squared.min())
            selected = (columns, float(ALPHAS[squared.argmin()]))
    columns, alpha = selected
    weight = np.zeros(rows.shape[1])
    weight[columns] = ridge_weights(scaled[:, columns], totals - mean, alpha) * scaler.scale_[columns]
    return LinearRegressor(scaler.mean_, weight, np.array(mean - weight @ scaler.mean_))


def left_out_errors(rows: Float, totals: Float, subjects: npt.NDArray[np.int64], alphas: Float) -> Float:
    """Compute each row's error by a ridge regression, with intercept, that was fitted without that row's person.

    Args:
        rows: (n, p) float64, centred over everybody; they stay so when somebody is left out.
        totals: (n,) float64, centred likewise.
        subjects: (n,) int64, whose session each row is.
        alphas: (a,) float64, penalties above 0.

    Returns:
        (n, a) float64, errors of the totals.
    """
    value, vector = _spectrum(rows)
    shrink = value[:, None] / (value[:, None] + alphas)
    errors = totals[:, None] - vector @ (shrink * (vector.T @ totals)[:, None])
    _, first, counts = np.unique(subjects, return_index=True, return_counts=True)
    alone = first[counts == 1]
    hat = (vector[alone] ** 2) @ shrink + 1 / len(rows)
    left_out = np.empty_like(errors)
    left_out[alone] = errors[alone] / np.maximum(1 - hat, 1e-9)
    for subject in subjects[first[counts > 1]]:
        members = np.flatnonzero(subjects == subject)
        part = np.einsum("ik,ka,jk->aij", vector[members], shrink, vector[members]) + 1 / len(rows)
        residual = np.eye(len(members)) * (1 + 1e-9) - part
        left_out[members] = np.linalg.solve(residual, errors[members].T[..., None])[..., 0].T
    return left_out


def ridge_weights(rows: Float, totals: Float, alpha: float) -> Float:
    """Compute the weights of a ridge regression.

    Args:
        rows: (n, p) float64, centred.
        totals: (n,) float64, centred.
        alpha: The penalty, above 0.

    Returns:
        (p,) float64.
    """
    value, vector = _spectrum(rows)
    return np.asarray(rows.T @ (vector @ ((vector.T @ totals) / (value + alpha))))


def _spectrum(rows: Float) -> tuple[Float, Float]:
    """Compute eigenvalues (k,) above 0 and eigenvectors (n, k) of rows times rows', by the smaller of both products."""
    if len(rows) <= rows.shape[1]:
        value, vector = np.linalg.eigh(rows @ rows.T)
        positive = value > 1e-10 * value.max(initial=1e-300)
        return value[positive], vector[:, positive]
    value, right = np.linalg.eigh(rows.T @ rows)
    positive = value > 1e-10 * value.max(initial=1e-300)
    return value[positive], rows @ right[:, positive] / np.sqrt(value[positive])
