"""Two models on the same sessions: only those that both have analysed, and honest figures."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_estimate, sample_recording

from db.store import Store
from fer_phq.core.phq import PhqUnavailable, Provenance, Scale, UnavailableReason
from service.views.comparison import load_comparison_view


def analysed(
    store: Store, label: str, name: str, model: str, score: float | None, *, days: int = 0, **more: object
) -> str:
    """A session of a subject analysed by a model; the session's id."""
    subject = store.subjects.get_or_create(label=label)
    known = {row.session.original_name: row.session.id for row in store.sessions.list_recent(limit=99)}
    session_id = known.get(name) or new_session(store, subject.id, name, MONDAY + timedelta(days=days)).id
    phq = PhqUnavailable(UnavailableReason.NO_HEAD)
    if score is not None:
        estimate = sample_estimate(score, model_id=model)
        phq = dataclasses.replace(estimate, provenance=Provenance.CLINICAL)  # type: ignore[assignment]
    analysis = sample_analysis(sample_recording(name), model_id=model, phq=phq, **more)  # type: ignore[arg-type]
    store.analyses.save(session_id=session_id, analysis=analysis)
    return session_id


def test_only_sessions_of_both_count(store: Store) -> None:
    analysed(store, "A", "one", "old", 5)
    analysed(store, "A", "one", "new", 8)
    analysed(store, "A", "two", "old", 5, days=1)
    analysed(store, "B", "three", "new", 5)
    assert store.model_pairs.count_analyses() == {"new": 2, "old": 2}
    found = load_comparison_view(store, "old", "new")
    assert (found.sessions, found.people) == (1, 1)
    assert found.estimates is not None
    assert (found.estimates.mean, found.estimates.low, found.estimates.high) == (3, 3, 3)
    assert load_comparison_view(store, "new", "old").estimates.mean == -3  # type: ignore[union-attr]
    assert list(found.table["phq_score_a"]) == [5]
    (row,) = found.pairs.to_dict("records")
    assert (row["phq_level_a"], row["phq_model_id_a"], row["phq_level_b"], row["phq_model_id_b"]) == (
        *(0.9, "old"),
        *(0.9, "new"),
    )
    assert load_comparison_view(store, "old", "gone").sessions == 0
    assert load_comparison_view(store, "old", "gone").emotions == {}


def test_of_each_model_the_newest_analysis(store: Store) -> None:
    analysed(store, "A", "one", "old", 5)
    analysed(store, "A", "one", "old", 7, beside="a" * 64)
    analysed(store, "A", "one", "new", 8)
    found = load_comparison_view(store, "old", "new")
    assert found.sessions == 1
    assert found.estimates is not None
    assert found.estimates.mean == 1


def test_emotions_are_compared_share_by_share(store: Store) -> None:
    for seed in range(3):
        analysed(store, "A", f"s{seed}", "old", 5, days=seed, seed=seed)
        analysed(store, "A", f"s{seed}", "new", 5, days=seed, seed=seed)
    same = load_comparison_view(store, "old", "new")
    assert same.same == 1
    assert all(vars(one) == pytest.approx({"mean": 0, "low": 0, "high": 0}) for one in same.emotions.values())
    analysed(store, "A", "other", "old", 5, days=9, seed=10)
    analysed(store, "A", "other", "new", 5, days=9, seed=11)
    found = load_comparison_view(store, "old", "new")
    assert sum(one.mean for one in found.emotions.values()) == pytest.approx(0, abs=1e-6)
    assert any(one.mean for one in found.emotions.values())
    assert all(one.low <= one.mean <= one.high for one in found.emotions.values() if one.mean)


def test_faceless_sessions_have_no_emotions_to_compare(store: Store) -> None:
    gaps = tuple(range(20))
    for model in ("old", "new"):
        analysed(store, "A", "one", model, None, gaps=gaps)
    found = load_comparison_view(store, "old", "new")
    assert (found.sessions, found.same, found.emotions, found.estimates, found.errors) == (1, None, {}, None, None)
    assert not found.simulated


def test_errors_are_against_questionnaires_near_by(store: Store) -> None:
    for name, days, first, second in (("near", 0, 5, 9), ("far", 100, 0, 24)):
        analysed(store, "A", name, "old", first, days=days)
        analysed(store, "A", name, "new", second, days=days)
    subject = store.subjects.list_all()[0].id
    at = MONDAY + timedelta(days=3)
    store.questionnaires.save(subject_id=subject, scale=Scale.PHQ9, items=[1] * 8 + [3], answered_at=at)
    found = load_comparison_view(store, "old", "new")
    assert found.errors is not None
    assert vars(found.errors) == {"sessions": 1, "people": 1, "first": 3.0, "second": 1.0}, "PHQ-8: item 9 is left out"
    assert load_comparison_view(store, "old", "new", within_days=1).errors is None


def test_simulated_estimates_are_marked(store: Store) -> None:
    analysed(store, "A", "one", "old", 5)
    store.analyses.save(
        session_id=store.sessions.list_recent()[0].session.id,
        analysis=sample_analysis(sample_recording("one"), model_id="new"),
    )
    assert load_comparison_view(store, "old", "new").simulated
