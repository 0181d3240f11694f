"""Measures, cohorts, and which of several analyses stands for its session."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from analysis_samples import (
    MONDAY,
    NO_HEAD,
    new_session,
    sample_analysis,
    sample_estimate,
    sample_recording,
    sample_turns,
)
from sqlalchemy import event

from db.actors import Actor, Role
from db.records import AttentionKind, CohortFilter, Consent, JobState, NotFoundError
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, SpeakerChoice
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.messages import literal
from fer_phq.core.phq import PhqEstimate, Provenance, Scale

DAY = timedelta(days=1)
ALL = CohortFilter()


def save(store: Store, subject_id: str, name: str, day: int = 0, **choices: object) -> tuple[str, str]:
    """Session id and analysis id; `measures` and `is_demo` go their own ways, the rest to the analysis."""
    measures, is_demo = choices.pop("measures", None), bool(choices.pop("is_demo", False))
    session = new_session(store, subject_id, name, MONDAY + day * DAY, is_demo=is_demo)
    analysis = again(name, **choices)
    return session.id, store.analyses.save(
        session_id=session.id,
        analysis=analysis,
        measures=measures,  # type: ignore[arg-type]
    )


def again(name: str, **choices: object) -> SessionAnalysis:
    return sample_analysis(sample_recording(name), **choices)  # type: ignore[arg-type]


def test_measures_are_stored_with_their_analysis(store: Store) -> None:
    subject = store.subjects.create(label="A")
    _, analysis = save(store, subject.id, "a", measures={"pitch_sd": 2.5, "smiling_share": math.nan, "version": 1})
    assert store.measures.get(analysis_id=analysis) == {"pitch_sd": 2.5, "version": 1.0}
    store.measures.replace(analysis_id=analysis, measures={"smiling_share": 0.25, "words_a_minute": math.inf})
    assert store.measures.get(analysis_id=analysis) == {"smiling_share": 0.25}
    store.measures.replace(analysis_id=analysis, measures={"smiling_share": 0.25})
    assert store.measures.get(analysis_id=analysis) == {"smiling_share": 0.25}
    with pytest.raises(NotFoundError):
        store.measures.replace(analysis_id="gone", measures={"x": 1})


def test_rows_say_how_it_was_told_who_speaks(store: Store) -> None:
    subject = store.subjects.create(label="A")
    plain = new_session(store, subject.id, "plain", MONDAY)
    store.analyses.save(session_id=plain.id, analysis=again("plain"))
    told = new_session(store, subject.id, "told", MONDAY + DAY)
    analysis = replace(
        again("told"), turns=sample_turns(2), speaker_choice=SpeakerChoice.MOUTH, sidecar_digest="0123abcd"
    )
    store.analyses.save(session_id=told.id, analysis=analysis)
    columns = ["session_id", "turns_kind", "speaker_choice", "has_sidecar"]
    rows = [[plain.id, "", "", False], [told.id, "turns-1-voices", "mouth", True]]
    assert store.trends.load(subject_id=subject.id)[columns].fillna("").to_numpy().tolist() == rows
    assert store.cohort.load(cohort=ALL)[columns].fillna("").to_numpy().tolist() == rows


def test_analyses_that_were_not_measured_are_found(store: Store) -> None:
    subject = store.subjects.create(label="A")
    _, bare = save(store, subject.id, "bare")
    _, old = save(store, subject.id, "old", measures={"version": 1, "pitch_sd": 3})
    _, new = save(store, subject.id, "new", measures={"version": 2})
    assert store.measures.list_unmeasured(mark="version", version=1) == [bare]
    assert set(store.measures.list_unmeasured(mark="version", version=2)) == {bare, old}
    assert set(store.measures.list_unmeasured(mark="version", version=3)) == {bare, old, new}
    assert len(store.measures.list_unmeasured(mark="version", version=3, limit=2)) == 2


def test_a_trend_has_the_measures_that_were_asked_for(store: Store) -> None:
    subject, other = store.subjects.create(label="A"), store.subjects.create(label="B")
    save(store, subject.id, "one", 0, measures={"pitch_sd": 2.5, "smiling_share": 0.25})
    save(store, subject.id, "two", 1, measures={"pitch_sd": 3.5})
    save(store, subject.id, "three", 2)
    save(store, other.id, "else", 0, measures={"pitch_sd": 9.0})
    trend = store.trends.load(subject_id=subject.id, measures=["smiling_share", "pitch_sd"])
    assert list(trend["pitch_sd"])[:2] == [2.5, 3.5]
    assert list(trend["smiling_share"].isna()) == [False, True, True]
    assert trend["pitch_sd"].isna()[2]
    assert list(trend["phq_model_id"]) == ["model-a"] * 3
    nobody = store.subjects.create(label="C")
    empty = store.trends.load(subject_id=nobody.id, measures=["pitch_sd"])
    assert (len(empty), empty.dtypes["pitch_sd"]) == (0, "float64")


def test_the_preferred_model_stands_for_the_sessions_it_analysed(store: Store) -> None:
    subject = store.subjects.create(label="A")
    both, first = save(store, subject.id, "both", 0, model_id="model-a", frames=10, gaps=tuple(range(8)))
    only, old = save(store, subject.id, "only", 1, model_id="model-a")
    second = store.analyses.save(session_id=both, analysis=again("both", model_id="model-b"))
    for prefer, stands in ((None, second), ("model-b", second), ("model-a", first), ("model-c", second)):
        rows = store.sessions.list_recent(prefer_model=prefer)
        assert {row.session.id: row.analysis.id for row in rows if row.analysis} == {both: stands, only: old}
        trend = store.trends.load(subject_id=subject.id, prefer_model=prefer)
        assert list(trend["analysis_id"]) == [stands, old]
        assert set(store.cohort.load(cohort=ALL, prefer_model=prefer)["analysis_id"]) == {stands, old}
        low = [i for i in store.triage.list_items(prefer_model=prefer) if i.kind is AttentionKind.LOW_COVERAGE]
        assert [item.object_id for item in low] == ([first] if stands == first else [])
    only_b = CohortFilter(model_id="model-b")
    assert list(store.cohort.load(cohort=only_b, prefer_model="model-a")["analysis_id"]) == [second]
    trend = store.trends.load(subject_id=subject.id, model_id="model-b", prefer_model="model-a")
    assert list(trend["analysis_id"]) == [second]
    assert store.cohort.list_models() == ["model-a", "model-b"]


def test_a_cohort_has_a_row_for_each_analysed_session(store: Store) -> None:
    a, b = store.subjects.create(label="A"), store.subjects.create(label="B")
    late, _ = save(store, b.id, "late", 3, phq=NO_HEAD)
    early, _ = save(store, b.id, "early", 0, measures={"pitch_sd": 2.0})
    first, analysis = save(store, a.id, "first", 1, phq=sample_estimate(10, scale=Scale.PHQ9))
    new_session(store, a.id, "not analysed")
    table = store.cohort.load(cohort=ALL, measures=["pitch_sd"])
    assert list(table["session_id"]) == [first, early, late]
    assert list(table["label"]) == ["A", "B", "B"]
    row = table.iloc[0]
    assert (row["analysis_id"], row["phq_score"], row["phq_low"], row["phq_high"]) == (analysis, 10, 7, 13)
    assert (row["phq_scale"], row["phq_provenance"], row["model_id"]) == ("PHQ-9", "simulated", "model-a")
    assert row["recorded_at"] == pd.Timestamp(MONDAY + DAY)
    assert row[list(EMOTIONS)].sum() == pytest.approx(1, abs=1e-6)
    assert list(table["pitch_sd"].isna()) == [True, False, True]
    assert pd.isna(table["phq_score"][2])


def test_rows_of_a_researcher_are_in_the_order_of_pseudonyms(url: str, store: Store) -> None:
    """In that of labels the first pseudonym would be the first label's."""
    for number in range(10):
        subject = store.subjects.create(label=f"P{number}")
        save(store, subject.id, str(number))
        store.subjects.create(label=f"Q{number}")
    assert list(store.cohort.load(cohort=ALL)["label"]) == [f"P{number}" for number in range(10)]
    with Store(url, actor=lambda: Actor("cli", "res", "", "researcher", Role.RESEARCHER)) as limited:
        labels = list(limited.cohort.load(cohort=ALL)["label"])
        subjects = [subject.label for subject in limited.subjects.list_all()]
    assert labels == sorted(labels)
    assert subjects[:10] == labels
    assert subjects[10:] == sorted(subjects[10:])


