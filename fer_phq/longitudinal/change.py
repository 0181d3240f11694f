"""Change within one person: reliable change of questionnaire scores, and a personal baseline of a model's estimates.

One rule judges a questionnaire against the person's first one on the same scale: the reliable change index (Jacobson &
Truax 1991, J Consult Clin Psychol 59:12-19, page 14), the difference in units of what the scale's unreliability makes
of no change at all, which passes 1.96 in fewer than one person in twenty. With the PHQ-9's figures that is 7 points,
and no smaller difference is called improved or worsened anywhere. The 5 points of Löwe et al. 2004 (Med Care
42:1194-1201, abstract) are two standard errors of measurement of one total, of older people asked again after seven
days: they leave out that the first total has an error as well, so they are no second rule here.

The personal baseline is how far a person's scores lie from a model's estimates, partially pooled: the fewer the pairs,
the nearer to zero (Efron & Morris 1977, Sci Am 236(5):119-127; Gelman & Hill 2007, Data Analysis Using
Regression and Multilevel/Hierarchical Models, chapter 12).

Nothing here mixes PHQ-8 with PHQ-9 totals, and nothing is a diagnosis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from fer_phq.core.messages import Message
from fer_phq.core.phq import Provenance, Scale
from fer_phq.longitudinal import messages

SD = 5.8
"""Standard deviation of PHQ-9 totals in points, in the 580 primary-care patients of Kroenke, Spitzer & Williams 2001
(J Gen Intern Med 16:606-613) who were interviewed as well: pooled from the groups published there, of 41, 65 and 474
patients with means 17.1, 10.4 and 3.3 and SDs 6.1, 5.4 and 3.8."""

RETEST = 0.84
"""Test-retest correlation of the PHQ-9 within 48 hours, in the same patients (Kroenke 2001)."""

RELIABLE = 1.96
"""Beyond this the index is called reliable: the two-sided 5 % point of the normal distribution."""

PAIR_DAYS = 14
"""Most days between an estimate and the score that it is paired with: the PHQ asks about two weeks."""

MIN_PAIRS = 3
"""Pairs that a personal baseline needs."""


class Direction(StrEnum):
    """Direction of a change that is large enough to have one. A lower total is better."""

    IMPROVED = "improved"
    WORSENED = "worsened"
    NONE = "none"


@dataclass(frozen=True)
class Score:
    """One questionnaire's total.

    Attributes:
        answered_at: When it was answered.
        total: Points.
        scale: Its scale.
    """

    answered_at: datetime
    total: int
    scale: Scale


@dataclass(frozen=True)
class Change:
    """A questionnaire compared with an earlier one of the person. Raises ValueError for totals of two scales.

    Attributes:
        score: The questionnaire.
        baseline: What it is compared with: the person's first one on the same scale, or the one before.
        rci: The reliable change index.
    """

    score: Score
    baseline: Score
    rci: float

    def __post_init__(self) -> None:
        """Check the scales."""
        if self.score.scale != self.baseline.scale:
            raise ValueError(f"A {self.score.scale} total cannot be compared with a {self.baseline.scale} total.")

    @property
    def is_baseline(self) -> bool:
        """Whether the questionnaire has nothing before it, and is compared with itself."""
        return self.score is self.baseline

    @property
    def difference(self) -> int:
        """Points since the baseline; negative is better."""
        return self.score.total - self.baseline.total

    @property
    def reliable(self) -> bool:
        """Whether the difference is more than unreliability explains (Jacobson & Truax 1991): the one rule."""
        return abs(self.rci) > RELIABLE

    @property
    def direction(self) -> Direction:
        """Improved or worsened where the change is reliable: a smaller difference has no direction."""
        if not self.reliable:
            return Direction.NONE
        return Direction.IMPROVED if self.difference < 0 else Direction.WORSENED


def reliable_change_index(before: float, after: float, *, sd: float = SD, retest: float = RETEST) -> float:
    """Compute the reliable change index, (after - before) / S_diff (Jacobson & Truax 1991).

    Args:
        before: The earlier total in points.
        after: The later total.
        sd: The scale's standard deviation in points, above 0.
        retest: Its test-retest correlation, 0 to below 1.

    Raises:
        ValueError: `sd` or `retest` is out of its range.
    """
    return (after - before) / difference_sd(sd=sd, retest=retest)


def difference_sd(*, sd: float = SD, retest: float = RETEST) -> float:
    """Compute S_diff = sqrt(2) * sd * sqrt(1 - retest): the SD of the differences where nothing has changed.

    The defaults are the PHQ-9's and serve the PHQ-8 as well: without item 9 the totals correlate with the PHQ-9's at
    0.996 (Wu et al. 2020, Psychol Med 50:1368-1380, abstract).

    Args:
        sd: The scale's standard deviation in points, above 0.
        retest: Its test-retest correlation, 0 to below 1.

    Returns:
        Points.

    Raises:
        ValueError: A parameter is out of its range.
    """
    if not sd > 0 or not 0 <= retest < 1:
        raise ValueError(f"The index needs sd > 0 and 0 <= retest < 1, got {sd} and {retest}.")
    return math.sqrt(2) * sd * math.sqrt(1 - retest)


def reliable_points(*, sd: float = SD, retest: float = RETEST) -> int:
    """Compute the smallest whole difference that is reliable: 7 points with the defaults.

    Args:
        sd: The scale's standard deviation in points, above 0.
        retest: Its test-retest correlation, 0 to below 1.

    Raises:
        ValueError: `sd` or `retest` is out of its range.
    """
    return math.floor(RELIABLE * difference_sd(sd=sd, retest=retest)) + 1


def changes_since_baseline(scores: Sequence[Score], *, sd: float = SD, retest: float = RETEST) -> tuple[Change, ...]:
    """Compare each questionnaire with the first one of its scale.

    The first one alone is the baseline, not a mean of several: it was answered before any treatment, and the index is
    defined for one total before and one after. Where somebody first came on an unusually bad day, later totals are
    lower by regression to the mean alone; the index does not correct for that.

    Args:
        scores: The person's questionnaires, in any order.
        sd: See `difference_sd`.
        retest: See `difference_sd`.

    Returns:
        A change for each questionnaire, oldest first; that of a baseline is 0.

    Raises:
        ValueError: See `difference_sd`.
    """
    baselines: dict[Scale, Score] = {}
    changes = []
    for score in sorted(scores, key=lambda questionnaire: questionnaire.answered_at):
        first = baselines.setdefault(score.scale, score)
        changes.append(Change(score, first, reliable_change_index(first.total, score.total, sd=sd, retest=retest)))
    return tuple(changes)


def changes_since_previous(scores: Sequence[Score], *, sd: float = SD, retest: float = RETEST) -> tuple[Change, ...]:
    """Compare each questionnaire with the one before it on its scale, by the same rule.

    It shows a relapse: somebody who got well and falls ill again may be no worse than at the first questionnaire.

    Args:
        scores: The person's questionnaires, in any order.
        sd: See `difference_sd`.
        retest: See `difference_sd`.

    Returns:
        A change for each questionnaire, oldest first; that of a scale's first one is 0.

    Raises:
        ValueError: See `difference_sd`.
    """
    latest: dict[Scale, Score] = {}
    changes = []
    for score in sorted(scores, key=lambda questionnaire: questionnaire.answered_at):
        before = latest.get(score.scale, score)
        changes.append(Change(score, before, reliable_change_index(before.total, score.total, sd=sd, retest=retest)))
        latest[score.scale] = score
    return tuple(changes)


# ------------------------------------------------------------------------------------------ personal baseline


@dataclass(frozen=True)
class Estimate:
    """One session's estimate.

    Attributes:
        recorded_at: When the session was recorded.
        score: Points, NaN where there is no estimate.
        scale: Its scale.
        provenance: What kind of labels the head was trained on.
        model_id: Id of the model whose head gave it.
    """

    recorded_at: datetime
    score: float
    scale: Scale
    provenance: Provenance
    model_id: str


@dataclass(frozen=True)
class Spread:
    """Standard deviations of score - estimate, in points. Raises ValueError for impossible ones.

    Attributes:
        within: Within one person, above 0.
        between: Between people, 0 or more.
    """

    within: float
    between: float

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (self.within > 0 and self.between >= 0):
            raise ValueError(f"A spread needs within > 0 and between >= 0, got {self.within} and {self.between}.")


ASSUMED = Spread(within=SD / math.sqrt(2), between=SD / math.sqrt(2))
"""The spread that is assumed of a head whose errors are not known by person. Their variance is taken to be that of
PHQ-9 totals, as of a head that knows nothing, so that the standard error is rather too large. Half of it is taken to
lie between people: the prior then weighs as much as one pair (a unit-information prior: Kass & Wasserman 1995, J Am
Stat Assoc 90:928-934), and the weight of n pairs is n / (n + 1)."""


@dataclass(frozen=True)
class PersonalBaseline:
    """How far a person's scores lie above a model's estimates.

    Attributes:
        offset: Points to add to an estimate: weight * mean.
        error: Standard error of the offset in points, taking the spread as known.
        pairs: How many pairs of an estimate and a score there are.
        mean: Their mean difference in points.
        weight: What partial pooling leaves of the mean, 0 to 1.
        scale: The scale of the scores.
        phq_model_id: Id of the model whose estimates it corrects, and no other's.
    """

    offset: float
    error: float
    pairs: int
    mean: float
    weight: float
    scale: Scale
    phq_model_id: str


@dataclass(frozen=True)
class NoBaseline:
    """The reason why there is no personal baseline.

    Attributes:
        message: The reason, for a person.
    """

    message: Message

    @property
    def text(self) -> str:
        """The reason in English."""
        return str(self.message)


def partial_pooling(
    differences: Sequence[float] | npt.NDArray[np.float64], spread: Spread
) -> tuple[float, float, float]:
    """Estimate a person's offset by partial pooling.

    The offset is normal around 0 with SD tau (`spread.between`), a difference normal around the offset with SD sigma
    (`spread.within`). Given n differences the offset has the mean weight * mean, with
    weight = n tau² / (n tau² + sigma²), and the standard error sqrt(weight * sigma² / n): Gelman & Hill 2007, equation
    12.1, around 0.

    Args:
        differences: (n,) score - estimate in points, n >= 1.
        spread: How the differences vary.

    Returns:
        The mean of the differences, the weight and the standard error.

    Raises:
        ValueError: There is no difference.
    """
    n = len(differences)
    if not n:
        raise ValueError("An offset needs at least one difference.")
    weight = n * spread.between**2 / (n * spread.between**2 + spread.within**2)
    return float(np.mean(differences)), weight, math.sqrt(weight * spread.within**2 / n)


def pair_estimates(
    estimates: Sequence[Estimate], scores: Sequence[Score], *, days: float = PAIR_DAYS
) -> list[tuple[Estimate, Score]]:
    """Pair estimates with scores of the same scale, the nearest in time first.

    None is used twice: a score that served two sessions would count its own error twice.

    Args:
        estimates: One person's estimates.
        scores: Their questionnaires.
        days: Most days between the two of a pair.
    """
    candidates = []
    for i, estimate in enumerate(estimates):
        for j, score in enumerate(scores):
            apart = abs(estimate.recorded_at - score.answered_at)
            is_near = apart <= timedelta(days=days)
            if estimate.scale == score.scale and math.isfinite(estimate.score) and is_near:
                candidates.append((apart, i, j))
    score_of: dict[int, int] = {}
    for _, i, j in sorted(candidates):
        if i not in score_of and j not in score_of.values():
            score_of[i] = j
    return [(estimates[i], scores[j]) for i, j in score_of.items()]


def personal_baseline(
    estimates: Sequence[Estimate], scores: Sequence[Score], *, spread: Spread = ASSUMED, days: float = PAIR_DAYS
) -> PersonalBaseline | NoBaseline:
    """Compute how far one person's scores lie above one model's estimates.

    Only estimates of clinical provenance count.

    Args:
        estimates: The person's estimates, all of one model.
        scores: The person's questionnaires.
        spread: How score - estimate varies.
        days: Most days between an estimate and its score.

    Returns:
        The baseline, or the reason why there is none.

    Raises:
        ValueError: The estimates are of several models.
    """
    if len({estimate.model_id for estimate in estimates}) > 1:
        raise ValueError("A baseline is of one model's estimates.")
    finite = [estimate for estimate in estimates if math.isfinite(estimate.score)]
    clinical = [estimate for estimate in finite if estimate.provenance is Provenance.CLINICAL]
    scales = sorted({estimate.scale for estimate in clinical})
    if not clinical:
        is_simulated = any(estimate.provenance is Provenance.SIMULATED for estimate in finite)
        return NoBaseline(messages.SIMULATED() if is_simulated else messages.NO_ESTIMATE())
    if len(scales) > 1:
        return NoBaseline(messages.TWO_SCALES())
    pairs = pair_estimates(clinical, scores, days=days)
    if not pairs:
        return NoBaseline(messages.NO_PAIRS(minimum=MIN_PAIRS, scale=scales[0], days=days))
    if len(pairs) < MIN_PAIRS:
        return NoBaseline(messages.FEW_PAIRS(n=len(pairs), minimum=MIN_PAIRS, scale=scales[0], days=days))
    differences = [score.total - estimate.score for estimate, score in pairs]
    mean, weight, error = partial_pooling(differences, spread)
    return PersonalBaseline(weight * mean, error, len(pairs), mean, weight, scales[0], clinical[0].model_id)


def total_on_scale(scale: Scale, items: Sequence[int]) -> int | None:
    """Sum the items of a questionnaire that belong to a scale.

    Args:
        scale: The scale.
        items: The 8 or 9 answers, 0 to 3.

    Returns:
        Points, or None where items are missing: a PHQ-9 without item 9 is a PHQ-8, never the reverse.
    """
    return sum(items[: scale.items]) if len(items) >= scale.items else None
