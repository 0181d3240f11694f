"""States compared by time units: what each coder has at the middle of each, and the tallies of two coders.

With a tolerance, a coder's unit agrees where the other has the same category within the tolerance before or after it,
as in GSEQ (Bakeman & Quera 2011, Sequential Analysis and Observational Methods, chapter 6; Bakeman, Quera & Gnisci
2009, Behav Res Methods 41:137-147). That depends on whose units are counted; both are, and their tallies added, so
that the order of coders does not matter. Without a tolerance each tally is there twice, and the kappa is Cohen's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Span = tuple[float, float]
_EDGE = 1e-9


@dataclass(frozen=True)
class Grid:
    """The time units of a recording, in blocks.

    Attributes:
        duration_s: Length of the recording in seconds.
        unit_s: Length of a time unit in seconds.
        block_s: Length of a block in seconds.
        tolerance_s: How far apart the same may be, in seconds.
    """

    duration_s: float
    unit_s: float
    block_s: float
    tolerance_s: float

    @property
    def units(self) -> int:
        """How many units there are; one that lies half in the recording counts."""
        return max(1, round(self.duration_s / self.unit_s))

    @property
    def blocks(self) -> int:
        """How many blocks there are; the last may be shorter."""
        return self.block(self.duration_s - _EDGE) + 1

    @property
    def window(self) -> int:
        """How many units the tolerance reaches to either side."""
        return math.floor(self.tolerance_s / self.unit_s + _EDGE)

    def block(self, time_s: float) -> int:
        """Return the index of the block in which a time lies; the recording's end lies in the last."""
        last = max(0, math.ceil(self.duration_s / self.block_s - _EDGE) - 1)
        return min(last, max(0, math.floor(time_s / self.block_s + _EDGE)))

    def unit_blocks(self) -> Int:
        """Return the block of each unit's middle, (units,)."""
        middles = (np.arange(self.units) + 0.5) * self.unit_s
        return np.asarray(np.minimum(np.floor(middles / self.block_s + _EDGE).astype(np.int64), self.blocks - 1))

    def presence(self, spans: Iterable[Span]) -> Bool:
        """Return the units in whose middle a span is, (units,) bool.

        Args:
            spans: Start and end in seconds; the end is outside.
        """
        present = np.zeros(self.units, bool)
        for start_s, end_s in spans:
            first = max(0, math.ceil(start_s / self.unit_s - 0.5 - _EDGE))
            present[first : max(first, math.ceil(end_s / self.unit_s - 0.5 - _EDGE))] = True
        return present


def tally(left: Int, right: Int, categories: int, grid: Grid, is_compared: Bool) -> Float:
    """Tally the units of two coders, with the tolerance and from both sides.

    Args:
        left: (units,) the category that a coder has in each unit.
        right: (units,) the same of another coder.
        categories: How many there are.
        grid: The units.
        is_compared: (units,) which of them count.

    Returns:
        (blocks, categories, categories) tallies, the first coder in rows.
    """
    columns = np.where(_has_near(right, left, categories, grid.window, is_compared), left, right)
    rows = np.where(_has_near(left, right, categories, grid.window, is_compared), right, left)
    blocks = grid.unit_blocks()[is_compared]
    shape = (grid.blocks, categories, categories)
    counts = np.zeros(shape)
    for row, column in ((left, columns), (rows, right)):
        cells = np.ravel_multi_index((blocks, row[is_compared], column[is_compared]), shape)
        counts += np.bincount(cells, minlength=counts.size).reshape(shape)
    return counts


def _has_near(values: Int, sought: Int, categories: int, window: int, is_compared: Bool) -> Bool:
    """Return for each unit whether a coder has the other's category in it or at most a window of units away."""
    units = len(values)
    first = np.maximum(np.arange(units) - window, 0)
    last = np.minimum(np.arange(units) + window + 1, units)
    has = np.zeros(units, bool)
    for category in range(categories):
        counts = np.concatenate([[0], np.cumsum((values == category) & is_compared)])
        has |= (sought == category) & (counts[last] > counts[first])
    return has


def block_shares(present: Bool, grid: Grid, is_compared: Bool) -> Float:
    """Return the share of each block in which something is, (blocks,); NaN for a block without a unit that counts.

    Args:
        present: (units,) whether it is there.
        grid: The units.
        is_compared: (units,) which of them count.
    """
    blocks = grid.unit_blocks()[is_compared]
    units = np.bincount(blocks, minlength=grid.blocks)
    counts = np.bincount(blocks, present[is_compared], minlength=grid.blocks)
    return np.asarray(np.divide(counts, units, out=np.full(grid.blocks, np.nan), where=units > 0))


def choice(presences: Sequence[Bool]) -> Int | None:
    """Return which of several codes a coder has in each unit: 0 for none, then 1 for the first; None where two overlap.

    Args:
        presences: (units,) bool of each code.
    """
    stacked = np.stack(presences)
    if (stacked.sum(0) > 1).any():
        return None
    return np.asarray((stacked * np.arange(1, len(presences) + 1)[:, None]).sum(0), np.int64)