def test_sessions_whose_consent_was_withdrawn_are_in_no_cohort(store: Store) -> None:
    subject = store.subjects.create(label="A")
    left, _ = save(store, subject.id, "left", 0)
    stays, _ = save(store, subject.id, "stays", 1)
    for session_id, name in ((left, "left"), (stays, "stays")):
        store.analyses.save(session_id=session_id, analysis=again(name, model_id="model-b"))
    assert store.cohort.count_withdrawn(cohort=ALL) == 0
    store.sessions.withdraw_consent(session_id=left)
    assert list(store.cohort.load(cohort=ALL)["session_id"]) == [stays]
    assert store.cohort.count_withdrawn(cohort=ALL) == 1
    assert store.cohort.count_withdrawn(cohort=CohortFilter(until=MONDAY + DAY)) == 1
    assert store.cohort.count_withdrawn(cohort=CohortFilter(since=MONDAY + DAY)) == 0, "the filter keeps it out"
    assert store.cohort.count_withdrawn(cohort=CohortFilter(model_id="model-c")) == 0
    assert store.model_pairs.count_withdrawn(first="model-a", second="model-b") == 1
    assert store.model_pairs.count_withdrawn(first="model-a", second="model-c") == 0
    pairs = store.model_pairs.load(first="model-a", second="model-b", within_days=14)
    assert list(pairs["session_id"]) == [stays]
    assert list(store.trends.load(subject_id=subject.id)["consent_withdrawn"]) == [True, False]
    store.sessions.record_consent(session_id=left, consent=Consent(at=MONDAY, by="Dr M", text_version="1"))
    assert list(store.cohort.load(cohort=ALL)["session_id"]) == [left, stays]
    assert list(store.trends.load(subject_id=subject.id)["consent_withdrawn"]) == [False, False]


