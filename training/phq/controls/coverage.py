"""Where prediction intervals hold what they say: coverage by severity and by group."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.core.phq import BAND_STARTS, Scale
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import ALL, GroupCoverage
from training.phq.metrics import SCREENING
from training.phq.models.candidates import Float
from training.phq.selection import Bounds

FEWEST_IN_GROUP = 5
"""Smaller groups are not reported: they say little of errors and intervals, and much of the one person in them."""
NORMAL_95 = 1.959964
"""Quantile of the normal distribution at 97.5 %."""

Members = npt.NDArray[np.bool_]


def measure_coverage(
    bounds: Bounds,
    scores: Float,
    subjects: npt.NDArray[np.int64],
    scale: Scale,
    groups: Sequence[Mapping[str, str]] = (),
) -> tuple[GroupCoverage, ...]:
    """Measure how many scores lie in their interval: of all, by severity, and by group.

    Args:
        bounds: Intervals of n sessions of people that neither model nor interval has seen.
        scores: (n,) float64, the questionnaires' totals.
        subjects: (n,) int64, whose session each is.
        scale: The scale of the scores.
        groups: n mappings of a column's name to the session's value; none where no group is known.
    """
    covered = (bounds.low <= scores) & (scores <= bounds.high)
    width = bounds.high - bounds.low
    coverage = []
    for column, value, members in (*_score_groups(scores, scale), *_named_groups(groups)):
        people = subjects[members]
        count = len(np.unique(people))
        if count < FEWEST_IN_GROUP:
            continue
        share = float(covered[members].mean())
        bounded = wilson_interval(share, count)
        coverage.append(GroupCoverage(column, value, len(people), count, bounded, float(width[members].mean())))
    return tuple(coverage)


def wilson_interval(share: float, count: int) -> Bounded:
    """Compute Wilson's 95 % interval of a share.

    Args:
        share: 0 to 1.
        count: Of how many people, above 0.
    """
    square = NORMAL_95**2 / count
    centre = (share + square / 2) / (1 + square)
    half = NORMAL_95 / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return Bounded(share, min(share, centre - half), max(share, centre + half))


def _score_groups(scores: Float, scale: Scale) -> Iterator[tuple[str, str, Members]]:
    """Generate everybody, both sides of the screen's cut, and the severity bands."""
    yield ALL, "", np.ones(len(scores), np.bool_)
    starts = [start for start, _ in BAND_STARTS]
    ranges = [(0, SCREENING - 1), (SCREENING, scale.maximum)]
    bands = itertools.pairwise([*starts, scale.maximum + 1])
    for first, last in (*ranges, *((start, following - 1) for start, following in bands)):
        yield "score", f"{first} to {last}", (scores >= first) & (scores <= last)


def _named_groups(groups: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str, Members]]:
    """Generate the values of each of the manifest's columns."""
    for column in sorted({column for group in groups for column in group}):
        values = np.array([group.get(column, "") for group in groups])
        for value in sorted(set(values.tolist()) - {""}):
            yield column, value, values == value
