"""Coefficients of agreement, each of many tables at once: Cohen's and Fleiss' kappa, specific agreement, ICC(2,1).

Cohen 1960 (Educ Psychol Meas 20:37-46). Fleiss 1971 (Psychol Bull 76:378-382). Specific agreement of a category:
Dice's, Fleiss 1975 (Biometrics 31:651-659), Cicchetti & Feinstein 1990 (J Clin Epidemiol 43:551-558). ICC(2,1), two-way
random effects, absolute agreement, a single coder: Shrout & Fleiss 1979 (Psychol Bull 86:420-428); McGraw & Wong
1996 call it ICC(A,1). Kappa of matched points: the table has no cell for what neither noted, so chance agreement is
that of quasi-independence (Goodman 1968, J Am Stat Assoc 63:1091-1131), as in Bakeman, Quera & Gnisci 2009 (Behav Res
Methods 41:137-147).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
_ROUNDS = 200
"""Most rounds of iterative proportional fitting."""
_CLOSE = 1e-10


def cohen(tables: Float) -> Float:
    """Compute Cohen's kappa.

    Args:
        tables: (n, k, k) tallies, one coder's categories in rows and the other's in columns.

    Returns:
        (n,) kappa, at most 1; NaN where chance alone agrees always, or nothing was tallied.
    """
    total = tables.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.trace(tables, axis1=1, axis2=2) / total
        expected = (tables.sum(2) * tables.sum(1)).sum(1) / total**2
    return _beyond_chance(observed, expected)


def fleiss(tables: Float) -> Float:
    """Compute Fleiss' kappa from the tallies of all pairs of coders.

    With every pair in both orders, the observed agreement and the shares of the categories are Fleiss' own.

    Args:
        tables: (n, k, k) tallies, the sum over pairs.

    Returns:
        (n,) kappa, at most 1; NaN where chance alone agrees always, or nothing was tallied.
    """
    return cohen(tables + tables.transpose(0, 2, 1))


def specific(tables: Float, category: int) -> Float:
    """Compute the specific agreement of a category: of how often it was coded, how often by both.

    Args:
        tables: (n, k, k) tallies, one coder's categories in rows and the other's in columns.
        category: Its index.

    Returns:
        (n,) 0 to 1; NaN where nobody coded it.
    """
    both = 2 * tables[:, category, category]
    either = tables[:, category, :].sum(1) + tables[:, :, category].sum(1)
    return np.asarray(np.divide(both, either, out=np.full(len(tables), np.nan), where=either > 0))


def matched(tables: Float) -> Float:
    """Compute the kappa of matched points.

    Args:
        tables: (n, k + 1, k + 1) tallies; the last row and column are points that the other coder has not, and their
            common cell is empty.

    Returns:
        (n,) kappa, at most 1; NaN for one code alone, where it is not defined, and where chance alone agrees always.
    """
    codes = tables.shape[1] - 1
    if codes < 2:
        return np.full(len(tables), np.nan)
    total = tables.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        diagonals = np.diagonal(tables, axis1=1, axis2=2)
        observed = diagonals.sum(1) / total
        expected = np.diagonal(_quasi_independent(tables), axis1=1, axis2=2)[:, :codes].sum(1) / total
    return _beyond_chance(observed, expected)


def intraclass(values: Float, weights: Float) -> Float:
    """Compute ICC(2,1): two-way random effects, absolute agreement, a single coder.

    Args:
        values: (blocks, coders) what each coder has in each block.
        weights: (n, blocks) how often each block counts.

    Returns:
        (n,) at most 1; NaN where nothing varies.
    """
    coders = values.shape[1]
    blocks = weights.sum(1)
    row_means = values.mean(1)
    column_means = weights @ values / blocks[:, None]
    mean = column_means.mean(1)
    rows = coders * (weights @ row_means**2 - blocks * mean**2)
    columns = blocks * ((column_means - mean[:, None]) ** 2).sum(1)
    total = weights @ (values**2).sum(1) - blocks * coders * mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        ms_rows = rows / (blocks - 1)
        ms_columns = columns / (coders - 1)
        ms_error = (total - rows - columns) / ((blocks - 1) * (coders - 1))
        whole = ms_rows + (coders - 1) * ms_error + coders * (ms_columns - ms_error) / blocks
        icc = (ms_rows - ms_error) / whole
    return np.where(total > _CLOSE * np.maximum(weights @ (values**2).sum(1), _CLOSE), icc, np.nan)


def _beyond_chance(observed: Float, expected: Float) -> Float:
    room = 1 - expected
    return np.asarray(np.divide(observed - expected, room, out=np.full(len(observed), np.nan), where=room > _CLOSE))


def _quasi_independent(tables: Float) -> Float:
    """Fit tables with the same margins in which rows and columns are independent, but for the empty last cell."""
    rows = tables.sum(2)
    columns = tables.sum(1)
    cells = np.ones_like(tables)
    cells[:, -1, -1] = 0
    fit = cells
    for _ in range(_ROUNDS):
        before = fit
        fit = fit * _ratio(rows, fit.sum(2))[:, :, None]
        fit = fit * _ratio(columns, fit.sum(1))[:, None, :]
        if np.abs(fit - before).max(initial=0) < _CLOSE * max(1.0, tables.max(initial=0)):
            break
    return fit


def _ratio(margins: Float, sums: Float) -> Float:
    return np.asarray(np.divide(margins, sums, out=np.zeros_like(sums), where=sums > 0))
