"""Coefficients with bootstrap intervals over blocks of time.

Neighbouring seconds are alike, so they are not drawn one by one: blocks of the recording are drawn with replacement
(the block bootstrap of Künsch 1989, Ann Stat 17:1217-1241, with blocks that do not overlap), and the percentiles of the
coefficient are the interval. Where states last longer than a block, the interval is too narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.agreement import messages
from fer_phq.core.messages import Message

Float = npt.NDArray[np.float64]
Statistic = Callable[[Float], Float]
"""Of (n, blocks) weights, how often each block counts, the (n,) values."""

LEVEL = 0.95
SAMPLES = 2000
MIN_BLOCKS = 10
"""Fewest blocks of which an interval is computed: the percentiles of fewer are too narrow."""
MOST_UNDEFINED = 0.05
"""Largest share of samples in which the coefficient may be undefined."""
_SEED = 20_240_229
_AT_ONCE = 200


@dataclass(frozen=True)
class Coefficient:
    """A coefficient and its interval.

    Attributes:
        value: None where it is not defined.
        low: Lower end of the interval; None where there is none.
        high: Upper end.
        reason: Why the value, or its interval, is missing; None where neither is.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: Message | None = None


def undefined(reason: Message) -> Coefficient:
    """Return a coefficient without a value."""
    return Coefficient(None, reason=reason)


def with_interval(statistic: Statistic, blocks: int, reason: Message) -> Coefficient:
    """Compute a coefficient with its interval. The same data give the same interval.

    Args:
        statistic: The coefficient.
        blocks: How many blocks there are.
        reason: Why it is missing where it is not defined.
    """
    value = float(statistic(np.ones((1, blocks)))[0])
    if not np.isfinite(value):
        return undefined(reason)
    if blocks < MIN_BLOCKS:
        return Coefficient(value, reason=messages.FEW_BLOCKS(n=blocks, least=MIN_BLOCKS))
    generator = np.random.default_rng(_SEED)
    shares = np.full(blocks, 1 / blocks)
    parts = [
        statistic(generator.multinomial(blocks, shares, size=_AT_ONCE).astype(np.float64))
        for _ in range(SAMPLES // _AT_ONCE)
    ]
    values = np.concatenate(parts)
    defined = values[np.isfinite(values)]
    if len(defined) < (1 - MOST_UNDEFINED) * SAMPLES:
        return Coefficient(value, reason=messages.RARE())
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Coefficient(value, float(low), float(high))


def of_tables(coefficient: Callable[[Float], Float], tables: Float) -> Statistic:
    """Return a coefficient of tables as a statistic of blocks.

    Args:
        coefficient: Of (n, k, k) tables.
        tables: (blocks, k, k) tallies of each block.
    """
    blocks, size, _ = tables.shape
    flat = tables.reshape(blocks, -1)
    return lambda weights: coefficient((weights @ flat).reshape(-1, size, size))
