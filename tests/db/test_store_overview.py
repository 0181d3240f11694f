"""What the dashboard asks: summaries, trends, attention; each in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pandas as pd
import pytest
from analysis_samples import MONDAY, NO_HEAD, new_session, sample_analysis, sample_estimate, sample_recording
from sqlalchemy import event

from db.records import AttentionKind, Consent, JobState, QuestionnaireSource
from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.messages import literal
from fer_phq.core.phq import Modality, Scale

DAY = timedelta(days=1)


def analysed(store: Store, subject_id: str, name: str, day: int, **choices: object) -> tuple[str, str]:
    """Session id and analysis id."""
    session = new_session(store, subject_id, name, MONDAY + day * DAY)
    analysis = sample_analysis(sample_recording(name), **choices)  # type: ignore[arg-type]
    return session.id, store.analyses.save(session_id=session.id, analysis=analysis)


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    yield seen
    event.remove(store._engine, "before_cursor_execute", note)


def test_subjects_with_counts(store: Store) -> None:
    first, second = store.subjects.create(label="A"), store.subjects.create(label="B", is_demo=True)
    analysed(store, first.id, "a", 0)
    new_session(store, first.id, "b", MONDAY + DAY)
    answers = store.questionnaires.save(subject_id=first.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY)
    store.questionnaires.save(
        subject_id=first.id, scale=Scale.PHQ8, items=[0] * 8, answered_at=MONDAY + DAY, supersedes_id=answers.id
    )
    one, two = store.subjects.list_all()
    assert (one.label, one.sessions, one.analysed_sessions, one.questionnaires) == ("A", 2, 1, 1)
    assert (one.last_recorded_at, one.last_answered_at) == (MONDAY + DAY, MONDAY + DAY)
    assert (two.id, two.sessions, two.last_recorded_at, two.last_answered_at) == (second.id, 0, None, None)
    assert [subject.label for subject in store.subjects.list_all(include_demo=False)] == ["A"]


def test_recent_sessions_with_newest_analysis_and_job(store: Store) -> None:
    subject = store.subjects.create(label="A")
    session_id, _ = analysed(store, subject.id, "a", 0)
    newest = store.analyses.save(
        session_id=session_id, analysis=sample_analysis(sample_recording("a"), model_id="model-b", phq=NO_HEAD)
    )
    failed = store.jobs.create(session_id=session_id)
    store.jobs.set_state(job_id=failed.id, state=JobState.FAILED, error=literal("No."))
    job = store.jobs.create(session_id=session_id)
    bare = new_session(store, subject.id, "b", MONDAY + DAY)
    first, second = store.sessions.list_recent()
    assert (first.session.id, first.analysis, first.job, first.subject_label) == (bare.id, None, None, "A")
    assert second.analysis == store.analyses.get(analysis_id=newest)
    assert second.job == job
    detail = store.sessions.get_detail(session_id=session_id)
    assert [summary.model_id for summary in detail.analyses] == ["model-b", "model-a"]
    assert (detail.subject, detail.job, detail.session) == (subject, job, second.session)
    assert [row.session.id for row in store.sessions.list_recent(limit=1, offset=1)] == [session_id]
    assert store.sessions.list_recent(subject_id="other") == []


def test_number_of_statements_does_not_grow(store: Store) -> None:
    subject = store.subjects.create(label="A")
    counts = []
    for round_ in range(2):
        for n in range(1 + 5 * round_):
            session_id, _ = analysed(store, subject.id, f"{round_}-{n}", n, frames=4, gaps=())
            store.jobs.create(session_id=session_id)
        with statements(store) as seen:
            assert len(store.sessions.list_recent()) == 1 + 6 * round_
            store.subjects.list_all()
            store.triage.list_items()
            store.trends.load(subject_id=subject.id)
            store.jobs.list_newest()
            store.labels.survey(scale=Scale.PHQ8, within_days=7, face_kind="face-a")
            assert len(store.labels.list_rescorable(face_kind="face-a", model_id="model-b")) == 1 + 6 * round_
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_trend_has_one_row_a_session(store: Store) -> None:
    subject = store.subjects.create(label="A")
    _, late = analysed(store, subject.id, "late", 3, phq=NO_HEAD)
    estimate = sample_estimate(10, scale=Scale.PHQ9, modalities=(Modality.FACE, Modality.VOICE))
    early_session, early = analysed(store, subject.id, "early", 0, phq=estimate)
    _, faceless = analysed(store, subject.id, "faceless", 5, frames=2, gaps=(0, 1), phq=NO_HEAD)
    new_session(store, subject.id, "not analysed", MONDAY)
    trend = store.trends.load(subject_id=subject.id)
    assert list(trend["analysis_id"]) == [early, late, faceless]
    assert trend["recorded_at"].iloc[0] == pd.Timestamp(MONDAY)
    first, second, third = trend.to_dict("records")
    assert (first["phq_score"], first["phq_low"], first["phq_high"], first["phq_level"]) == (10, 7, 13, 0.9)
    assert (first["phq_scale"], first["phq_provenance"], first["phq_modalities"]) == (
        "PHQ-9",
        "simulated",
        "face+voice",
    )
    assert pd.isna(first["phq_unavailable"])
    assert pd.isna(second["phq_score"])
    assert pd.isna(second["phq_provenance"])
    assert pd.isna(second["phq_modalities"])
    assert second["phq_unavailable"] == "no_head"
    assert second["coverage"] == 0.9
    assert trend.loc[1, list(EMOTIONS)].sum() == pytest.approx(1, abs=1e-6)
    assert all(pd.isna(third[name]) for name in EMOTIONS)
    again = store.analyses.save(
        session_id=early_session, analysis=sample_analysis(sample_recording("early"), model_id="model-b")
    )
    assert list(store.trends.load(subject_id=subject.id)["analysis_id"]) == [again, late, faceless]
    assert store.trends.load(subject_id=subject.id, model_id="model-a")["analysis_id"][0] == early
    assert list(store.trends.load(subject_id=subject.id, model_id="model-b")["session_id"]) == [early_session]
    assert store.trends.list_models(subject_id=subject.id) == ["model-a", "model-b"]


def test_empty_frames_keep_their_columns(store: Store) -> None:
    subject = store.subjects.create(label="A")
    trend = store.trends.load(subject_id=subject.id)
    assert trend.empty
    assert {"recorded_at", *EMOTIONS, "phq_low", "phq_provenance"} <= set(trend.columns)
    assert trend.dtypes["phq_score"] == "float64"
    answers = store.trends.questionnaires(subject_id=subject.id)
    assert answers.empty
    assert {"answered_at", "total", "difficulty", "band", "maximum"} <= set(answers.columns)


def test_questionnaire_table(store: Store) -> None:
    subject = store.subjects.create(label="A")
    for day, items, difficulty in ((2, [3] * 9, 3), (0, [0] * 9, None)):
        store.questionnaires.save(
            subject_id=subject.id,
            scale=Scale.PHQ9,
            items=items,
            difficulty=difficulty,
            answered_at=MONDAY + day * DAY,
            source=QuestionnaireSource.IMPORTED,
        )
    table = store.trends.questionnaires(subject_id=subject.id)
    assert list(table["total"]) == [0, 27]
    assert list(table["band"]) == ["minimal", "severe"]
    assert list(table["item9_flag"]) == [False, True]
    assert list(table["maximum"]) == [27, 27]
    assert table["difficulty"].isna().tolist() == [True, False]
    assert table["difficulty"][1] == 3
    assert set(table["source"]) == {"imported"}


def test_attention(store: Store) -> None:
    subject, demo = store.subjects.create(label="A"), store.subjects.create(label="Demo", is_demo=True)
    consent = Consent(at=MONDAY, by="clinician", text_version="1")
    fine, _ = analysed(store, subject.id, "fine", 0)
    low, low_analysis = analysed(store, subject.id, "low", 1, frames=10, gaps=tuple(range(8)))
    broken, retried = new_session(store, subject.id, "broken"), new_session(store, subject.id, "retried")
    for session_id in (fine, low, broken.id):
        store.sessions.record_consent(session_id=session_id, consent=consent)
    store.sessions.set_retention(session_id=fine, retain_until=MONDAY)
    failed = store.jobs.create(session_id=broken.id)
    store.jobs.set_state(job_id=failed.id, state=JobState.FAILED, error=literal("The recording is truncated."))
    store.jobs.set_state(job_id=store.jobs.create(session_id=retried.id).id, state=JobState.FAILED, error=literal("x"))
    store.jobs.create(session_id=retried.id)
    store.sessions.create(
        subject_id=demo.id,
        recorded_at=MONDAY,
        recording=sample_recording("demo"),
        original_name="demo",
        media_path=None,
        is_demo=True,
    )
    flagged = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=MONDAY
    )
    found = store.triage.list_items(now=MONDAY + 9 * DAY)
    assert [(item.kind, item.session_id, item.object_id) for item in found] == [
        (AttentionKind.ITEM_9, None, flagged.id),
        (AttentionKind.FAILED_JOB, broken.id, failed.id),
        (AttentionKind.LOW_COVERAGE, low, low_analysis),
        (AttentionKind.NO_CONSENT, retried.id, retried.id),
        (AttentionKind.PAST_RETENTION, fine, fine),
    ]
    assert {item.subject_label for item in found} == {"A"}
    assert [str(item.detail) for item in found[:3]] == [
        "item 9 of this PHQ-9 is not zero",
        "The recording is truncated.",
        "the face was seen in 20% of the recording",
    ]
    store.questionnaires.acknowledge(questionnaire_id=flagged.id, by="Dr. A")
    seen = store.questionnaires.acknowledge(questionnaire_id=flagged.id, by="Dr. B")
    assert seen.acknowledged_by == "Dr. A"
    assert AttentionKind.ITEM_9 not in {item.kind for item in store.triage.list_items()}
    assert AttentionKind.LOW_COVERAGE not in {item.kind for item in store.triage.list_items(coverage_floor=0.1)}
