"""Who is listed for attention, and why: each rule at its boundary, and what is never a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest
from synthetic_sessions import MODEL, Plan, recording_info, synthetic_analysis

from db.records import AttentionKind
from db.store import Store
from fer_phq.core.phq import Modality, PhqEstimate, Provenance, Scale
from service.views.overview.triage import SEEN_DAYS, ListedPerson, Rule, load_triage_view

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def listed(store: Store, due_days: int | None = 28, now: datetime = NOW) -> dict[str, ListedPerson]:
    """Who is listed, by label, in the list's order."""
    view = load_triage_view(store, now=now, coverage_floor=0.3, due_days=due_days, prefer_model=MODEL)
    return {person.label: person for person in view.people}


def rules(person: ListedPerson) -> list[Rule]:
    return [reason.rule for reason in person.reasons]


def answer(store: Store, label: str, totals: Sequence[int], *, days_ago: int = 1, scale: Scale = Scale.PHQ9) -> str:
    """Questionnaires a week apart, the last `days_ago`; item 9 is 0."""
    subject = store.subjects.get_or_create(label=label)
    for k, total in enumerate(totals):
        items = [total // 8 + (i < total % 8) for i in range(8)] + [0] * (scale.items - 8)
        at = NOW - DAY * (days_ago + 7 * (len(totals) - 1 - k))
        store.questionnaires.save(subject_id=subject.id, scale=scale, items=items, answered_at=at)
    return subject.id


def estimated(
    store: Store, label: str, score: float, days_ago: int, provenance: Provenance = Provenance.CLINICAL,
    model_id: str = MODEL, modalities: tuple[Modality, ...] = (Modality.FACE,),
) -> str:  # fmt: skip
    """A session with an estimate whose interval reaches 3 points to either side."""
    subject = store.subjects.get_or_create(label=label)
    info = recording_info(crc32(f"{label} {days_ago}".encode()), 10.0)
    session = store.sessions.create(
        subject_id=subject.id, recorded_at=NOW - DAY * days_ago, recording=info, original_name="a.mp4", media_path=None
    )
    phq = PhqEstimate(score, score - 3, score + 3, 0.9, Scale.PHQ8, provenance, model_id, modalities)
    analysis = replace(synthetic_analysis(1, Plan(seconds=10), info), model_id=model_id, phq=phq)
    store.analyses.save(session_id=session.id, analysis=analysis)
    return session.id


def test_reliably_worse_than_at_first_or_than_before(store: Store) -> None:
    answer(store, "six more", [9, 15])
    answer(store, "seven more", [9, 10, 16], days_ago=2)
    answer(store, "relapse", [19, 6, 15], days_ago=1)
    answer(store, "better again", [9, 17, 10])
    answer(store, "other scale", [2], days_ago=9)
    answer(store, "other scale", [18], scale=Scale.PHQ8)
    people = listed(store)
    assert list(people) == ["relapse", "seven more"], "newest first"
    (relapse,) = people["relapse"].reasons
    (worse,) = people["seven more"].reasons
    assert relapse.rule is worse.rule is Rule.WORSENED
    assert worse.change is not None
    assert (worse.change.baseline.total, worse.change.score.total) == (9, 16)
    assert relapse.change is not None
    assert (relapse.change.baseline.total, relapse.change.difference) == (6, 9)


def test_a_severe_total_is_listed_once(store: Store) -> None:
    answer(store, "19", [19])
    answer(store, "20", [20])
    answer(store, "worsened to 20", [5, 20])
    people = listed(store)
    assert {label: rules(person) for label, person in people.items()} == {
        "worsened to 20": [Rule.WORSENED],
        "20": [Rule.SEVERE],
    }


def test_a_correction_takes_its_questionnaires_reason_away(store: Store) -> None:
    subject = store.subjects.create(label="A")
    wrong = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[3] * 8, answered_at=NOW - DAY)
    assert list(listed(store)) == ["A"]
    store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=NOW - DAY, supersedes_id=wrong.id
    )
    assert not listed(store)


def test_clinical_intervals_that_lie_apart(store: Store) -> None:
    for label, last in (("touching", 12.0), ("apart", 12.5), ("lower", 3.0)):
        estimated(store, label, 6.0, 20)
        estimated(store, label, last, 1)
    people = listed(store)
    (reason,) = people["apart"].reasons
    assert list(people) == ["apart"]
    assert reason.rule is Rule.ESTIMATE
    assert reason.estimates is not None
    first, newest = reason.estimates
    assert (first.score, newest.score, newest.low) == (6.0, 12.5, 9.5)


