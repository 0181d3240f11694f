"""Two models on the same sessions: where they agree, and which lies nearer to the questionnaires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Provenance, Scale
from fer_phq.longitudinal.change import total_on_scale
from service.models.training_manifest import WITHIN_DAYS

MIDDLE = 0.9
"""Share of the sessions between `low` and `high` of a difference."""


@dataclass(frozen=True)
class Difference:
    """The second model less the first over sessions: mean, and the middle 90 % of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Errors:
    """Both models' mean absolute errors in points, on the same sessions with questionnaires, of so many people."""

    sessions: int
    people: int
    first: float
    second: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What two models made of the sessions that both have analysed.

    same: share of the sessions with a face on whose most seen emotion they agree; None without any. emotions: of each
    the difference of its share. estimates: of the PHQ estimates where both have one on one scale; None without any.
    errors: against questionnaires; None without any near. simulated: whether either's estimates are. table: a row a
    session with both estimates (`Store.model_pairs.load`) and the `maximum` of their scale, as
    `dashboard.charts.estimates_of_two` takes it. first, second: ids of the models. pairs: a row a session of both.
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
    table: pd.DataFrame


def compare(store: Store, first: str, second: str, within_days: float = WITHIN_DAYS) -> Comparison:
    """Compare two models by their ids. Sessions that one of them has not analysed do not count."""
    pairs = store.model_pairs.load(first=first, second=second, within_days=within_days)
    faces = pairs[pairs["dominant_emotion_a"].notna() & pairs["dominant_emotion_b"].notna()]
    table = pairs[pairs["phq_score_b"].notna() & (pairs["phq_scale_a"] == pairs["phq_scale_b"])]
    table = table.assign(maximum=[Scale(name).maximum for name in table["phq_scale_a"]])
    simulated = pairs[["phq_provenance_a", "phq_provenance_b"]] == str(Provenance.SIMULATED)
    return Comparison(
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
        table=table,
    )


def _difference(pairs: pd.DataFrame, column: str) -> Difference:
    gaps = (pairs[f"{column}_b"] - pairs[f"{column}_a"]).to_numpy(dtype=float)
    low, high = np.quantile(gaps, [(1 - MIDDLE) / 2, (1 + MIDDLE) / 2])
    return Difference(float(gaps.mean()), float(low), float(high))


def _errors(table: pd.DataFrame) -> Errors | None:
    """On sessions with a questionnaire near; a PHQ-9 serves a PHQ-8 estimate, without its last item."""
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