def test_no_counter_and_no_list_of_work_has_sessions_whose_consent_was_withdrawn(store: Store) -> None:
    subject = store.subjects.create(label="A")
    left, _ = save(store, subject.id, "left", 0, frames=10, gaps=tuple(range(8)))
    store.analyses.save(session_id=left, analysis=again("left", model_id="model-b"))
    job = store.jobs.create(session_id=left)
    store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal("It broke."))
    stays, bare = save(store, subject.id, "stays", 1)

    def kinds() -> set[AttentionKind]:
        return {item.kind for item in store.triage.list_items(prefer_model="model-a") if item.session_id == left}

    listed = {AttentionKind.FAILED_JOB, AttentionKind.LOW_COVERAGE, AttentionKind.NO_CONSENT}
    assert kinds() == listed
    assert store.model_pairs.count_analyses() == {"model-a": 2, "model-b": 1}
    assert store.cohort.list_models() == ["model-a", "model-b"]
    assert len(store.measures.list_unmeasured(mark="version", version=1)) == 3
    store.sessions.withdraw_consent(session_id=left)
    assert kinds() == {AttentionKind.CONSENT_WITHDRAWN}
    assert store.model_pairs.count_analyses() == {"model-a": 1}
    assert store.cohort.list_models() == ["model-a"]
    assert store.measures.list_unmeasured(mark="version", version=1) == [bare]
    assert store.sessions.get_detail(session_id=left).is_withdrawn
    assert not store.sessions.get_detail(session_id=stays).is_withdrawn
    store.sessions.record_consent(session_id=left, consent=Consent(at=MONDAY, by="Dr M", text_version="1"))
    assert kinds() == listed - {AttentionKind.NO_CONSENT}
    assert store.model_pairs.count_analyses() == {"model-a": 2, "model-b": 1}
    assert not store.sessions.get_detail(session_id=left).is_withdrawn


def test_a_cohort_is_filtered(store: Store) -> None:
    a, b, c = (store.subjects.create(label=name) for name in "ABC")
    store.subjects.set_tags(subject_id=a.id, tags=["arm 1", "site x"])
    store.subjects.set_tags(subject_id=b.id, tags=["arm 2"])
    save(store, a.id, "a0", 0)
    save(store, a.id, "a5", 5, frames=10, gaps=tuple(range(8)))
    save(store, b.id, "b3", 3, model_id="model-b")
    save(store, c.id, "c0", 0, is_demo=True)

    def days(**choices: object) -> list[tuple[str, int]]:
        table = store.cohort.load(cohort=CohortFilter(**choices))  # type: ignore[arg-type]
        return [
            (label, (at - pd.Timestamp(MONDAY)).days)
            for label, at in zip(table["label"], table["recorded_at"], strict=True)
        ]

    assert days() == [("A", 0), ("A", 5), ("B", 3), ("C", 0)]
    assert days(tags=("arm 1",)) == [("A", 0), ("A", 5)]
    assert days(tags=("arm 2", "site x")) == [("A", 0), ("A", 5), ("B", 3)]
    assert days(tags=("nobody's",)) == []
    assert days(since=MONDAY + 3 * DAY) == [("A", 5), ("B", 3)]
    assert days(until=MONDAY + 3 * DAY) == [("A", 0), ("C", 0)]
    assert days(since=MONDAY + 3 * DAY, until=MONDAY + 5 * DAY) == [("B", 3)]
    assert days(model_id="model-b") == [("B", 3)]
    assert days(min_coverage=0.2) == days(), "the floor itself is enough"
    assert days(min_coverage=0.21) == [("A", 0), ("B", 3), ("C", 0)]
    assert days(demo=False) == [("A", 0), ("A", 5), ("B", 3)]
    empty = store.cohort.load(cohort=CohortFilter(tags=("nobody's",)), measures=["pitch_sd"])
    assert {"label", "recorded_at", "pitch_sd", *EMOTIONS} <= set(empty.columns)