def test_simulated_estimates_and_those_of_two_heads_are_no_reason(store: Store) -> None:
    for days_ago, score in ((20, 3.0), (1, 21.0)):
        estimated(store, "simulated", score, days_ago, Provenance.SIMULATED)
    estimated(store, "two heads", 3.0, 20, model_id="other-11111111")
    estimated(store, "two heads", 21.0, 1)
    estimated(store, "two heads of a bundle", 3.0, 20)
    estimated(store, "two heads of a bundle", 21.0, 1, modalities=(Modality.FACE, Modality.VOICE))
    estimated(store, "mixed", 3.0, 20)
    estimated(store, "mixed", 21.0, 1, Provenance.SIMULATED)
    assert not listed(store)


def test_a_withdrawn_session_is_no_reason(store: Store) -> None:
    estimated(store, "A", 3.0, 20)
    last = estimated(store, "A", 21.0, 1)
    assert list(listed(store)) == ["A"]
    store.sessions.withdraw_consent(session_id=last)
    assert not listed(store)


def test_overdue_the_longest_first_until_half_a_year(store: Store) -> None:
    answer(store, "due", [8], days_ago=28)
    answer(store, "overdue", [8], days_ago=29)
    answer(store, "longer", [8], days_ago=90)
    answer(store, "gone", [8], days_ago=SEEN_DAYS + 1)
    people = listed(store)
    assert list(people) == ["longer", "overdue"]
    assert people["longer"].reasons[0].days == 90
    assert list(listed(store, due_days=90)) == []
    assert list(listed(store, due_days=None)) == []


def test_who_is_still_recorded_is_overdue_however_old_the_answers_are(store: Store) -> None:
    answer(store, "recorded", [8], days_ago=SEEN_DAYS + 20)
    estimated(store, "recorded", 6.0, 3)
    (reason,) = listed(store)["recorded"].reasons
    assert (reason.rule, reason.days) == (Rule.OVERDUE, SEEN_DAYS + 20)


def test_item_9_comes_first_and_stays_until_it_is_acted_on(store: Store) -> None:
    answer(store, "worse", [2, 17], days_ago=0)
    subject = store.subjects.create(label="flagged")
    long_ago = NOW - DAY * (SEEN_DAYS + 100)
    flagged = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=long_ago
    )
    assert [(label, rules(person)) for label, person in listed(store).items()] == [
        ("flagged", [Rule.ITEM_9]),
        ("worse", [Rule.WORSENED]),
    ]
    store.questionnaires.acknowledge(questionnaire_id=flagged.id, by="AB")
    assert list(listed(store)) == ["worse"]


def test_everybody_who_answered_item_9_is_listed(store: Store) -> None:
    for number in range(53):
        subject = store.subjects.create(label=f"P-{number}")
        store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=NOW - DAY * (number + 1)
        )
    people = listed(store, due_days=None)
    assert list(people) == [f"P-{number}" for number in range(53)]
    assert all(rules(person) == [Rule.ITEM_9] for person in people.values())


def test_one_person_has_all_reasons_most_urgent_first(store: Store) -> None:
    subject_id = answer(store, "A", [3, 17], days_ago=40)
    estimated(store, "A", 3.0, 20)
    estimated(store, "A", 21.0, 1)
    store.questionnaires.save(subject_id=subject_id, scale=Scale.PHQ9, items=[2] * 8 + [1], answered_at=NOW - 39 * DAY)
    (person,) = listed(store).values()
    assert rules(person) == [Rule.ITEM_9, Rule.WORSENED, Rule.ESTIMATE, Rule.OVERDUE]


def test_made_up_people_are_listed_where_there_are_no_others(store: Store) -> None:
    made_up = store.subjects.create(label="DEMO", is_demo=True)
    store.questionnaires.save(subject_id=made_up.id, scale=Scale.PHQ8, items=[3] * 8, answered_at=NOW - DAY)
    assert listed(store)["DEMO"].is_demo
    store.subjects.create(label="P-1")
    assert not listed(store)


@pytest.mark.parametrize("coverage", [0.1, 0.9])
def test_sessions_keep_their_own_list(store: Store, coverage: float) -> None:
    answer(store, "A", [20])
    info = recording_info(1, 30.0)
    session = store.sessions.create(
        subject_id=store.subjects.get_or_create(label="A").id, recorded_at=NOW - DAY, recording=info,
        original_name="a.mp4", media_path=None,
    )  # fmt: skip
    plan = Plan(seconds=30, coverage=coverage)
    store.analyses.save(session_id=session.id, analysis=synthetic_analysis(1, plan, info))
    view = load_triage_view(store, now=NOW, coverage_floor=0.3, due_days=28, prefer_model=MODEL)
    kinds = {item.kind for item in view.sessions}
    assert (AttentionKind.LOW_COVERAGE in kinds) == (coverage < 0.3)
    assert AttentionKind.ITEM_9 not in kinds
