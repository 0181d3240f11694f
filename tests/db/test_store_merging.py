"""Two subjects who are one person become one, and nothing of either is lost."""

from __future__ import annotations

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording

from db.records import MergeReport
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
