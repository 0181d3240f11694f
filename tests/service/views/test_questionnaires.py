"""The history of a person's questionnaires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.phq import Scale
from service.views.questionnaires import load_questionnaires_view

WHEN = datetime(2026, 5, 6, tzinfo=UTC)


def test_another_difficulty_alone_is_a_correction(store: Store, subject: SubjectRecord) -> None:
    given = {"subject_id": subject.id, "scale": Scale.PHQ8, "items": [1] * 8, "answered_at": WHEN}
    first = store.questionnaires.save(**given)
    store.questionnaires.save(**given, difficulty=3, supersedes_id=first.id, by="CD")
    (step,) = load_questionnaires_view(store, subject.id).corrections
    assert (step.before.difficulty, step.after.difficulty, step.by) == (None, 3, "CD")


def test_each_step_says_who_and_from_which_total_to_which(store: Store, subject: SubjectRecord) -> None:
    assert load_questionnaires_view(store, subject.id).current == ()
    given = {"subject_id": subject.id, "scale": Scale.PHQ8}
    first = store.questionnaires.save(**given, items=[3] * 8, answered_at=WHEN, by="AB")
    other = store.questionnaires.save(**given, items=[0] * 8, answered_at=WHEN + timedelta(days=7))
    second = store.questionnaires.save(**given, items=[2] * 8, answered_at=WHEN, supersedes_id=first.id, by="CD")
    third = store.questionnaires.save(**given, items=[1] * 8, answered_at=WHEN, supersedes_id=second.id)
    found = load_questionnaires_view(store, subject.id)
    assert [record.id for record in found.current] == [other.id, third.id]
    assert found.authors == {first.id: "AB", second.id: "CD"}
    assert [(step.before.total, step.after.total, step.by) for step in found.corrections] == [
        (16, 8, ""),
        (24, 16, "CD"),
    ]
