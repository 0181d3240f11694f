"""Who needs a person's attention, each with the reasons: rules over questionnaires and clinical estimates.

People are listed by rule and date. No estimate orders them, and one of a head that was trained on simulated labels is
no reason at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

import pandas as pd

from db.records import AttentionItem, AttentionKind, SubjectSummary
from db.store import Store
from fer_phq.core.phq import Band, Provenance, Scale, band_of
from fer_phq.longitudinal.change import Change, Direction, Score, changes_since_baseline, changes_since_previous

SEEN_DAYS = 182
"""Days since a person was last recorded or last answered, after which only item 9 is a reason: half a year."""


class Rule(IntEnum):
    """Rules by which a person is listed, most urgent first."""

    ITEM_9 = 1
    WORSENED = 2
    SEVERE = 3
    ESTIMATE = 4
    OVERDUE = 5


@dataclass(frozen=True)
class IntervalEstimate:
    """A clinical estimate.

    Attributes:
        recorded_at: When its session was recorded.
        score: Points.
        low: The interval's lower end in points.
        high: Its upper end.
        scale: Its scale.
    """

    recorded_at: datetime
    score: float
    low: float
    high: float
    scale: Scale


@dataclass(frozen=True)
class Reason:
    """Why a person is listed. What a rule does not use is None.

    Attributes:
        rule: The rule.
        at: When what the reason is about was answered or recorded.
        score: The last questionnaire.
        change: Its reliable change for the worse.
        estimates: The first clinical estimate of a head and its newest, whose intervals lie apart.
        days: Days since the last questionnaire.
    """

    rule: Rule
    at: datetime
    score: Score | None = None
    change: Change | None = None
    estimates: tuple[IntervalEstimate, IntervalEstimate] | None = None
    days: int | None = None


@dataclass(frozen=True)
class ListedPerson:
    """Somebody who needs attention.

    Attributes:
        subject_id: The subject's UUID.
        label: The subject's label.
        is_demo: Whether the subject is made up.
        reasons: At least one, most urgent first.
    """

    subject_id: str
    label: str
    is_demo: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class TriageView:
    """What needs attention on Home.

    Attributes:
        people: By their most urgent rule; within a rule the newest first, of those overdue the longest.
        sessions: What sessions need, most urgent kind first.
    """

    people: tuple[ListedPerson, ...]
    sessions: tuple[AttentionItem, ...]


def load_triage_view(
    store: Store, *, now: datetime, coverage_floor: float, due_days: int | None, prefer_model: str | None
) -> TriageView:
    """Load who and what needs attention.

    Made-up people are listed where there are no others; item 9 is a reason whoever it is.

    Args:
        store: The store.
        now: The present moment, timezone-aware.
        coverage_floor: The share of a recording with a face, 0 to 1, below which its session is listed.
        due_days: Days after which another questionnaire is due; None for never.
        prefer_model: Id of the model whose analyses stand for their sessions; None for the newest of any.

    Returns:
        The view.
    """
    items = store.triage.list_items(now=now, coverage_floor=coverage_floor, prefer_model=prefer_model)
    subjects = store.subjects.list_all()
    scores = scores_by_subject(store.cohort.load_answers(seen_since=now - timedelta(days=SEEN_DAYS)))
    estimates = _estimates_by_subject(
        store.cohort.load_estimates(provenance=Provenance.CLINICAL, prefer_model=prefer_model)
    )
    has_real = any(not subject.is_demo for subject in subjects)
    flagged: dict[str, list[Reason]] = {}
    for item in items:
        if item.kind is AttentionKind.ITEM_9:
            flagged.setdefault(item.subject_id, []).append(Reason(Rule.ITEM_9, item.at))
    people = []
    for subject in subjects:
        reasons = [*flagged.get(subject.id, ())]
        if _is_seen(subject, now) and not (subject.is_demo and has_real):
            reasons += reasons_of(scores.get(subject.id, ()), estimates.get(subject.id, ()), now, due_days)
        if reasons:
            people.append(ListedPerson(subject.id, subject.label, subject.is_demo, tuple(reasons)))
    people.sort(key=_urgency)
    return TriageView(tuple(people), tuple(item for item in items if item.kind is not AttentionKind.ITEM_9))


def reasons_of(
    scores: Sequence[Score], estimates: Sequence[IntervalEstimate], now: datetime, due_days: int | None
) -> list[Reason]:
    """Judge one person's questionnaires and clinical estimates by the rules.

    Args:
        scores: The questionnaires, oldest first.
        estimates: The clinical estimates of the head of the newest one, oldest first.
        now: The present moment, timezone-aware.
        due_days: Days after which another questionnaire is due; None for never.

    Returns:
        The reasons, most urgent first; none where no rule applies.
    """
    reasons = []
    if scores:
        last = scores[-1]
        if (change := worsening(scores)) is not None:
            reasons.append(Reason(Rule.WORSENED, last.answered_at, score=last, change=change))
        elif band_of(last.total) is Band.SEVERE:
            reasons.append(Reason(Rule.SEVERE, last.answered_at, score=last))
    if len(estimates) > 1 and estimates[-1].low > estimates[0].high:
        reasons.append(Reason(Rule.ESTIMATE, estimates[-1].recorded_at, estimates=(estimates[0], estimates[-1])))
    if scores and due_days is not None:
        days = (now - scores[-1].answered_at).days
        if days > due_days:
            reasons.append(Reason(Rule.OVERDUE, scores[-1].answered_at, score=scores[-1], days=days))
    return reasons


def worsening(scores: Sequence[Score]) -> Change | None:
    """Return the reliable change for the worse of the last questionnaire; None where there is none.

    It is compared with the first one of its scale, and then with the one before, which shows a relapse.

    Args:
        scores: A person's questionnaires, oldest first, at least one.
    """
    changes = (changes_since_baseline(scores)[-1], changes_since_previous(scores)[-1])
    return next((change for change in changes if change.direction is Direction.WORSENED), None)


def _is_seen(subject: SubjectSummary, now: datetime) -> bool:
    dates = [at for at in (subject.last_recorded_at, subject.last_answered_at) if at is not None]
    return bool(dates) and now - max(dates) <= timedelta(days=SEEN_DAYS)


def _urgency(person: ListedPerson) -> tuple[int, float, str]:
    first = person.reasons[0]
    seconds = first.at.timestamp()
    return first.rule, seconds if first.rule is Rule.OVERDUE else -seconds, person.label


def scores_by_subject(answers: pd.DataFrame) -> dict[str, list[Score]]:
    """Return each subject's questionnaires, in the rows' order.

    Args:
        answers: Rows of `Store.cohort.load_answers`.
    """
    scores: dict[str, list[Score]] = {}
    for subject_id, at, scale, total in answers.itertuples(index=False):
        scores.setdefault(subject_id, []).append(Score(at.to_pydatetime(), int(total), Scale(scale)))
    return scores


def _estimates_by_subject(table: pd.DataFrame) -> dict[str, list[IntervalEstimate]]:
    """Return each subject's estimates of the head, scale and level of the newest one: others are not one series.

    A bundle has a head for each set of modalities.
    """
    head = ["subject_id", "phq_model_id", "phq_modalities", "phq_scale", "phq_level"]
    newest = table.groupby("subject_id", sort=False).tail(1)[head]
    rows = table.merge(newest, on=head)  # keeps the order of the left rows
    names = ("subject_id", "recorded_at", "phq_score", "phq_low", "phq_high", "phq_scale")
    estimates: dict[str, list[IntervalEstimate]] = {}
    for subject_id, at, score, low, high, scale in zip(*(rows[name] for name in names), strict=True):
        estimate = IntervalEstimate(at.to_pydatetime(), float(score), float(low), float(high), Scale(scale))
        estimates.setdefault(str(subject_id), []).append(estimate)
    return estimates
