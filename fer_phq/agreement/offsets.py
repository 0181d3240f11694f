"""Whether one coder's times lie as a whole before or after another's: a clock that began elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.agreement.scheme import Coder, Kind, Scheme
from fer_phq.agreement.units import Grid

MOST_LAG_S = 60.0
"""Longest offset that is looked for, in seconds."""
GAIN = 0.25
"""How much greater the overlap must be with the offset than without."""
LEAST = 0.5
"""The overlap that an offset must reach."""
FEWEST = 5
"""Fewest annotations of each coder: few agree somewhere by chance."""

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lag:
    """An offset that makes two coders agree far better.

    Attributes:
        lag_s: By how many seconds the second coder's times must come later.
        overlap: How much of what either noted both did, 0 to 1, with the offset.
        overlap_now: The same without it.
    """

    lag_s: float
    overlap: float
    overlap_now: float


def find_lag(scheme: Scheme, left: Coder, right: Coder, grid: Grid) -> Lag | None:
    """Find an offset between two coders; None where they agree as well without.

    Args:
        scheme: What is compared.
        left: A coder.
        right: Another coder.
        grid: The time units; a point is as wide as the tolerance to either side.
    """
    if min(sum(map(len, coder.spans.values())) for coder in (left, right)) < FEWEST:
        return None
    most = min(round(MOST_LAG_S / grid.unit_s), grid.units - 1)
    common = np.zeros(2 * most + 1)
    total = 0.0
    for code in scheme.codes:
        first, second = (_signal(coder, code.name, code.kind, grid) for coder in (left, right))
        common += _common_at_lags(first, second, most)
        total += first.sum() + second.sum()
    if not total:
        return None
    overlaps = 2 * common / total
    best = int(overlaps.argmax())
    lag_s = (best - most) * grid.unit_s
    is_offset = abs(lag_s) > grid.tolerance_s and overlaps[best] >= max(LEAST, overlaps[most] + GAIN)
    return Lag(lag_s, float(overlaps[best]), float(overlaps[most])) if is_offset else None


def _signal(coder: Coder, code: str, kind: Kind, grid: Grid) -> Float:
    margin_s = max(grid.tolerance_s, grid.unit_s) if kind is Kind.POINT else 0.0
    spans = [(start_s - margin_s, end_s + margin_s) for start_s, end_s in coder.spans[code]]
    return grid.presence(spans).astype(np.float64)


def _common_at_lags(first: Float, second: Float, most: int) -> Float:
    """Return in how many units both are, with the second moved by -most to +most units."""
    size = 1 << int(len(first) + most).bit_length()
    product = np.fft.irfft(np.fft.rfft(first, size) * np.conj(np.fft.rfft(second, size)), size)
    return np.asarray(np.round(np.concatenate([product[-most:] if most else [], product[: most + 1]])), np.float64)
