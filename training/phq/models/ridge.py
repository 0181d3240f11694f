"""Ridge regression on blocks of functionals: which blocks count, and the penalty, by leaving out one person at a time.

Leaving people out needs no refitting: what a fit says of a person that it did not see follows from what it says with
them (Allen, 1974, Technometrics 16:125-127, for one row a person; for several, with the person's part of the hat
matrix in place of a leverage). A fit takes one decomposition a choice of blocks for all penalties.
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

    A block of a thousand embedding statistics would drown one of twenty that say the same in words. NaN becomes the
    mean. use: the blocks that count, or None for all.
    """

    def __init__(self, blocks: tuple[str, ...], use: tuple[str, ...] | None = None) -> None:
        self.blocks = blocks
        self.use = use

    def fit(self, rows: Float, totals: Any = None) -> Self:
        """Learn means and scales."""
        self.mean_, spread = mean_and_sd(rows)
        names, inverse, sizes = np.unique(np.array(self.blocks), return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(sizes[inverse])
        if self.use is not None:
            weight = np.where(np.isin(names[inverse], self.use), weight, 0)
        self.scale_ = np.where(spread > 1e-9 * (1 + np.abs(self.mean_)), weight / np.maximum(spread, 1e-12), 0)
        return self

    def transform(self, rows: Float) -> Float:
        """Rows (n, p), standardised and weighted."""
        return np.asarray(np.where(np.isfinite(rows), rows - self.mean_, 0) * self.scale_)


def block_uses(blocks: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Which blocks may count: all of them, all but one, or one alone."""
    names = tuple(sorted(set(blocks)))
    without = [tuple(name for name in names if name != left_out) for left_out in names]
    return list(dict.fromkeys([names, *(some for some in without if some), *((name,) for name in names)]))


def fit_ridge(rows: Float, totals: Float, subjects: npt.NDArray[np.int64], blocks: tuple[str, ...]) -> LinearRegressor:
    """Ridge of rows (n, p) on totals (n,); blocks and penalty by the lowest squared error over left-out people."""
    scaler = BlockScaler(blocks).fit(rows)
    scaled = scaler.transform(rows)
    mean = totals.mean()
    named = np.array(blocks)
    best = np.inf
    found = (np.zeros(rows.shape[1], bool), 0.0)
    for use in block_uses(blocks):
        columns = np.isin(named, use) & (scaler.scale_ > 0)
        lost = (left_out_errors(scaled[:, columns], totals - mean, subjects, ALPHAS) ** 2).sum(0)
        if lost.min() < best * (1 - 1e-9):  # of equals the first: more blocks
            best = float(lost.min())
            found = (columns, float(ALPHAS[lost.argmin()]))
    columns, alpha = found
    weight = np.zeros(rows.shape[1])
    weight[columns] = ridge_weights(scaled[:, columns], totals - mean, alpha) * scaler.scale_[columns]
    return LinearRegressor(scaler.mean_, weight, np.array(mean - weight @ scaler.mean_))


def left_out_errors(rows: Float, totals: Float, subjects: npt.NDArray[np.int64], alphas: Float) -> Float:
    """Errors (n, alphas) of each row's total by a ridge, with mean, that was fitted without that row's person.

    rows (n, p) and totals (n,) are centred over everybody, and stay so when somebody is left out.
    """
    value, vector = _spectrum(rows)
    shrink = value[:, None] / (value[:, None] + alphas)
    errors = totals[:, None] - vector @ (shrink * (vector.T @ totals)[:, None])
    _, first, counts = np.unique(subjects, return_index=True, return_counts=True)
    alone = first[counts == 1]
    hat = (vector[alone] ** 2) @ shrink + 1 / len(rows)
    out = np.empty_like(errors)
    out[alone] = errors[alone] / np.maximum(1 - hat, 1e-9)
    for subject in subjects[first[counts > 1]]:
        own = np.flatnonzero(subjects == subject)
        part = np.einsum("ik,ka,jk->aij", vector[own], shrink, vector[own]) + 1 / len(rows)
        kept = np.eye(len(own)) * (1 + 1e-9) - part
        out[own] = np.linalg.solve(kept, errors[own].T[..., None])[..., 0].T
    return out


def ridge_weights(rows: Float, totals: Float, alpha: float) -> Float:
    """Weights (p,) of centred rows (n, p) and totals (n,)."""
    value, vector = _spectrum(rows)
    return np.asarray(rows.T @ (vector @ ((vector.T @ totals) / (value + alpha))))


def _spectrum(rows: Float) -> tuple[Float, Float]:
    """Eigenvalues (k,) above 0 and eigenvectors (n, k) of rows times rows', by the smaller of the two products."""
    if len(rows) <= rows.shape[1]:
        value, vector = np.linalg.eigh(rows @ rows.T)
        kept = value > 1e-10 * value.max(initial=1e-300)
        return value[kept], vector[:, kept]
    value, right = np.linalg.eigh(rows.T @ rows)
    kept = value > 1e-10 * value.max(initial=1e-300)
    return value[kept], rows @ right[:, kept] / np.sqrt(value[kept])
