"""Points compared by matching: each with at most one of the other coder, at most the tolerance away.

Points of one code are matched first, in order of time, which matches as many as can be; what is left is matched with
the nearest in time of another code, which is a confusion. A point without a partner is one that the other has not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.agreement.units import Grid

Float = npt.NDArray[np.float64]
Times = Mapping[str, Sequence[float]]
"""The times of each code's points, in seconds, in order."""
_EDGE = 1e-9


def match(left: Sequence[float], right: Sequence[float], tolerance_s: float) -> list[tuple[int, int]]:
    """Match two rows of times: as many pairs as can be.

    Args:
        left: Seconds, in order.
        right: Seconds, in order.
        tolerance_s: How far apart a pair may be.

    Returns:
        The indices of each pair.
    """
    pairs = []
    first = second = 0
    while first < len(left) and second < len(right):
        lag_s = right[second] - left[first]
        if abs(lag_s) <= tolerance_s + _EDGE:
            pairs.append((first, second))
            first += 1
            second += 1
        elif lag_s > 0:
            first += 1
        else:
            second += 1
    return pairs


def tally_points(left: Times, right: Times, codes: Sequence[str], grid: Grid) -> Float:
    """Tally the points of two coders.

    Args:
        left: A coder's points.
        right: Another coder's points.
        codes: The codes, in the order of the table.
        grid: The blocks and the tolerance.

    Returns:
        (blocks, codes + 1, codes + 1) tallies, the first coder in rows; the last row and column are for what the other
        coder has not.
    """
    size = len(codes) + 1
    counts = np.zeros((grid.blocks, size, size))
    rest: tuple[list[tuple[float, int]], list[tuple[float, int]]] = ([], [])
    for index, code in enumerate(codes):
        pairs = match(left[code], right[code], grid.tolerance_s)
        for first, second in pairs:
            counts[grid.block((left[code][first] + right[code][second]) / 2), index, index] += 1
        for side, times in enumerate((left[code], right[code])):
            partnered = {pair[side] for pair in pairs}
            rest[side].extend((time_s, index) for number, time_s in enumerate(times) if number not in partnered)
    _tally_rest(counts, *rest, grid)
    return counts


def block_counts(times: Sequence[float], grid: Grid) -> Float:
    """Return how many points each block has, (blocks,).

    Args:
        times: Seconds.
        grid: The blocks.
    """
    return np.bincount([grid.block(time_s) for time_s in times], minlength=grid.blocks).astype(np.float64)


def _tally_rest(counts: Float, left: list[tuple[float, int]], right: list[tuple[float, int]], grid: Grid) -> None:
    """Tally what has no partner of its own code: nearest pairs first, then what is left alone."""
    pairs = sorted(
        (abs(first_s - second_s), first, second)
        for first, (first_s, _) in enumerate(left)
        for second, (second_s, _) in enumerate(right)
        if abs(first_s - second_s) <= grid.tolerance_s + _EDGE
    )
    alone = (set(range(len(left))), set(range(len(right))))
    for _, first, second in pairs:
        if first in alone[0] and second in alone[1]:
            alone[0].discard(first)
            alone[1].discard(second)
            counts[grid.block((left[first][0] + right[second][0]) / 2), left[first][1], right[second][1]] += 1
    for first in alone[0]:
        counts[grid.block(left[first][0]), left[first][1], -1] += 1
    for second in alone[1]:
        counts[grid.block(right[second][0]), -1, right[second][1]] += 1
