"""Two models on the same sessions: where they agree, and which lies nearer to the questionnaires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Provenance, Scale
from fer_phq.longitudinal.change import total_on_scale
from service.models.labelled_sessions import WITHIN_DAYS

MIDDLE = 0.9
"""Share of the sessions between `low` and `high` of a difference."""


@dataclass(frozen=True)
class Difference:
    """The second model less the first, over sessions.

    Attributes:
        mean: The mean difference.
        low: With `high`, what the middle 90 % of the differences lie between.
        high: The upper end.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Errors:
    """The mean absolute errors of two models on the same sessions.

    Attributes:
        sessions: How many sessions have both estimates and a questionnaire near.
        people: How many people they are of.
        first: The first model's error in points.
        second: The second model's error in points.
    """

    sessions: int
    people: int
    first: float
    second: float


@dataclass(frozen=True, eq=False)
class ComparisonView:
    """What two models made of the sessions that both have analysed.

    Attributes:
        first: The first model's id.
        second: The second model's id.
        pairs: A row for each session of both, of `Store.model_pairs.load`.
        sessions: How many sessions.
        people: How many people they are of.
        same: Share of the sessions with a face on whose most seen emotion they agree; None without any.
        emotions: The difference of each emotion's share; empty without any face.
        estimates: The difference of the PHQ estimates where both have one on one scale; None without any.
        errors: Against questionnaires; None without any near.
        simulated: Whether either's estimates are.
        withdrawn: How many sessions of both are left out: their consent was withdrawn.
        table: The `pairs` with both estimates, and the `maximum` of their scale.
    """

    first: str
    second: str
    pairs: pd.DataFrame
    sessions: int
    people: int
    same: float | None
    emotions: dict[str, Difference]
    estimates: Difference | None
    errors: Errors | None
    simulated: bool
    withdrawn: int
    table: pd.DataFrame


def load_comparison_view(store: Store, first: str, second: str, within_days: float = WITHIN_DAYS) -> ComparisonView:
    """Compare two models on the sessions that both have analysed.

    Args:
        store: The store.
        first: A model's id.
        second: Another model's id.
        within_days: The most days between recording and questionnaire for errors to be counted.
    """
    pairs = store.model_pairs.load(first=first, second=second, within_days=within_days)
    faces = pairs[pairs["dominant_emotion_a"].notna() & pairs["dominant_emotion_b"].notna()]
    table = pairs[pairs["phq_score_b"].notna() & (pairs["phq_scale_a"] == pairs["phq_scale_b"])]
    table = table.assign(maximum=[Scale(name).maximum for name in table["phq_scale_a"]])
    simulated = pairs[["phq_provenance_a", "phq_provenance_b"]] == str(Provenance.SIMULATED)
    return ComparisonView(
        first=first,
        second=second,
        pairs=pairs,
        sessions=len(pairs),
        people=pairs["subject_id"].nunique(),
        same=float((faces["dominant_emotion_a"] == faces["dominant_emotion_b"]).mean()) if len(faces) else None,
        emotions={name: _difference(faces, name) for name in EMOTIONS} if len(faces) else {},
        estimates=_difference(table, "phq_score") if len(table) else None,
        errors=_errors(table),
        simulated=bool(simulated.to_numpy().any()),
        withdrawn=store.model_pairs.count_withdrawn(first=first, second=second),
        table=table,
    )


def _difference(pairs: pd.DataFrame, column: str) -> Difference:
    gaps = (pairs[f"{column}_b"] - pairs[f"{column}_a"]).to_numpy(dtype=float)
    low, high = np.quantile(gaps, [(1 - MIDDLE) / 2, (1 + MIDDLE) / 2])
    return Difference(float(gaps.mean()), float(low), float(high))


def _errors(table: pd.DataFrame) -> Errors | None:
    """Compute the errors on sessions with a questionnaire near; without item 9 a PHQ-9 serves a PHQ-8 estimate."""
    scales = table["phq_scale_a"]
    items = table["items"]
    totals = [
        None if answers is None else total_on_scale(Scale(scale), answers)
        for scale, answers in zip(scales, items, strict=True)
    ]
    total = pd.Series(totals, index=table.index, dtype=float).dropna()
    if total.empty:
        return None
    estimates = table.loc[total.index]
    first, second = ((estimates[f"phq_score_{side}"] - total).abs().mean() for side in "ab")
    return Errors(len(estimates), estimates["subject_id"].nunique(), float(first), float(second))
