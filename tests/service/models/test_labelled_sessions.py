"""Which stored sessions a training would learn from, and the sentences that say why the others do not count."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from analysis_samples import MONDAY, NO_HEAD, new_session, sample_analysis, sample_recording
from labelled_store import fill_labelled, items_of

from db.records import LabelledSessionRecord, LabelSurvey
from db.store import Store
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import find_bundle
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS, RIDGE_ONLY_BELOW
from service.models.labelled_sessions import LabelledSessions, find_labelled_sessions
from service.models.training_manifest import write_manifest
from training.phq.data.manifest import read_manifest


def labelled(store: Store, scale: Scale | None = None, within_days: float = 14) -> LabelledSessions:
    return find_labelled_sessions(store, find_bundle().face_kind, scale, within_days)


def count_of(sessions: int, people: int) -> LabelledSessions:
    """So many sessions of so many people."""
    records = [
        LabelledSessionRecord(str(n), str(n % people), MONDAY, str(n), str(n), 8, (1,) * 8, MONDAY)
        for n in range(sessions)
    ]
    return LabelledSessions(Scale.PHQ8, 14, LabelSurvey(tuple(records), {}, None))


def lines(found: LabelledSessions) -> list[str]:
    return [str(line) for line in found.lines]


def test_an_empty_store_has_nothing_to_learn_from_and_nothing_to_explain(store: Store) -> None:
    assert lines(labelled(store)) == ["There are 0 analysed sessions of 0 people with a PHQ-8 answered within 14 days."]


def test_what_there_is_to_learn_from(store: Store) -> None:
    fill_labelled(store, find_bundle(), people=5, sessions=2)
    found = labelled(store)
    assert (found.scale, len(found.sessions), found.people) == (Scale.PHQ8, 10, 5)
    assert found.enough
    assert found.ridge_only
    assert lines(found) == ["There are 10 analysed sessions of 5 people with a PHQ-8 answered within 14 days."]
    for subject in store.subjects.list_all():
        for days in (2, 32, 62):
            at = MONDAY + timedelta(days=days)
            store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[*items_of(7), 0], answered_at=at)
    assert labelled(store).scale is Scale.PHQ8, "as many: the first of the scales"
    withdrawn = store.sessions.list_recent(limit=1)[0].session.id
    store.sessions.withdraw_consent(session_id=withdrawn)
    assert len(labelled(store, Scale.PHQ8).sessions) == 9
    assert lines(labelled(store, Scale.PHQ8))[1:] == [
        "1 session does not count:",
        "1 has no consent any more: it was withdrawn.",
    ]


def test_reasons_come_with_their_numbers(store: Store) -> None:
    bundle = find_bundle()
    fill_labelled(store, bundle, people=3)
    near = labelled(store, Scale.PHQ9)
    assert lines(near) == [
        "There are 0 analysed sessions of 0 people with a PHQ-9 answered within 14 days.",
        "3 sessions do not count:",
        "3 have no PHQ-9 but a PHQ-8 answered within 14 days.",
    ]
    assert lines(labelled(store, within_days=0.5)) == [
        "There are 0 analysed sessions of 0 people with a PHQ-8 answered within 0.5 days.",
        "3 sessions do not count:",
        "3 have no questionnaire answered within 0.5 days of their recordings; the nearest of all is 1.0 days away.",
    ]


def test_the_count_is_what_is_written(store: Store, tmp_path: Path) -> None:
    bundle = find_bundle()
    fill_labelled(store, bundle, people=2)
    subject = store.subjects.create(label="too little").id
    store.questionnaires.save(subject_id=subject, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY)
    for name, frames, gaps in (("nobody", 40, range(40)), ("seldom", 40, range(35)), ("short", 7, ())):
        analysis = sample_analysis(
            sample_recording(name),
            model_id=bundle.model_id,
            frames=frames,
            gaps=tuple(gaps),
            phq=NO_HEAD,
            dim=bundle.config.dim,
            face_kind=bundle.face_kind,
        )
        session = new_session(store, subject, name, MONDAY, duration_s=frames / 2)
        store.analyses.save(session_id=session.id, analysis=analysis)
    found = labelled(store)
    manifest = read_manifest(write_manifest(store, tmp_path, found))
    assert len(manifest.sessions) == len(found.sessions) == 2
    assert lines(found)[-1] == "3 show too little of the face to learn from, and have neither voice nor words."


@pytest.mark.parametrize(
    ("sessions", "people", "enough"),
    [
        (FEWEST_SESSIONS, FEWEST_SUBJECTS, True),
        (FEWEST_SESSIONS - 1, FEWEST_SUBJECTS, False),
        (FEWEST_SESSIONS, FEWEST_SUBJECTS - 1, False),
    ],
)
def test_enough_is_what_training_asks_for(sessions: int, people: int, enough: bool) -> None:
    assert count_of(sessions, people).enough is enough


@pytest.mark.parametrize("people", [RIDGE_ONLY_BELOW - 1, RIDGE_ONLY_BELOW])
def test_a_choice_between_models_is_what_training_makes(people: int) -> None:
    from training.phq.selection import models_for

    assert count_of(40, people).ridge_only == (models_for(people, quick=False) == ("floor", "ridge"))
