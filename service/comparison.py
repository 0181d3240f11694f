"""Two models on the same sessions: where they agree, and which lies nearer to the questionnaires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from db.records import AnalysisSummary, PairRecord
from db.store import Store
from fer_phq.change import total_on
from fer_phq.emotions import EMOTIONS
from fer_phq.phq import PhqEstimate, Provenance
from service.labelled import WITHIN_DAYS

MIDDLE = 0.9
"""Share of the sessions between `low` and `high` of a difference."""

Float = npt.NDArray[np.float64]


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
    session with both estimates, as `dashboard.charts.estimates_of_two` takes it.
    """

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
    pairs = store.paired_analyses(first=first, second=second, within_days=within_days)
    faces = [(a.emotions, b.emotions) for a, b in ((p.first, p.second) for p in pairs) if a.emotions and b.emotions]
    shares = np.array([[[one[name] for name in EMOTIONS] for one in both] for both in faces]).reshape(-1, 2, 7)
    agreed = [
        p.first.dominant_emotion == p.second.dominant_emotion for p in pairs if p.first.emotions and p.second.emotions
    ]
    estimated = [pair for pair in pairs if _both(pair) is not None]
    table = _table(estimated)
    gaps = (table["phq_score_b"] - table["phq_score_a"]).to_numpy(dtype=float)
    return Comparison(
        sessions=len(pairs),
        people=len({pair.subject_id for pair in pairs}),
        same=float(np.mean(agreed)) if agreed else None,
        emotions={name: _difference(shares[:, 1, i] - shares[:, 0, i]) for i, name in enumerate(EMOTIONS)}
        if len(shares)
        else {},
        estimates=_difference(gaps) if len(gaps) else None,
        errors=_errors(estimated),
        simulated=any(_is_simulated(analysis) for p in pairs for analysis in (p.first, p.second)),
        table=table,
    )


def _difference(values: Float) -> Difference:
    low, high = np.quantile(values, [(1 - MIDDLE) / 2, (1 + MIDDLE) / 2])
    return Difference(float(values.mean()), float(low), float(high))


def _both(pair: PairRecord) -> tuple[PhqEstimate, PhqEstimate] | None:
    """Both estimates, where they are on one scale."""
    one, other = pair.first.phq, pair.second.phq
    if isinstance(one, PhqEstimate) and isinstance(other, PhqEstimate) and one.scale is other.scale:
        return one, other
    return None


def _is_simulated(analysis: AnalysisSummary) -> bool:
    return isinstance(analysis.phq, PhqEstimate) and analysis.phq.provenance is Provenance.SIMULATED


def _table(pairs: Sequence[PairRecord]) -> pd.DataFrame:
    rows = []
    for pair in pairs:
        both = _both(pair)
        assert both is not None
        row: dict[str, object] = {"session_id": pair.session_id, "subject_label": pair.subject_label}
        row |= {"recorded_at": pair.recorded_at, "maximum": both[0].scale.maximum}
        for side, estimate in zip("ab", both, strict=True):
            row |= {
                f"phq_score_{side}": estimate.score,
                f"phq_low_{side}": estimate.low,
                f"phq_high_{side}": estimate.high,
            }
        rows.append(row)
    sides = [f"phq_{what}_{side}" for side in "ab" for what in ("score", "low", "high")]
    return pd.DataFrame(rows, columns=["session_id", "subject_label", "recorded_at", "maximum", *sides])


def _errors(pairs: Sequence[PairRecord]) -> Errors | None:
    """On sessions with a questionnaire near; a PHQ-9 serves a PHQ-8 estimate, without its last item."""
    errors, people = list[tuple[float, float]](), set[str]()
    for pair in pairs:
        both = _both(pair)
        if both is None or pair.answered is None:
            continue
        total = total_on(both[0].scale, pair.answered.items)
        if total is not None:
            errors.append((abs(both[0].score - total), abs(both[1].score - total)))
            people.add(pair.subject_id)
    if not errors:
        return None
    first, second = np.mean(errors, axis=0)
    return Errors(len(errors), len(people), float(first), float(second))
