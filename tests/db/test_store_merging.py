"""Two subjects who are one person become one, and nothing of either is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording

from db.actors import Role
from db.records import Consent, JobState, MergeReport, SubjectRecord
from db.store import Store
from fer_phq.core.errors import StoreError
from fer_phq.core.phq import Scale


def test_everything_of_one_goes_to_the_other(store: Store) -> None:
    goes, stays = store.subjects.create(label="P01-again"), store.subjects.create(label="P01")
    moved = new_session(store, goes.id, "one")
    twin, kept = new_session(store, goes.id, "both"), new_session(store, stays.id, "both")
    store.notes.add(session_id=twin.id, words="of the first")
    store.notes.add(session_id=kept.id, words="of the second")
    store.events.add(subject_id=goes.id, at=MONDAY, words="therapy begins")
    first = store.questionnaires.save(subject_id=goes.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY)
    store.questionnaires.save(
        subject_id=goes.id, scale=Scale.PHQ8, items=[2] * 8, answered_at=MONDAY, supersedes_id=first.id
    )
    store.subjects.set_tags(subject_id=goes.id, tags=["a", "b"])
    store.subjects.set_tags(subject_id=stays.id, tags=["b"])
    report = store.merging.merge(source_id=goes.id, target_id=stays.id)
    assert report == MergeReport(sessions=1, questionnaires=2, events=1, tags=1, twins=1)
    assert [row.label for row in store.subjects.list_all()] == ["P01"]
    assert {row.session.id for row in store.sessions.list_recent(subject_id=stays.id)} == {moved.id, kept.id}
    assert {note.words for note in store.notes.list_by_session(session_id=kept.id)} == {"of the first", "of the second"}
    assert store.subjects.tags(subject_ids=[stays.id]) == {stays.id: ("a", "b")}
    assert len(store.questionnaires.list_by_subject(subject_id=stays.id, include_superseded=True)) == 2
    assert store.audit.list_newest(object_id=stays.id)[0].action == "merge"


def test_what_cannot_be_merged_is_one_sentence_and_changes_nothing(store: Store) -> None:
    goes, stays = store.subjects.create(label="A"), store.subjects.create(label="B")
    demonstration = store.subjects.create(label="D", is_demo=True)
    twin = new_session(store, goes.id, "both")
    new_session(store, stays.id, "both")
    store.analyses.save(session_id=twin.id, analysis=sample_analysis(sample_recording("both")))
    for target, words in ((goes, "with itself"), (demonstration, "demonstration"), (stays, "only the session")):
        with pytest.raises(StoreError, match=words):
            store.merging.merge(source_id=goes.id, target_id=target.id)
    assert len(store.subjects.list_all()) == 3
    assert len(store.sessions.list_recent(subject_id=goes.id)) == 1


def answer(store: Store, subject_id: str, item: int, difficulty: int | None = None, **more: Any) -> str:
    record = store.questionnaires.save(
        subject_id=subject_id,
        scale=Scale.PHQ9,
        items=[item] * 9,
        answered_at=more.pop("answered_at", MONDAY),
        difficulty=difficulty,
        **more,
    )
    return record.id


def merged(store: Store, goes: SubjectRecord, stays: SubjectRecord) -> MergeReport:
    """Merge, as the plan says."""
    plan = store.merging.plan(source_id=goes.id, target_id=stays.id)
    assert store.subjects.get(subject_id=goes.id), "a plan changes nothing"
    report = store.merging.merge(source_id=goes.id, target_id=stays.id)
    assert report == plan
    return report


@pytest.fixture
def pair(store: Store) -> tuple[SubjectRecord, SubjectRecord]:
    return store.subjects.create(label="P01-again"), store.subjects.create(label="P01")


def test_a_questionnaire_that_both_have_counts_once(store: Store, pair: tuple[SubjectRecord, SubjectRecord]) -> None:
    goes, stays = pair
    seen = answer(store, goes.id, 1)
    kept = answer(store, stays.id, 1)
    store.questionnaires.acknowledge(questionnaire_id=seen, by="Dr M")
    moved = answer(store, goes.id, 1, answered_at=MONDAY + timedelta(days=7))
    report = merged(store, goes, stays)
    assert (report.questionnaires, report.same_questionnaires, report.conflicts) == (1, 1, 0)
    records = store.questionnaires.list_by_subject(subject_id=stays.id, include_superseded=True)
    assert {record.id for record in records} == {kept, moved}
    assert store.questionnaires.get(questionnaire_id=kept).acknowledged_by == "Dr M", "the answer to item 9 was seen"
    assert len(store.trends.questionnaires(subject_id=stays.id)) == 2


@pytest.mark.parametrize("corrected", ["source", "target", "both"])
def test_the_corrected_questionnaire_stays(
    store: Store, pair: tuple[SubjectRecord, SubjectRecord], corrected: str
) -> None:
    goes, stays = pair
    for name, subject in (("source", goes), ("target", stays)):
        first = answer(store, subject.id, 1)
        if corrected in (name, "both"):
            answer(store, subject.id, 2, supersedes_id=first)
    assert merged(store, goes, stays).same_questionnaires == 1
    current = store.questionnaires.list_by_subject(subject_id=stays.id)
    assert [record.items for record in current] == [(2,) * 9]
    assert len(store.questionnaires.list_by_subject(subject_id=stays.id, include_superseded=True)) == 2


def test_another_difficulty_is_a_correction_as_in_an_import(
    store: Store, pair: tuple[SubjectRecord, SubjectRecord]
) -> None:
    goes, stays = pair
    kept = answer(store, stays.id, 1)
    later = answer(store, goes.id, 1, difficulty=2)
    report = merged(store, goes, stays)
    assert (report.questionnaires, report.same_questionnaires) == (1, 1)
    (current,) = store.questionnaires.list_by_subject(subject_id=stays.id)
    assert (current.id, current.difficulty, current.supersedes_id) == (later, 2, kept)


def test_other_answers_at_the_same_time_both_stay_and_are_counted(
    store: Store, pair: tuple[SubjectRecord, SubjectRecord]
) -> None:
    goes, stays = pair
    answer(store, stays.id, 1)
    answer(store, goes.id, 2)
    report = merged(store, goes, stays)
    assert (report.questionnaires, report.same_questionnaires, report.conflicts) == (1, 0, 1)
    assert len(store.questionnaires.list_by_subject(subject_id=stays.id)) == 2


def test_events_and_notes_that_both_have_stay_once(store: Store, pair: tuple[SubjectRecord, SubjectRecord]) -> None:
    goes, stays = pair
    for subject in pair:
        store.events.add(subject_id=subject.id, at=MONDAY, words="therapy begins")
        session = new_session(store, subject.id, "both")
        store.notes.add(session_id=session.id, words="she smiles", time_s=2.0)
    store.events.add(subject_id=goes.id, at=MONDAY + timedelta(days=1), words="therapy begins")
    report = merged(store, goes, stays)
    assert (report.events, report.same_events, report.same_notes) == (1, 1, 1)
    assert len(store.events.list_by_subject(subject_id=stays.id)) == 2
    assert len(store.notes.list_by_session(session_id=session.id)) == 1


def test_a_transcript_goes_to_the_session_that_has_none(
    store: Store, pair: tuple[SubjectRecord, SubjectRecord]
) -> None:
    goes, stays = pair
    for name, both in (("first", False), ("second", True)):
        twin, kept = new_session(store, goes.id, name), new_session(store, stays.id, name)
        store.transcripts.save(session_id=twin.id, original_name="a.vtt", document=b"WEBVTT\n\nA\n")
        if both:
            store.transcripts.save(session_id=kept.id, original_name="b.vtt", document=b"WEBVTT\n\nB\n")
    assert merged(store, goes, stays).transcripts == 1
    records = store.sessions.list_recent(subject_id=stays.id)
    transcripts = [store.transcripts.get(session_id=row.session.id) for row in records]
    assert {transcript.original_name for transcript in transcripts if transcript} == {"a.vtt", "b.vtt"}


CONSENT = Consent(at=MONDAY, by="Dr M", text_version="1")


@pytest.mark.parametrize("withdrawn", ["source", "target", None])
def test_consent_of_a_recording_that_both_have(
    store: Store, pair: tuple[SubjectRecord, SubjectRecord], withdrawn: str | None
) -> None:
    goes, stays = pair
    twin, kept = new_session(store, goes.id, "both"), new_session(store, stays.id, "both")
    store.sessions.record_consent(session_id=twin.id, consent=CONSENT)
    if withdrawn is not None:
        store.sessions.record_consent(session_id=kept.id, consent=CONSENT)
        store.sessions.withdraw_consent(session_id=twin.id if withdrawn == "source" else kept.id)
    job = store.jobs.create(session_id=kept.id) if withdrawn == "source" else None
    report = merged(store, goes, stays)
    record = store.sessions.get(session_id=kept.id)
    assert (record.consent is None) == (withdrawn is not None)
    assert store.sessions.is_withdrawn(session_id=kept.id) == (withdrawn is not None)
    assert (report.withdrawals, report.consents) == (withdrawn == "source", withdrawn is None)
    if job is not None:
        assert store.jobs.get(job_id=job.id).state is JobState.CANCELLED


@pytest.mark.parametrize(
    ("source", "target", "expected"), [(1, 2, 1), (2, 1, 1), (None, 1, 1), (1, None, 1), (None, None, None)]
)
def test_the_earlier_end_of_retention_counts(
    store: Store,
    pair: tuple[SubjectRecord, SubjectRecord],
    source: int | None,
    target: int | None,
    expected: int | None,
) -> None:
    days = {None: None} | {number: MONDAY + timedelta(days=number) for number in (1, 2)}
    twin, kept = (new_session(store, subject.id, "both") for subject in pair)
    store.sessions.set_retention(session_id=twin.id, retain_until=days[source])
    store.sessions.set_retention(session_id=kept.id, retain_until=days[target])
    assert merged(store, *pair).retentions == (expected is not None and expected != target)
    assert store.sessions.get(session_id=kept.id).retain_until == days[expected]


def test_whoever_saw_one_of_the_two_sees_the_whole(store: Store, pair: tuple[SubjectRecord, SubjectRecord]) -> None:
    goes, stays = pair
    accounts = {name: store.accounts.create(name=name, role=Role.CLINICIAN) for name in ("both", "first", "second")}
    for subject, names in ((goes, ("both", "first")), (stays, ("both", "second"))):
        for name in names:
            store.shares.add(subject_id=subject.id, account_id=accounts[name].id)
    report = merged(store, goes, stays)
    assert report.accounts == ("first", "second")
    assert {share.account for share in store.shares.list_of(subject_id=stays.id)} == {"both", "first", "second"}
    entries = store.audit.list_newest(object_id=stays.id)
    assert any(entry.action == "share" and f"merged from subject {goes.id}" in entry.detail for entry in entries)
    assert "accounts that see more 2" in next(entry.detail for entry in entries if entry.action == "merge")