def test_answers_are_those_that_stand_oldest_first(store: Store) -> None:
    a, b = store.subjects.create(label="A"), store.subjects.create(label="B")
    store.subjects.create(label="C")
    for total, day in ((3, 0), (1, 9), (2, 4)):
        store.questionnaires.save(
            subject_id=a.id, scale=Scale.PHQ8, items=[total] + [0] * 7, answered_at=MONDAY + day * DAY
        )
    wrong = store.questionnaires.save(subject_id=b.id, scale=Scale.PHQ9, items=[3] * 9, answered_at=MONDAY + 2 * DAY)
    store.questionnaires.save(
        subject_id=b.id, scale=Scale.PHQ9, items=[2] * 8 + [0], answered_at=MONDAY, supersedes_id=wrong.id
    )
    answers = store.cohort.load_answers()
    assert answers.loc[answers["subject_id"] == a.id, "total"].tolist() == [3, 2, 1]
    assert answers.loc[answers["subject_id"] == b.id, ["scale", "total"]].to_numpy().tolist() == [["PHQ-9", 16]]
    assert str(answers["answered_at"].dtype).endswith("UTC]")
    recent = store.cohort.load_answers(seen_since=MONDAY + 9 * DAY)
    assert recent["total"].tolist() == [3, 2, 1], "all of those who answered lately, and nobody else's"
    assert store.cohort.load_answers(seen_since=MONDAY + 10 * DAY).empty
    save(store, b.id, "recorded", 12)
    assert store.cohort.load_answers(seen_since=MONDAY + 10 * DAY)["total"].tolist() == [16]


def test_estimates_of_one_provenance_by_the_analysis_that_stands(store: Store) -> None:
    def clinical(score: float, model_id: str = "model-a") -> PhqEstimate:
        return replace(sample_estimate(score, model_id=model_id), provenance=Provenance.CLINICAL)

    subject = store.subjects.create(label="A")
    second, _ = save(store, subject.id, "second", 1, phq=clinical(12.0))
    first, _ = save(store, subject.id, "first", 0, phq=sample_estimate(20.0))
    withdrawn, _ = save(store, subject.id, "withdrawn", 2, phq=clinical(9.0))
    store.sessions.withdraw_consent(session_id=withdrawn)
    store.analyses.save(
        session_id=first, analysis=again("first", model_id="model-b", phq=clinical(5.0, model_id="model-b"))
    )
    estimates = store.cohort.load_estimates(provenance=Provenance.CLINICAL, prefer_model="model-a")
    assert estimates["session_id"].tolist() == [second]
    assert estimates[["phq_score", "phq_low", "phq_high"]].to_numpy().tolist() == [[12.0, 9.0, 15.0]]
    newest = store.cohort.load_estimates(provenance=Provenance.CLINICAL)
    assert newest["session_id"].tolist() == [first, second], "its newest analysis stands for a session"
    assert newest["phq_model_id"].tolist() == ["model-b", "model-a"]


def test_no_list_reads_frames(store: Store) -> None:
    subject = store.subjects.create(label="A")
    save(store, subject.id, "a", measures={"pitch_sd": 1})
    seen: list[str] = []
    event.listen(store._engine, "before_cursor_execute", lambda _c, _k, statement, *_rest: seen.append(statement))
    store.cohort.load(cohort=ALL, measures=["pitch_sd"], prefer_model="model-a")
    store.cohort.load_answers()
    store.cohort.load_estimates(provenance=Provenance.CLINICAL)
    store.trends.load(subject_id=subject.id, measures=["pitch_sd"], prefer_model="model-a")
    store.sessions.list_recent(prefer_model="model-a")
    asked = [one for one in seen if one.startswith("SELECT")]
    assert len(asked) == 6, "one statement each, and the look at the subject"
    assert not any(" frames" in one or " embeddings" in one or " channels" in one for one in asked)
