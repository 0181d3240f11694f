"""Shift: whether new sessions differ from those that a head was trained on, so that its coverage cannot be promised.

A head keeps the mean and the spread of each functional of its training, and no session. So the statistic is the mean
square of the standardised differences of means, and what it would be without a shift comes from the new people alone:
their deviations from their own mean, people drawn anew, beside the error of the training's mean. Functionals that go
together do so in both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from fer_phq.core.feature_series import SessionFeatures
from fer_phq.features.functionals import functionals
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import Shift
from fer_phq.models.head_report import FEWEST_SUBJECTS
from fer_phq.models.phq_head import PhqHead, columns_digest
from training.phq.metrics import LEVEL, RESAMPLES
from training.phq.models.candidates import Float

MOST = 5.0
"""Standard deviations to which a session's functionals are cut, so that no single one makes a shift."""
NAMED = 3
"""How many of the functionals that differ most are named."""


def measure_shift(
    head: PhqHead, every: Sequence[SessionFeatures], scores: Float, subjects: npt.NDArray[np.int64], seed: int
) -> Shift | None:
    """Compare sessions with the training of a head.

    Args:
        head: The head.
        every: Features of n sessions; those that lack what the head reads are passed over.
        scores: (n,) float64, the questionnaires' totals.
        subjects: (n,) int64, whose session each is.
        seed: Seed of the bootstrap.

    Returns:
        The shift; None where the sessions are of too few people.
    """
    positions, rows, names = _describe(head, every)
    people = np.unique(subjects[positions])
    if len(people) < FEWEST_SUBJECTS:
        return None
    members = [subjects[positions] == person for person in people]
    standardised = np.clip((rows - head.centre) / np.maximum(head.spread, 1e-9), -MOST, MOST)
    means = np.stack([_mean(standardised[member]) for member in members])
    usable = np.isfinite(means).all(0) & (head.spread > 1e-9 * (1 + np.abs(head.centre)))
    means = means[:, usable]
    if not means.shape[1]:
        return None
    trained = count_training_people(head)
    differences = means.mean(0)
    statistic = (differences**2).mean()
    rng = np.random.default_rng(seed)
    without = (_draw_differences(means - differences, trained, rng) ** 2).mean(1)
    largest = np.argsort(-np.abs(differences))[:NAMED]
    totals = np.array([scores[positions][member].mean() for member in members])
    usable_names = np.array(names)[usable]
    return Shift(
        name="+".join(head.modalities),
        subjects=len(people),
        distance=float(np.sqrt(statistic)),
        p=float((1 + (without >= statistic).sum()) / (1 + RESAMPLES)),
        largest=tuple(f"{usable_names[i]} {differences[i]:+.1f} SD" for i in largest),
        scores=_compare_scores(totals, head.floor, trained),
    )


def count_training_people(head: PhqHead) -> int:
    """Count the people whom a head was trained on; of heads of an earlier version, the sessions.

    Args:
        head: The head.
    """
    if head.left_out.mass is None:
        return len(head.left_out.fold_of)
    share = float(head.left_out.mass.sum())  # people / (people + 1)
    return round(share / (1 - share))


def _describe(head: PhqHead, every: Sequence[SessionFeatures]) -> tuple[npt.NDArray[np.int64], Float, tuple[str, ...]]:
    """Return the positions of the sessions that have what a head reads, their functionals, and the names of these."""
    positions = []
    rows = []
    names: tuple[str, ...] = ()
    for position, features in enumerate(every):
        selected = head.select(features)
        if selected is None:
            continue
        row = functionals(selected, head.modalities)
        if columns_digest(row) == head.columns:
            positions.append(position)
            rows.append(row.values)
            names = row.names
    return np.array(positions, np.int64), np.array(rows).reshape(len(rows), len(head.centre)), names


def _draw_differences(deviations: Float, trained: int, rng: np.random.Generator) -> Float:
    """Draw differences of means (RESAMPLES, k) as they would be without a shift.

    The new people's mean has the spread of their deviations. The training's has its own spread, which is 1 here, and
    functionals go together as in the new people.

    Args:
        deviations: (people, k) float64, of the new people from their mean, in the training's SD.
        trained: Number of people of the training.
        rng: Draws people.
    """
    people = len(deviations)
    deviations = deviations * np.sqrt(people / (people - 1))
    alike = deviations / np.maximum(deviations.std(0), 1e-9)
    weights = _draw_people(people, rng), _draw_people(people, rng)
    return np.asarray(weights[0] @ deviations + np.sqrt(people / trained) * (weights[1] @ alike))


def _draw_people(people: int, rng: np.random.Generator) -> Float:
    """Return the weights (RESAMPLES, people) of people drawn anew."""
    return np.asarray(rng.multinomial(people, np.full(people, 1 / people), RESAMPLES) / people)


def _mean(rows: Float) -> Float:
    """Return the mean of what is finite in each column; NaN without any."""
    count = np.isfinite(rows).sum(0)
    return np.where(count > 0, np.where(np.isfinite(rows), rows, 0).sum(0) / np.maximum(count, 1), np.nan)


def _compare_scores(totals: Float, mean: float, trained: int) -> Bounded:
    """Compute by how many points people's scores lie above the training's mean: Student's interval, both with error.

    The training's scores are taken to vary as these do.
    """
    people = len(totals)
    difference = float(totals.mean() - mean)
    error = float(totals.std(ddof=1) * np.sqrt(1 / people + 1 / trained))
    half = float(stats.t.ppf((1 + LEVEL) / 2, people - 1)) * error
    return Bounded(difference, difference - half, difference + half)
