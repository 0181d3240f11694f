"""What PHQ heads are trained on and what they can score again, by the kind of the stored embeddings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording, sample_voice

from db.records import Exclusion, LabelledSessionRecord, LabelSurvey, QuestionnaireRecord, QuestionnaireSource
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.phq import PhqUnavailable, Scale, UnavailableReason
from fer_phq.core.texts import FACE_TURNED

DAY = timedelta(days=1)


def session_at(store: Store, subject_id: str, day: float, *, is_demo: bool = False) -> str:
    """Id of a session recorded so many days after `MONDAY`, named after the day."""
    return new_session(store, subject_id, f"{day}", MONDAY + day * DAY, is_demo=is_demo).id


def analyse(store: Store, session_id: str, face_kind: str = "face-a", model_id: str = "model-a", **more: object) -> str:
    """Id of an analysis of such a session."""
    name = store.sessions.get(session_id=session_id).original_name
    analysis = sample_analysis(sample_recording(name), model_id=model_id, face_kind=face_kind, frames=40, gaps=(1,))
    return store.analyses.save(session_id=session_id, analysis=analysis, **more)  # type: ignore[arg-type]


def answer(store: Store, subject_id: str, day: float, total: int = 8, **more: object) -> QuestionnaireRecord:
    choices: dict[str, object] = {"scale": Scale.PHQ8, "items": [1] * total + [0] * (8 - total), **more}
    return store.questionnaires.save(subject_id=subject_id, answered_at=MONDAY + day * DAY, **choices)  # type: ignore[arg-type]


def survey_of(store: Store, scale: Scale = Scale.PHQ8, within_days: float = 7) -> LabelSurvey:
    return store.labels.survey(scale=scale, within_days=within_days, face_kind="face-a", unread_kinds=("old-voice",))


def labelled(store: Store, within_days: float = 7, face_kind: str = "face-a") -> list[LabelledSessionRecord]:
    return list(store.labels.survey(scale=Scale.PHQ8, within_days=within_days, face_kind=face_kind).sessions)


def test_the_nearest_answers_label_a_session(store: Store) -> None:
    subject = store.subjects.create(label="A").id
    days = {day: session_at(store, subject, day) for day in (0, 10, 11, 20, 20.01, 40)}
    analyses = {day: analyse(store, session_id) for day, session_id in days.items()}
    early, late = answer(store, subject, -2, total=1), answer(store, subject, 13, total=3, difficulty=3)
    answer(store, subject, 4, total=2)
    answer(store, subject, 10, scale=Scale.PHQ9, items=[2] * 9)
    found = labelled(store)
    assert [(row.session_id, row.analysis_id, row.questionnaire_id, row.score) for row in found] == [
        (days[0], analyses[0], early.id, 1),
        (days[10], analyses[10], late.id, 3),
        (days[11], analyses[11], late.id, 3),
        (days[20], analyses[20], late.id, 3),
    ]
    assert {row.subject_id for row in found} == {subject}
    assert found[1].items == late.items, "the answers that are scored, without the difficulty"
    assert (found[0].recorded_at, found[0].answered_at) == (MONDAY, MONDAY - 2 * DAY)
    assert [row.score for row in labelled(store, within_days=30)] == [1, 3, 3, 3, 3, 3]
    assert [row.score for row in survey_of(store, Scale.PHQ9, within_days=1).sessions] == [18] * 2


def test_corrections_label_and_what_they_correct_does_not(store: Store) -> None:
    subject = store.subjects.create(label="A").id
    analyse(store, session_at(store, subject, 0))
    wrong = answer(store, subject, 0, total=1)
    correction = answer(store, subject, 5, total=4, supersedes_id=wrong.id)
    assert [(row.questionnaire_id, row.score) for row in labelled(store)] == [(correction.id, 4)]
    assert labelled(store, within_days=4) == []


def test_sessions_of_several_subjects_in_order(store: Store) -> None:
    subjects = [store.subjects.create(label=label).id for label in "ABC"]
    for day in (3, 1):
        for subject in subjects:
            analyse(store, new_session(store, subject, f"{day}", MONDAY + day * DAY).id)
    for subject in subjects[:2]:
        answer(store, subject, 2)
    found = labelled(store)
    assert [(row.subject_id, row.recorded_at) for row in found] == sorted(
        (subject, MONDAY + day * DAY) for subject in subjects[:2] for day in (1, 3)
    ), "the third has no answers of its own"


def test_demonstrations_are_no_labels(store: Store) -> None:
    subject = store.subjects.create(label="A").id
    analyse(store, session_at(store, subject, 0, is_demo=True))
    analyse(store, session_at(store, subject, 1))
    answer(store, subject, 1, source=QuestionnaireSource.DEMO)
    assert labelled(store) == []
    real = answer(store, subject, 2)
    assert [(row.recorded_at, row.questionnaire_id) for row in labelled(store)] == [(MONDAY + DAY, real.id)]


def test_labels_stand_beside_the_newest_analysis_of_the_kind(store: Store) -> None:
    subject = store.subjects.create(label="A").id
    answer(store, subject, 0)
    session_id = session_at(store, subject, 0)
    analyse(store, session_id)
    second = analyse(store, session_id, model_id="model-b")
    other = analyse(store, session_id, face_kind="face-b", model_id="model-c")
    session_at(store, subject, 1)
    assert [row.analysis_id for row in labelled(store)] == [second]
    assert [row.analysis_id for row in labelled(store, face_kind="face-b")] == [other]
    assert labelled(store, face_kind="face-c") == []


def test_sessions_that_a_head_has_not_scored(store: Store) -> None:
    subject, other = store.subjects.create(label="A").id, store.subjects.create(label="B").id
    late, early = session_at(store, subject, 5), session_at(store, subject, 0, is_demo=True)
    analyse(store, late)
    newest = analyse(store, late, model_id="model-b")
    analyse(store, late, face_kind="face-b", model_id="model-c")
    first = analyse(store, early)
    elsewhere = analyse(store, session_at(store, other, 3))
    analyse(store, session_at(store, other, 4), face_kind="")
    assert store.labels.list_rescorable(face_kind="face-a", model_id="new") == [first, elsewhere, newest]
    assert store.labels.list_rescorable(face_kind="face-a", model_id="new", subject_id=other) == [elsewhere]
    assert store.labels.list_rescorable(face_kind="face-a", model_id="model-a") == [], (
        "model-a scored them with these settings"
    )
    assert store.labels.list_rescorable(face_kind="face-c", model_id="new") == []
    analyse(store, early, model_id="new")
    assert store.labels.list_rescorable(face_kind="face-a", model_id="new") == [elsewhere, newest]
    stricter = analyse(store, early, settings=Settings(coverage_floor=0.9))
    assert store.labels.list_rescorable(face_kind="face-a", model_id="new") == [stricter, elsewhere, newest]


@pytest.mark.parametrize("kinds", [("", ""), ("", "face-a"), ("face-a",), ()])
def test_sessions_of_unknown_kind(store: Store, kinds: tuple[str, ...]) -> None:
    subject, other = store.subjects.create(label="A").id, store.subjects.create(label="B").id
    session_id = session_at(store, subject, 0)
    for n, kind in enumerate(kinds):
        analyse(store, session_id, face_kind=kind, model_id=f"model-{n}")
    analyse(store, session_at(store, other, 0), face_kind="")
    unknown = int(kinds == ("", ""))
    assert store.labels.count_unknown_kind() == unknown + 1
    assert store.labels.count_unknown_kind(subject_id=subject) == unknown


def test_every_other_session_has_the_first_reason_that_holds(store: Store) -> None:
    subject, other = store.subjects.create(label="A").id, store.subjects.create(label="B").id
    demonstration = session_at(store, subject, 0, is_demo=True)
    withdrawn = session_at(store, subject, 1)
    for session_id in (demonstration, withdrawn):
        analyse(store, session_id)
    store.sessions.withdraw_consent(session_id=demonstration)
    store.sessions.withdraw_consent(session_id=withdrawn)
    session_at(store, subject, 2)
    analyse(store, session_at(store, subject, 3), face_kind="face-b")
    analyse(store, session_at(store, subject, 4))
    analyse(store, session_at(store, subject, 50))
    analyse(store, session_at(store, subject, 60))
    analyse(store, session_at(store, subject, 90))
    analyse(store, session_at(store, other, 4))
    answer(store, subject, 4)
    answer(store, subject, 60, scale=Scale.PHQ9, items=[2] * 9)
    found = survey_of(store)
    assert [row.recorded_at for row in found.sessions] == [MONDAY + 4 * DAY]
    assert found.excluded == {
        Exclusion.DEMONSTRATION: 1,
        Exclusion.WITHDRAWN: 1,
        Exclusion.NOT_ANALYSED: 1,
        Exclusion.OTHER_BACKBONE: 1,
        Exclusion.NO_QUESTIONNAIRE: 1,
        Exclusion.OTHER_SCALE: 1,
        Exclusion.TOO_FAR: 2,
    }
    assert list(found.excluded) == [reason for reason in Exclusion if reason in found.excluded]
    assert found.nearest_days == 10
    assert len(found.sessions) + sum(found.excluded.values()) == len(store.sessions.list_recent(limit=50))
    wider = survey_of(store, within_days=30)
    assert Exclusion.TOO_FAR not in wider.excluded
    assert wider.nearest_days is None


def test_a_session_that_shows_too_little_is_no_label_unless_it_has_a_voice(store: Store) -> None:
    subject = store.subjects.create(label="A").id
    answer(store, subject, 0)

    def keep(name: str, **measured: object) -> None:
        choices: dict[str, object] = {"model_id": "model-a", "face_kind": "face-a", "frames": 40, **measured}
        session = new_session(store, subject, name, MONDAY, duration_s=int(str(choices["frames"])) / 2)
        analysis = sample_analysis(sample_recording(name), **choices)  # type: ignore[arg-type]
        store.analyses.save(session_id=session.id, analysis=analysis)

    keep("seen")
    keep("nobody", gaps=tuple(range(40)))
    keep("seldom", gaps=tuple(range(35)))
    keep("short", frames=7, gaps=())
    turned = PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, FACE_TURNED(share=0.8))
    keep("turned", phq=turned)
    keep("heard", gaps=tuple(range(40)), voice=sample_voice())
    keep("heard before", gaps=tuple(range(40)), voice=replace(sample_voice(), kind="old-voice"))
    found = survey_of(store)
    names = {store.sessions.get(session_id=row.session_id).original_name for row in found.sessions}
    assert names == {"seen", "heard"}
    assert found.excluded == {Exclusion.NOTHING_MEASURED: 5}
